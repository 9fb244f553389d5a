//! Modules that are loaded and unloaded.
//!
//! In: modules from nothing to 100,000 functions. Out: what it costs to load the file of each and to unload it again.
//!
//! Always true: each side loads a file that it has made itself, in a folder that is gone afterwards.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Figure;
use super::turns::{Subject, take_turns};

/// A module, and the bar for it.
struct Guest {
    name: String,
    wasm: Vec<u8>,
    bar: Option<f64>,
}

/// A module of so many functions, which take about 300 bytes of an artifact each.
fn functions(count: usize) -> Vec<u8> {
    let mut text = String::from("(module (memory 1)");
    for number in 0..count {
        text.push_str("(func (param i32 i32)");
        for at in 0..4 {
            let offset = (number * 7 + at * 13) % 60_000;
            write!(
                text,
                "(i32.store offset={offset} (local.get 0) (i32.xor (i32.load offset={offset} (local.get 0)) (local.get 1)))"
            )
            .expect("text takes everything");
        }
        text.push(')');
    }
    text.push_str("(export \"first\" (func 0)))");
    wat::parse_str(&text).expect("it is a module")
}

fn guests(programs: &Path) -> Vec<Guest> {
    let mut guests = vec![Guest {
        name: "tiny".into(),
        wasm: wat::parse_str("(module (memory 1) (func (export \"nothing\")))")
            .expect("it is a module"),
        bar: Some(4.0),
    }];
    match fs::read(programs.join("sqlite.wasm")) {
        Ok(wasm) => guests.push(Guest { name: "SQLite".into(), wasm, bar: Some(0.5) }),
        Err(_) => println!(
            "(no sqlite.wasm in {}: `make -C tests/programs` builds it)",
            programs.display()
        ),
    }
    for (count, bar) in [(1_000, None), (10_000, None), (100_000, Some(0.2))] {
        guests.push(Guest { name: format!("{count} functions"), wasm: functions(count), bar });
    }
    guests
}

macro_rules! subjects {
    ($library:ident, $folder:expr, $guests:expr) => {{
        use $library::{Config, Engine, Module, OptLevel};
        let make = || -> Result<Vec<Subject>> {
            let mut config = Config::new();
            // Compiling takes most of the time of this room.
            config.cranelift_opt_level(OptLevel::None);
            let engine = Engine::new(&config).map_err(|error| anyhow::anyhow!("{error:?}"))?;
            let mut subjects = Vec::new();
            for (number, guest) in $guests.iter().enumerate() {
                let artifact = engine
                    .precompile_module(&guest.wasm)
                    .map_err(|error| anyhow::anyhow!("{error:?}"))?;
                let path: PathBuf = $folder.join(format!("{}-{number}", stringify!($library)));
                fs::write(&path, &artifact).with_context(|| path.display().to_string())?;
                println!(
                    "({} for {}: {} KB)",
                    stringify!($library),
                    guest.name,
                    artifact.len() / 1000
                );
                let engine = engine.clone();
                subjects.push(Subject::each(
                    format!("load: {}", guest.name),
                    guest.bar,
                    move || {
                        // SAFETY: just compiled, and in a folder of ours.
                        drop(unsafe { Module::deserialize_file(&engine, &path) }.unwrap());
                    },
                ));
            }
            Ok(subjects)
        };
        make()
    }};
}

pub fn figures(programs: &Path) -> Result<Vec<Figure>> {
    let folder = Folder::new()?;
    let guests = guests(programs);
    let ours = subjects!(wootz, folder.path(), &guests)?;
    let peers = subjects!(wasmtime, folder.path(), &guests)?;
    Ok(take_turns(ours, peers))
}

/// A folder that is gone when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Folder> {
        let path = std::env::temp_dir().join(format!("wootz-benches-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        Ok(Folder(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed the system will remove.
        let _ = fs::remove_dir_all(&self.0);
    }
}
