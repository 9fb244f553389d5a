//! What the documents say is true: the files they name exist, and the commands they show work.

use std::process::Command;

use wootz_tests::{files, root};

const WOOTZ: &str = env!("CARGO_BIN_EXE_wootz-under-test");
const RUNNER: &str = env!("CARGO_BIN_EXE_wootz-runner-under-test");

/// Every document, with its name.
fn documents() -> Vec<(String, String)> {
    let mut paths = files(&root().join("docs"), "md");
    paths.push(root().join("README.md"));
    paths.push(root().join("tests/README.md"));
    paths.push(root().join("examples/standalone/README.md"));
    paths.push(root().join("tests/programs/README.md"));
    let read =
        |path: &std::path::PathBuf| std::fs::read_to_string(path).expect("documents can be read");
    paths.iter().map(|path| (path.display().to_string(), read(path))).collect()
}

#[test]
fn the_files_that_documents_name_exist() {
    let mut missing = Vec::new();
    for (document, text) in documents() {
        let folder = std::path::Path::new(&document).parent().expect("documents lie in folders");
        // What stands between backticks, or is the target of a link.
        let quoted = text.split('`').skip(1).step_by(2);
        let linked = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split_once(')'))
            .map(|(target, _)| target);
        for name in quoted.chain(linked) {
            // Capitals stand for something else.
            let is_example = ["NAME", "FOLDER", "OUT"].iter().any(|word| name.contains(word));
            let is_path = name.contains('/')
                && !name.contains([' ', '*', '<', '$', '\n'])
                && !name.starts_with(['/', '-']);
            let has_known_ending = [".rs", ".md", ".wasm", ".c", ".sh", ".txt", ".toml", "/"]
                .iter()
                .any(|e| name.ends_with(e));
            if is_path
                && !is_example
                && has_known_ending
                && !root().join(name).exists()
                && !folder.join(name).exists()
            {
                missing.push(format!("{document} names `{name}`, which does not exist"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn the_commands_that_the_readme_shows_work() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(root().join("examples"), folder.path().join("examples")).unwrap();
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let commands: Vec<_> =
        readme.lines().filter_map(|line| line.strip_prefix("$ wootz ")).collect();
    assert!(!commands.is_empty(), "the README shows how to use the command");
    for command in commands {
        let mut arguments: Vec<_> = command.split_whitespace().collect();
        if command.contains("--emit exe") {
            // Here it does not lie beside the command.
            arguments.extend(["--runner", RUNNER]);
        }
        let output = Command::new(WOOTZ)
            .args(arguments)
            .current_dir(folder.path())
            // Not the user's cache.
            .env("XDG_CACHE_HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "`wootz {command}`: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
