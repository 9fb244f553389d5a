//! Lets a program use a directory, to write or only to read, and nothing beside it.
//!
//! ```console
//! $ cargo run -p wootz-examples --bin directories
//! ```

use std::fs;
use std::path::Path;

use wootz::{Engine, Linker, Module, Result, Store};
use wootz_wasi::{FsPerms, I32Exit, WasiCtx, WasiCtxBuilder};

struct Notes {
    linker: Linker<WasiCtx>,
    module: Module,
}

impl Notes {
    /// Runs the program, which knows the directory as `/notes`. Returns its exit status.
    fn run(&self, directory: &Path, perms: FsPerms, args: &[&str]) -> Result<i32> {
        let context = WasiCtxBuilder::new()
            .arg("notes")
            .args(args)
            .inherit_stdout()
            // What goes wrong is part of what is shown here.
            .stderr(std::io::stdout())
            .preopened_dir(directory, "/notes", perms)?
            .build();
        let mut store = Store::new(self.linker.engine(), context);
        let instance = self.linker.instantiate(&mut store, &self.module)?;
        let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
        match start.call(&mut store, ()) {
            Ok(()) => Ok(0),
            Err(error) => match error.downcast_ref::<I32Exit>() {
                Some(exit) => Ok(exit.0),
                None => Err(error),
            },
        }
    }
}

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::from_file(&engine, concat!(env!("CARGO_MANIFEST_DIR"), "/c/notes.wasm"))?;
    let mut linker: Linker<WasiCtx> = Linker::new(&engine);
    wootz_wasi::add_to_linker(&mut linker, |context| context)?;
    let notes = Notes { linker, module };

    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("secret.txt"), "nobody may know\n")?;
    let directory = folder.path().join("notes");
    fs::create_dir(&directory)?;

    let everything = FsPerms::ReadWrite;
    notes.run(&directory, everything, &["/notes/today.txt", "buy", "milk"])?;
    notes.run(&directory, everything, &["/notes/today.txt", "read", "the", "specification"])?;
    println!("here it is: {:?}", fs::read_to_string(directory.join("today.txt"))?);

    let only_reading = FsPerms::ReadOnly;
    notes.run(&directory, only_reading, &["/notes/today.txt"])?;
    let status = notes.run(&directory, only_reading, &["/notes/today.txt", "one", "more"])?;
    println!("status {status}");

    std::os::unix::fs::symlink("../secret.txt", directory.join("link.txt"))?;
    for path in ["/notes/../secret.txt", "/notes/link.txt", "/etc/passwd"] {
        notes.run(&directory, everything, &[path])?;
    }
    Ok(())
}
