//! Programs of other machines, as `make emulated` builds them, and debugging them here.
//!
//! Always true: a program that waits for a debugger ends when its `Server` does.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::root;

/// A machine that is emulated by programs that debuggers can connect to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Machine {
    /// What Wootz calls it.
    pub name: &'static str,
    /// What Rust calls it.
    pub triple: &'static str,
}

/// All of these.
pub const MACHINES: [Machine; 3] = [
    Machine { name: "aarch64-linux", triple: "aarch64-unknown-linux-gnu" },
    Machine { name: "riscv64-linux", triple: "riscv64gc-unknown-linux-gnu" },
    Machine { name: "s390x-linux", triple: "s390x-unknown-linux-gnu" },
];

/// Whether `$WOOTZ_SUITE` asks for all that can be tested on emulated machines, and not for what takes little time.
pub fn wants_all() -> bool {
    std::env::var_os("WOOTZ_SUITE").is_some_and(|which| which == "all")
}

/// The program of `tests/emulated` for a machine, by Rust's name for it, if it is built.
pub fn program(triple: &str) -> Option<PathBuf> {
    let built = std::env::var_os("CARGO_TARGET_DIR").map_or(root().join("target"), PathBuf::from);
    let program = built.join("cross").join(triple).join("debug/wootz-emulated");
    let extension = if triple.contains("windows") { "exe" } else { "" };
    Some(program.with_extension(extension)).filter(|program| program.exists())
}

impl Machine {
    /// The processor.
    pub fn processor(self) -> &'static str {
        self.name.split('-').next().expect("a name has a first part")
    }

    /// A tool for the machine's files, such as `objcopy`.
    pub fn tool(self, name: &str) -> String {
        format!("{}-gnu-{name}", self.name)
    }
}

/// A program on an emulated machine, which begins when a debugger says so.
pub struct Server {
    emulator: Child,
    machine: Machine,
    folder: TempDir,
}

/// How long it may take to begin.
const LIMIT: Duration = Duration::from_secs(60);

impl Server {
    /// Starts a program, and writes what it prints to a file.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(machine: Machine, program: &Path, arguments: &[String], output: &Path) -> Server {
        let folder = tempfile::tempdir().expect("there is room for a socket");
        let output = File::create(output).expect("there is room for the output");
        let mut command = Command::new("sh");
        command.arg(root().join("tests/cross/run")).arg(machine.name).arg(program);
        command.args(arguments).env("EMULATED_DEBUGGER", socket(&folder));
        command.stderr(output.try_clone().expect("a file can be had twice")).stdout(output);
        let emulator = command.stdin(Stdio::null()).spawn().expect("there is a shell");
        let start = Instant::now();
        while !socket(&folder).exists() && start.elapsed() < LIMIT {
            std::thread::sleep(Duration::from_millis(20));
        }
        Server { emulator, machine, folder }
    }

    /// What gdb is told to connect to it, with a folder where it looks for libraries.
    pub fn commands(&self, libraries: &Path) -> [String; 3] {
        [
            format!("set sysroot /usr/{}-gnu", self.machine.name),
            format!("set solib-search-path {}", libraries.display()),
            format!("target remote {}", socket(&self.folder).display()),
        ]
    }
}

/// Where a debugger finds it. Not in a folder with a long name, which sockets cannot have.
fn socket(folder: &TempDir) -> PathBuf {
    folder.path().join("gdb")
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.emulator.kill();
        let _ = self.emulator.wait();
    }
}
