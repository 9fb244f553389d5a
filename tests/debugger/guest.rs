//! Sources to modules and, for trying out scripts, to native programs.
//!
//! In: a case and a way to build it. Out: files in `target/debugger`, made again only if a source or the command has changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

use wootz_tests::{has, programs, root};

use super::script::{Build, Case};

/// Where things are built.
pub fn folder() -> PathBuf {
    root().join("target/debugger")
}

/// A program without which a guest cannot be built, if it is missing.
pub fn missing_tool(case: &Case) -> Option<&'static str> {
    let c = || match is_there("clang-19") && is_there("wasm-ld-19") {
        true => (!Path::new("/usr/include/wasm32-wasi/stdlib.h").exists())
            .then_some("wasi-libc is missing"),
        false => Some("clang-19 or wasm-ld-19 is missing"),
    };
    match language(&case.sources[0]) {
        "wat" | "ts" => None,
        "zig" => (!zig().exists()).then_some("zig is missing: `make programs` fetches it"),
        "rs" => c().or_else(|| {
            rust_library()
                .is_err()
                .then_some("the source of Rust's library is missing: `make tools` fetches it")
        }),
        _ => c(),
    }
}

/// Whether a tool can be run. It is asked once.
pub fn is_there(tool: &str) -> bool {
    static ASKED: Mutex<BTreeMap<String, bool>> = Mutex::new(BTreeMap::new());
    let mut asked = ASKED.lock().expect("no test panics here");
    *asked.entry(tool.to_string()).or_insert_with(|| has(tool))
}

/// The module, in either format.
pub fn wasm(case: &Case, build: &Build) -> Result<PathBuf, String> {
    let source = &case.sources[0];
    let out = place(case, build, "wasm");
    let library = case.host.is_some() || case.run_flags.iter().any(|flag| flag == "--invoke");
    match language(source) {
        "wat" => return Ok(source.clone()),
        // Its compiler is nothing that everybody has.
        "ts" => return Ok(source.with_extension("wasm")),
        "zig" => {
            let mut command = zig_command(case, build, &out);
            command.args(["-target", "wasm32-wasi"]);
            make(command, &case.sources, &out)?;
        }
        "rs" => {
            let mut command = rustc(case, build, &out);
            command.env("RUSTC_BOOTSTRAP", "1");
            command.arg("--sysroot").arg(rust_library()?.as_str());
            command.args(["--target", "wasm32-wasip1", "-Zunstable-options"]);
            command.args(["-Clink-self-contained=no", "-Clinker=clang-19"]);
            command.args(["-Clinker-flavor=wasm-lld-cc", "-Clink-arg=--target=wasm32-wasi"]);
            make(command, &case.sources, &out)?;
        }
        _ => {
            let mut sources = case.sources.clone();
            if build.memory64 && !library {
                sources.push(root().join("tests/debugger/start.c"));
            }
            let command = c_to_wasm(case, build, &sources, library, &out);
            sources.extend(case.headers.iter().cloned());
            make(command, &sources, &out)?;
        }
    }
    Ok(out)
}

/// The module from which it imports, if there is one, and as what.
pub fn library(case: &Case, build: &Build) -> Result<Option<(PathBuf, String)>, String> {
    let Some((source, name)) = &case.library else { return Ok(None) };
    if language(source) == "wat" {
        return Ok(Some((source.clone(), name.clone())));
    }
    let sources = [source.clone()];
    let out = place(case, build, &format!("{name}.wasm"));
    make(c_to_wasm(case, build, &sources, true, &out), &sources, &out)?;
    Ok(Some((out, name.clone())))
}

/// The same, compiled for this machine. None if there is no such thing.
pub fn native(case: &Case, build: &Build) -> Result<Option<PathBuf>, String> {
    let source = &case.sources[0];
    let out = place(case, build, "native");
    match language(source) {
        "wat" | "ts" => return Ok(None),
        "zig" => make(zig_command(case, build, &out), &case.sources, &out)?,
        "rs" => make(rustc(case, build, &out), &case.sources, &out)?,
        _ => {
            let mut command = c(case, build, &case.sources, &out);
            command.args(["-pthread", "-ffunction-sections", "-Wl,--gc-sections"]);
            if let Some((source, name)) = &case.library {
                let library = place(case, build, &format!("{name}.so"));
                let mut command_of_library = c(case, build, std::slice::from_ref(source), &library);
                command_of_library.args(["-shared", "-fPIC"]);
                make(command_of_library, std::slice::from_ref(source), &library)?;
                command.arg(library);
            }
            make(command, &[&case.sources[..], &case.headers].concat(), &out)?;
        }
    }
    Ok(Some(out))
}

fn language(source: &Path) -> &str {
    source.extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

fn place(case: &Case, build: &Build, extension: &str) -> PathBuf {
    folder().join(format!("{}-{}.{extension}", case.name, build.name))
}

/// clang, for this machine.
fn c(case: &Case, build: &Build, sources: &[PathBuf], out: &Path) -> Command {
    let mut command = Command::new("clang-19");
    let folder = case.sources[0].parent().expect("a file lies in a folder");
    command.current_dir(folder).args([
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fno-exceptions",
        "-fno-rtti",
    ]);
    command.arg("-Wno-unused-command-line-argument");
    command.arg(format!("-O{}", build.guest_level)).arg(format!("-gdwarf-{}", build.dwarf));
    command.args(&case.guest_flags);
    for source in sources {
        command.arg(source.strip_prefix(folder).unwrap_or(source));
    }
    command.arg("-o").arg(out);
    command
}

fn c_to_wasm(
    case: &Case,
    build: &Build,
    sources: &[PathBuf],
    library: bool,
    out: &Path,
) -> Command {
    let mut command = c(case, build, sources, out);
    match (build.memory64, library) {
        // The C library knows 32 bits only.
        (true, _) => command.args(["--target=wasm64", "-nostdlib", "-mbulk-memory"]),
        (false, true) => command.args(["--target=wasm32", "-nostdlib", "-mbulk-memory"]),
        (false, false) => command.arg("--target=wasm32-wasi"),
    };
    if library || build.memory64 {
        command.arg("-Wl,--no-entry");
    }
    command
}

fn zig() -> PathBuf {
    programs().join("zig")
}

fn zig_command(case: &Case, build: &Build, out: &Path) -> Command {
    let mut command = Command::new(zig());
    let level = if build.guest_level == "0" { "Debug" } else { "ReleaseFast" };
    command.arg("build-exe").arg(&case.sources[0]).args(["-O", level, "-fno-strip", "-fllvm"]);
    command.arg(format!("-femit-bin={}", out.display()));
    command
}

fn rustc(case: &Case, build: &Build, out: &Path) -> Command {
    let mut command = Command::new("rustc");
    command.arg(&case.sources[0]).args(["--edition", "2024", "-g"]);
    command.arg("-Csymbol-mangling-version=v0");
    command.arg(format!("-Copt-level={}", build.guest_level)).arg("-o").arg(out);
    command
}

/// Rust's standard library for WASI, which is built once.
fn rust_library() -> Result<&'static String, String> {
    static LIBRARY: OnceLock<Result<String, String>> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| {
        let mut script = Command::new(root().join("tests/debugger/rust.sh"));
        let output = script.arg(folder()).output().map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_string()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    });
    library.as_ref().map_err(Clone::clone)
}

/// Runs a compiler, unless what it makes is there: made by the same command, of the same sources.
fn make(mut command: Command, sources: &[PathBuf], out: &Path) -> Result<(), String> {
    let mut inputs = format!("{command:?}\n");
    for source in sources {
        let text = fs::read_to_string(source).map_err(|error| error.to_string())?;
        inputs += &format!("{}\n{text}\n", source.display());
    }
    // Two tests may want the same at a time.
    static MADE: Mutex<BTreeMap<PathBuf, Arc<Mutex<()>>>> = Mutex::new(BTreeMap::new());
    let lock =
        MADE.lock().expect("no test panics here").entry(out.to_path_buf()).or_default().clone();
    let _making = lock.lock().map_err(|_| "making it failed before".to_string())?;
    let stamp = PathBuf::from(format!("{}.inputs", out.display()));
    if out.exists() && fs::read_to_string(&stamp).is_ok_and(|before| before == inputs) {
        return Ok(());
    }
    fs::create_dir_all(folder()).map_err(|error| error.to_string())?;
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    fs::write(&stamp, inputs).map_err(|error| error.to_string())
}
