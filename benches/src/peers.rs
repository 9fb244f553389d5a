//! Peers that are there on some machines only: V8 by way of node, and wasm2c.
//!
//! In: the path. Out: a side for each that is there, for each kernel.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::choice::Folders;
use crate::engines::Outcome;
use crate::kernels::Kernel;
use crate::measure::Side;
use crate::process;

/// Compiles all of a module with V8's optimising compiler before it runs; the time is of the run alone.
const V8_OPTIONS: [&str; 3] = ["--no-liftoff", "--no-wasm-lazy-compilation", "--no-wasm-tier-up"];

pub struct Peers {
    node: Option<PathBuf>,
    /// The program, and the folder with its run-time library.
    wasm2c: Option<(PathBuf, PathBuf)>,
}

impl Peers {
    /// Those that are there. Says which are not.
    pub fn found() -> Peers {
        let node = process::in_path("node");
        let wasm2c = process::in_path("wasm2c").and_then(|program| {
            let prefix = program.parent()?.parent()?;
            let library = prefix.join("share/wabt/wasm2c");
            library.join("wasm-rt-impl.c").exists().then(|| (program.clone(), library))
        });
        for (name, is_there) in
            [("node, for V8", node.is_some()), ("wasm2c, with wasm-rt-impl.c", wasm2c.is_some())]
        {
            if !is_there {
                println!("({name}: not found, not compared)");
            }
        }
        Peers { node, wasm2c }
    }

    /// The sides that run a kernel.
    pub fn sides(&self, kernel: &Kernel, folders: &Folders) -> Result<Vec<Side<Outcome>>> {
        let Kernel { name, n, .. } = kernel;
        let mut sides = Vec::new();
        if let Some(node) = &self.node {
            let (node, n) = (node.clone(), n.to_string());
            let script = folders.house.join("peers/v8.mjs");
            let wasm = folders.house.join(format!("kernels/{name}.wasm"));
            sides.push(Side {
                name: "v8",
                run: Box::new(move || {
                    let mut command = Command::new(&node);
                    let (_, output) = process::run(
                        command.args(V8_OPTIONS).arg(&script).arg(&wasm).arg(&n),
                        None,
                    )?;
                    let text = String::from_utf8_lossy(&output);
                    let (result, seconds) = text.split_once(' ').context("a result and a time")?;
                    let result = process::number(result.as_bytes())?;
                    Ok((process::number(seconds.as_bytes())?, Outcome { result, fuel: None }))
                }),
            });
        }
        // What it makes of vectors needs more than a C compiler.
        if let Some((wasm2c, library)) = &self.wasm2c
            && !name.starts_with("simd_")
        {
            let program = build_with_wasm2c(wasm2c, library, name, folders)?;
            let n = n.to_string();
            sides.push(Side {
                name: "wasm2c",
                run: Box::new(move || {
                    let (seconds, output) = process::run(Command::new(&program).arg(&n), None)?;
                    Ok((seconds, Outcome { result: process::number(&output)?, fuel: None }))
                }),
            });
        }
        Ok(sides)
    }
}

/// Turns a kernel into C and that into a program.
fn build_with_wasm2c(
    wasm2c: &Path,
    library: &Path,
    name: &str,
    folders: &Folders,
) -> Result<PathBuf> {
    let folder = folders.kernels.join("wasm2c");
    fs::create_dir_all(&folder)?;
    let wasm = folders.house.join(format!("kernels/{name}.wasm"));
    let (source, program) = (folder.join(format!("{name}.c")), folder.join(name));
    process::run(Command::new(wasm2c).arg(&wasm).args(["-n", "kernel", "-o"]).arg(&source), None)?;
    let mut cc = Command::new("cc");
    cc.args(["-O3", "-march=native", "-ffp-contract=off", "-w", "-I"]).arg(library).arg("-include");
    let header = source.with_extension("h");
    let has_old_names = fs::read_to_string(&header)?.contains("Z_kernel_instance_t");
    cc.arg(header).arg(folders.house.join("peers/wasm2c_main.c")).arg(&source);
    cc.args(has_old_names.then_some("-DOLD_NAMES"));
    for part in ["wasm-rt-impl.c", "wasm-rt-mem-impl.c"] {
        cc.args(Some(library.join(part)).filter(|file| file.exists()));
    }
    process::run(cc.args(["-lm", "-o"]).arg(&program), None)?;
    Ok(program)
}
