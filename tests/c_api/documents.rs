//! What documents show about programs in C is made and run as it says there.

use std::process::Command;

use wootz_tests::{root, run};

use crate::workshop::{libraries, missing};

#[test]
fn the_example_with_an_object_works_as_its_readme_says() {
    example("c-static");
}

#[test]
fn the_example_with_a_library_works_as_its_readme_says() {
    example("c-dlopen");
}

/// The program in the guide is made and run as it says there.
#[test]
fn the_guide_is_right() {
    if missing("the guide", &["cc"]) {
        return;
    }
    let guide = std::fs::read_to_string(root().join("docs/c.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    put("counter.wat", block(&guide, "wat"));
    put("main.c", block(&guide, "c"));
    let library = folder.path().join("library");
    std::fs::create_dir(&library).unwrap();
    std::fs::copy(libraries().join("libwootz.a"), library.join("libwootz.a")).unwrap();
    std::fs::copy(root().join("capi/include/wootz.h"), library.join("wootz.h")).unwrap();
    let wootz = folder.path().join("wootz");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_wootz-under-test"), wootz).unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", folder.path().display());
    commands(block(&guide, "console"), |shell| {
        shell.current_dir(folder.path()).env("PATH", &path);
    });
}

/// Runs the commands that an example's README shows.
fn example(name: &str) {
    if missing(name, &["cc", "make"]) {
        return;
    }
    let folder = root().join("examples").join(name);
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let out = tempfile::tempdir().unwrap();
    let library = out.path().join("library");
    commands(block(&readme, "console"), |shell| {
        shell.current_dir(&folder).env_remove("CFLAGS");
        // This may be a test that another `make` runs.
        for variable in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"] {
            shell.env_remove(variable);
        }
        shell.env("WOOTZ", env!("CARGO_BIN_EXE_wootz-under-test")).env("PROFILE", "dev");
        shell.env("C_LIBRARY", &library).env("LIBWOOTZ", &library).env("OUT", out.path());
    });
}

/// The first block of a language in a document.
fn block<'a>(document: &'a str, language: &str) -> &'a str {
    let start = format!("```{language}\n");
    let (_, rest) = document.split_once(&start).unwrap_or_else(|| panic!("there is no {start}"));
    rest.split("```").next().expect("a text has a beginning")
}

/// Runs commands; the lines between them are what they say, among other things, in this order.
fn commands(console: &str, prepare: impl Fn(&mut Command)) {
    let (mut count, mut output, mut seen) = (0, String::new(), 0);
    for line in console.lines() {
        let Some(command) = line.strip_prefix("$ ") else {
            let line = words(line);
            let found = output[seen..].find(&line);
            seen += found
                .unwrap_or_else(|| panic!("`{line}` is not there, or too early:\n{output}"))
                + line.len();
            continue;
        };
        let mut shell = Command::new("sh");
        shell.args(["-ec", command]);
        prepare(&mut shell);
        (output, seen) = (run(&mut shell).lines().map(words).collect(), 0);
        count += 1;
    }
    assert!(count >= 2 && seen > 0, "it shows how something is built and run");
}

/// A line without what aligns its words in columns.
fn words(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n"
}
