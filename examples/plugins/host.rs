//! A program with plugins: shared libraries in a folder, which come, change and go while it runs.
//!
//! ```console
//! $ wootz compile examples/plugins/shout.wat -o folder/shout.so
//! $ cargo run -p wootz-examples --bin plugins folder
//! ```
//!
//! Reads lines, and shows what each plugin makes of each of them. Before every line it looks at the folder: what is new is
//! loaded, what has changed is loaded again, what is gone is unloaded. A plugin that traps loses its state, and nothing else
//! happens to anybody. There is no compiler in this program.
//!
//! A plugin exports its `memory`, `buffer` (a function that returns where in the memory a line is to be put, with room for
//! `SPACE` bytes) and `transform` (which gets the number of bytes there, and returns that of the answer there). It may import
//! `host` `say`, a function of an address and a number of bytes, which prints a text.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use wootz::{
    Caller, Config, Context, Engine, Linker, Memory, Module, Result, Store, Trap, TypedFunc,
};

/// How many bytes a plugin has room for.
const SPACE: usize = 1024;

/// What tells a file from another one of the same name.
type Stamp = (u64, i64, i64, u64);

fn stamp(path: &Path) -> io::Result<Stamp> {
    let file = fs::metadata(path)?;
    Ok((file.ino(), file.mtime(), file.mtime_nsec(), file.len()))
}

/// A plugin that is loaded, and a store of its own with its state.
struct Plugin {
    module: Module,
    running: Running,
}

struct Running {
    store: Store<String>,
    memory: Memory,
    buffer: TypedFunc<(), u32>,
    transform: TypedFunc<u32, u32>,
}

impl Running {
    fn start(linker: &Linker<String>, module: &Module, name: &str) -> Result<Running> {
        let mut store = Store::new(linker.engine(), name.to_string());
        let instance = linker.instantiate(&mut store, module)?;
        Ok(Running {
            memory: instance.get_memory(&mut store, "memory").context("it exports no `memory`")?,
            buffer: instance.get_typed_func(&mut store, "buffer")?,
            transform: instance.get_typed_func(&mut store, "transform")?,
            store,
        })
    }

    fn transform(&mut self, line: &str) -> Result<String> {
        let line = &line.as_bytes()[..line.len().min(SPACE)];
        let at = self.buffer.call(&mut self.store, ())?;
        self.memory.write(&mut self.store, at as usize, line)?;
        let bytes = self.transform.call(&mut self.store, line.len() as u32)?;
        text(self.memory.data(&self.store), at, bytes)
    }
}

/// A text in a plugin's memory, which may be anywhere, or nowhere.
fn text(memory: &[u8], at: u32, bytes: u32) -> Result<String> {
    let text = memory.get(at as usize..).and_then(|rest| rest.get(..bytes as usize));
    let text = text.context("it says that its text is outside of its memory")?;
    Ok(String::from_utf8_lossy(text).into_owned())
}

/// The plugins of a folder. What could not be loaded is not tried again before it changes.
struct Plugins {
    folder: PathBuf,
    linker: Linker<String>,
    known: BTreeMap<String, (Stamp, Option<Plugin>)>,
}

impl Plugins {
    fn of(folder: PathBuf) -> Result<Plugins> {
        let engine = Engine::new_without_compiler(&Config::new())?;
        let mut linker = Linker::new(&engine);
        linker.func_wrap(
            "host",
            "say",
            |mut caller: Caller<'_, String>, at: u32, bytes: u32| {
                let memory = caller.get_export("memory").and_then(|export| export.into_memory());
                let memory = memory.context("it exports no `memory`")?;
                println!("{} says: {}", caller.data(), text(memory.data(&caller), at, bytes)?);
                Ok(())
            },
        )?;
        Ok(Plugins { folder, linker, known: BTreeMap::new() })
    }

    /// Loads and unloads, so that what is known is what is there.
    fn look(&mut self) -> Result<()> {
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(&self.folder).context("cannot read the folder of plugins")? {
            let path = entry?.path();
            if path.extension() == Some(OsStr::new("so"))
                // One that is gone by now is none.
                && let (Some(name), Ok(stamp)) = (path.file_stem(), stamp(&path))
            {
                found.insert(name.to_string_lossy().into_owned(), (path.clone(), stamp));
            }
        }
        self.known.retain(|name, _| {
            let is_there = found.contains_key(name);
            if !is_there {
                println!("unloaded {name}");
            }
            is_there
        });
        for (name, (path, stamp)) in found {
            let what = match self.known.get(&name) {
                Some((known, _)) if *known == stamp => continue,
                Some(_) => "loaded again:",
                None => "loaded",
            };
            // The old one goes first, so that there are never two of a name.
            self.known.remove(&name);
            let plugin = self.load(&name, &path);
            match &plugin {
                Ok(_) => println!("{what} {name}"),
                Err(error) => println!("cannot load {name}: {error:#}"),
            }
            self.known.insert(name, (stamp, plugin.ok()));
        }
        Ok(())
    }

    fn load(&self, name: &str, path: &Path) -> Result<Plugin> {
        // SAFETY: whoever puts files into the folder is trusted to put there what `wootz compile` made, as a whole and not by
        // overwriting what is there.
        let module = unsafe { Module::load(self.linker.engine(), path) };
        // The rest of the message is enough for a line.
        let module = module.map_err(|error| wootz::Error::msg(error.root_cause().to_string()))?;
        let running = Running::start(&self.linker, &module, name)?;
        Ok(Plugin { module, running })
    }

    /// What all plugins make of a line.
    fn transform(&mut self, line: &str) -> Result<()> {
        for (name, (_, plugin)) in &mut self.known {
            let Some(Plugin { module, running }) = plugin else { continue };
            match running.transform(line) {
                Ok(answer) => println!("{name}: {answer}"),
                Err(error) => {
                    match error.downcast_ref::<Trap>() {
                        Some(trap) => println!("{name} trapped: {trap}"),
                        None => println!("{name} failed: {error}"),
                    }
                    // Whatever it was about, it begins anew.
                    *running = Running::start(&self.linker, module, name)?;
                }
            }
        }
        Ok(())
    }
}

fn main() -> Result<()> {
    let folder = env::args_os().nth(1).context("usage: plugins FOLDER")?;
    let mut plugins = Plugins::of(folder.into())?;
    for line in io::stdin().lock().lines() {
        plugins.look()?;
        plugins.transform(&line?)?;
        println!();
        io::stdout().flush()?;
    }
    Ok(())
}
