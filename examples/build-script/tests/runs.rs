//! The example says what it should, and there is no compiler in it.

use std::process::Command;

#[test]
fn the_program_runs() {
    let output = Command::new(env!("CARGO_BIN_EXE_build-script")).output().unwrap();
    let (said, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}: {errors}", output.status);
    let expected = "\
3 of article 0
  750 cents, 0 less than usual
12 of article 1
  ten or more: a tenth off
  21590 cents, 2398 less than usual
1 of article 2
  error: there is no article 2
15 articles sold
";
    assert_eq!(said, expected);
}

#[test]
fn no_compiler_is_in_the_program() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tree = |edges: &str| {
        let arguments = ["--quiet", "tree", "--locked", "--prefix", "none", "-p"];
        let mut command = Command::new(&cargo);
        command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments);
        let output = command.args([env!("CARGO_PKG_NAME"), "--edges", edges]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let compilers =
        ["cranelift-codegen ", "wasmparser ", "wat ", "wootz-compiler ", "wootz-build "];
    let (program, script) = (tree("normal"), tree("normal,build"));
    assert!(program.contains("wootz-runtime "), "{program}");
    for name in compilers {
        assert!(!program.lines().any(|line| line.starts_with(name)), "{name} is in\n{program}");
        assert!(script.lines().any(|line| line.starts_with(name)), "no {name} in\n{script}");
    }
}
