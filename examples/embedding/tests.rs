//! Runs each example, and compares what it says.

use std::process::Command;

fn says(program: &str, expected: &str) {
    let output = Command::new(program).env_remove("GREETING_NAME").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(said, expected);
}

#[test]
fn load() {
    says(env!("CARGO_BIN_EXE_load"), "gcd(6, 27) = 3\n");
}

#[test]
fn imports() {
    says(
        env!("CARGO_BIN_EXE_imports"),
        "hello from the guest\nrun() = 43, and the counter is 22\n",
    );
}

#[test]
fn wasi() {
    let expected = "Hello, wasm!\nargument 1: one\nargument 2: two\nit returned\n";
    says(env!("CARGO_BIN_EXE_wasi"), expected);
}

#[test]
fn traps() {
    let expected =
        "seven for two: 3 each\nin share at 0x29\nin sell at 0x31\nnine for three: 3 each\n";
    says(env!("CARGO_BIN_EXE_traps"), expected);
}
