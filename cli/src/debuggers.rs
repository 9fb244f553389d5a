//! `wootz gdb-init`, `wootz lldb-init`: commands for debuggers.
//!
//! Out: a script in Python, for the debugger, made of a part for all debuggers, and one for this. What it has to know of the
//! process it looks at comes from the runtime's own records, so a script goes with all programs of the same version.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use wootz_runtime::abi::trap::TrapCode;
use wootz_runtime::vm::code::GLOBAL_TYPES;
use wootz_runtime::vm::debugger::{LAYOUT, LAYOUT_CHECKSUM};

use crate::files;

const COMMON: &str = include_str!("debuggers/common.py");

/// A debugger.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Debugger {
    /// The GNU debugger.
    Gdb,
    /// LLVM's.
    Lldb,
}

/// Write commands for gdb: backtraces, memories and instances of guests
///
/// In gdb, `source FILE` reads them; in `~/.gdbinit`, that does it always. `help wootz` tells what there is.
#[derive(Args, Debug)]
pub struct GdbInit {
    /// Where to write; if nothing is said, or for `-`, standard output
    #[arg(short, long, value_name = "OUT", default_value = "-")]
    output: PathBuf,
}

/// Write commands for lldb: backtraces, memories and instances of guests
///
/// In lldb, `command script import FILE` reads them; in `~/.lldbinit`, that does it always. The file's name ends in `.py`.
/// `help wootz` tells what there is.
#[derive(Args, Debug)]
pub struct LldbInit {
    /// Where to write; if nothing is said, or for `-`, standard output
    #[arg(short, long, value_name = "OUT", default_value = "-")]
    output: PathBuf,
}

impl GdbInit {
    /// Writes the script.
    pub fn execute(self) -> Result<ExitCode> {
        files::write(&self.output, script(Debugger::Gdb).as_bytes(), false)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl LldbInit {
    /// Writes the script.
    pub fn execute(self) -> Result<ExitCode> {
        files::write(&self.output, script(Debugger::Lldb).as_bytes(), false)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The script for a debugger.
pub fn script(debugger: Debugger) -> String {
    let (name, own) = match debugger {
        Debugger::Gdb => ("gdb", include_str!("debuggers/gdb.py")),
        Debugger::Lldb => ("lldb", include_str!("debuggers/lldb.py")),
    };
    let mut script = format!(
        "\"\"\"Commands for {name}, and programs that run WebAssembly with Wootz {}: `help wootz`.\n\n\
         Written by `wootz {name}-init`: the numbers are those of this version.\n\"\"\"\n\n",
        env!("CARGO_PKG_VERSION"),
    );
    _ = writeln!(script, "CHECKSUM = {LAYOUT_CHECKSUM:#x}\nLAYOUT = {{");
    for (name, number) in LAYOUT.iter().copied().flatten() {
        _ = writeln!(script, "    \"{name}\": {number},");
    }
    script += "}\nTRAPS = {\n";
    for &code in TrapCode::ALL {
        _ = writeln!(script, "    {}: \"{}\",", code as u8, code.message());
    }
    _ = writeln!(script, "}}\nGLOBAL_TYPES = {GLOBAL_TYPES:?}\n");
    script + COMMON + own
}
