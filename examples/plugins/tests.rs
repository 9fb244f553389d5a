//! Compiles plugins, lets the host run, and changes them under its hands.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use clap::Parser;

/// As `wootz compile` at the prompt.
fn compile(plugin: &str, out: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins").join(plugin);
    let arguments = ["wootz", "compile", "-o"].map(AsRef::as_ref).into_iter();
    let arguments = arguments.chain([out.as_os_str(), source.as_os_str()]);
    let command = wootz_cli::CommandLine::try_parse_from(arguments).unwrap();
    assert_eq!(command.execute(), std::process::ExitCode::SUCCESS);
}

/// The program, which runs until it is dropped.
struct Host {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Host {
    fn start(folder: &Path) -> Host {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plugins"));
        let command = command.arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Host { child, output }
    }

    /// Gives it a line, and checks what it says of it.
    #[track_caller]
    fn says(&mut self, line: &str, expected: &[&str]) {
        assert_eq!(self.hears(line), expected);
    }

    /// Gives it a line, and returns what it says of it.
    fn hears(&mut self, line: &str) -> Vec<String> {
        writeln!(self.child.stdin.as_ref().unwrap(), "{line}").unwrap();
        let lines = (&mut self.output).lines().map(Result::unwrap);
        lines.take_while(|line| !line.is_empty()).collect()
    }

    fn has_mapped(&self, path: &Path) -> bool {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.child.id())).unwrap();
        maps.lines().any(|line| line.contains(&path.display().to_string()))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let status = self.child.wait().unwrap();
        assert!(std::thread::panicking() || status.success(), "{status}");
    }
}

#[test]
fn plugins_come_change_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().canonicalize().unwrap().join(name);
    compile("shout.wat", &path("shout.so"));
    let mut host = Host::start(folder.path());
    host.says("hello", &["loaded shout", "shout: HELLO"]);

    compile("reverse.wat", &path("reverse.so"));
    compile("count.wat", &path("count.so"));
    host.says(
        "two",
        &[
            "loaded count",
            "loaded reverse",
            "count says: from 1 again",
            "count: line 1",
            "reverse: owt",
            "shout: TWO",
        ],
    );
    host.says("a b", &["count: line 2", "reverse: b a", "shout: A B"]);

    // One traps, and the others do not notice.
    let trapped = "count trapped: wasm trap: wasm `unreachable` instruction executed";
    host.says("", &[trapped, "reverse: ", "shout: "]);
    host.says("x", &["count says: from 1 again", "count: line 1", "reverse: x", "shout: X"]);

    // One is another one now, and one is gone.
    assert!(host.has_mapped(&path("count.so")) && host.has_mapped(&path("reverse.so")));
    compile("reverse.wat", &path("shout.so"));
    fs::remove_file(path("reverse.so")).unwrap();
    host.says("abc", &["unloaded reverse", "loaded again: shout", "count: line 2", "shout: cba"]);
    assert!(host.has_mapped(&path("count.so")) && !host.has_mapped(&path("reverse.so")));

    // What is no plugin is told once.
    fs::write(path("junk.so"), "hello").unwrap();
    fs::write(path("notes.txt"), "hello").unwrap();
    let said = host.hears("x");
    assert!(said[0].starts_with("cannot load junk: not a compiled module"), "{said:?}");
    assert_eq!(said[1..], ["count: line 3", "shout: x"]);
    host.says("y", &["count: line 4", "shout: y"]);
    compile("shout.wat", &path("junk.so"));
    host.says("z", &["loaded again: junk", "count: line 5", "junk: Z", "shout: z"]);
}
