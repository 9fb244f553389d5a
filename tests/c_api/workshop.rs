//! What the tests share: the library, and a folder in which programs are made of modules and C files.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;
use wootz_compiler::{Emit, Options};
use wootz_tests::{has, root, run, skipped};

/// What the static library needs of the system.
const SYSTEM_LIBRARIES: [&str; 4] = ["-lgcc_s", "-lpthread", "-ldl", "-lm"];

/// Flags of a program that is beyond reproach.
pub const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-pedantic"];

/// Whether one of some tools is missing.
pub fn missing(test: &str, tools: &[&str]) -> bool {
    let missing = tools.iter().find(|tool| !has(tool));
    if let Some(tool) = missing {
        skipped(test, &format!("`{tool}` is missing"));
    }
    missing.is_some()
}

/// The folder with `libwootz.a` and `libwootz.so`, which are built once, as the tests are.
pub fn libraries() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let program = Path::new(env!("CARGO_BIN_EXE_wootz-under-test"));
        let folder = program.parent().expect("it lies in the folder of its profile");
        let target = folder.parent().expect("which lies in the target folder");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(root()).args(["build", "--quiet", "--package", "wootz-c-api"]);
        command.arg("--target-dir").arg(target);
        if folder.ends_with("release") {
            command.arg("--release");
        }
        run(&mut command);
        folder.to_path_buf()
    })
}

/// A folder with modules, each with its object and header, and the way to programs of them.
pub struct Workshop {
    folder: TempDir,
}

impl Workshop {
    pub fn new() -> Workshop {
        Workshop { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Compiles a module to `PREFIX.o` and `PREFIX.h`.
    pub fn module(&self, wat: &str, prefix: &str, change: impl FnOnce(&mut Options)) {
        let wasm = wat::parse_str(wat).unwrap();
        let prefix_option = Some(prefix.to_string());
        let mut options =
            Options { emit: Emit::Object, prefix: prefix_option, ..Options::default() };
        change(&mut options);
        let object = wootz_compiler::compile(&wasm, &options).unwrap();
        std::fs::write(self.path(&format!("{prefix}.o")), object).unwrap();
        let manifest = wootz_compiler::interface(&wasm, &options).unwrap();
        let header = wootz_bindgen::c::header(&manifest, prefix).unwrap();
        std::fs::write(self.path(&format!("{prefix}.h")), header).unwrap();
    }

    /// Compiles and links a program of a C file and objects, with the static library.
    pub fn program(&self, source: &Path, objects: &[&str]) -> PathBuf {
        self.program_in(&["cc", "-std=c99", "-D_POSIX_C_SOURCE=200809L"], source, objects)
    }

    /// The same for a C++ compiler.
    pub fn program_in_c_plus_plus(&self, source: &Path, objects: &[&str]) -> PathBuf {
        self.program_in(&["c++", "-std=c++11", "-x", "c++"], source, objects)
    }

    fn program_in(&self, compiler: &[&str], source: &Path, objects: &[&str]) -> PathBuf {
        let program = self.path(&format!("program-{}", compiler[0]));
        let mut command = Command::new(compiler[0]);
        command.args(&compiler[1..]).args(STRICT).arg("-g");
        command.arg("-I").arg(root().join("capi/include"));
        command.arg("-I").arg(self.folder.path()).arg(source).args(["-x", "none"]);
        command.args(objects.iter().map(|object| self.path(object)));
        command.arg(libraries().join("libwootz.a")).args(SYSTEM_LIBRARIES);
        assert_eq!(run(command.arg("-o").arg(&program)), "", "nothing to complain about");
        program
    }

    pub fn source(&self, text: &str) -> PathBuf {
        let path = self.path("program.c");
        std::fs::write(&path, text).unwrap();
        path
    }
}

pub fn file(name: &str) -> String {
    std::fs::read_to_string(root().join("tests/c").join(name)).unwrap()
}

/// Runs a program that ends by itself within a minute.
pub fn run_bounded(program: &Path) -> String {
    run(Command::new("timeout").arg("60").arg(program))
}
