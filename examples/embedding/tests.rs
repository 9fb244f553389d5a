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

fn says_lines(program: &str, expected: &[&str]) {
    says(program, &(expected.join("\n") + "\n"));
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
fn directories() {
    says_lines(
        env!("CARGO_BIN_EXE_directories"),
        &[
            "1. buy milk",
            "1. buy milk",
            "2. read the specification",
            r#"here it is: "buy milk\nread the specification\n""#,
            "1. buy milk",
            "2. read the specification",
            "cannot write /notes/today.txt: Operation not permitted",
            "status 1",
            "cannot read /notes/../secret.txt: Operation not permitted",
            "cannot read /notes/link.txt: Operation not permitted",
            "cannot read /etc/passwd: No such file or directory",
        ],
    );
}

#[test]
fn traps() {
    let expected =
        "seven for two: 3 each\nin share at 0x29\nin sell at 0x31\nnine for three: 3 each\n";
    says(env!("CARGO_BIN_EXE_traps"), expected);
}

#[test]
fn gcd() {
    says_lines(env!("CARGO_BIN_EXE_gcd"), &["gcd(6, 27) = 3", "gcd(1071, 462) = 21"]);
}

#[test]
fn hello() {
    says_lines(
        env!("CARGO_BIN_EXE_hello"),
        &["Calling the guest", "> Hello from the host", "Done"],
    );
}

#[test]
fn serialize() {
    says_lines(
        env!("CARGO_BIN_EXE_serialize"),
        &[
            "Compiling",
            "Loading",
            "Running",
            "> Hello from the host",
            "Elsewhere: the setting `consume_fuel` is off in the compiled module and on in this engine; compile it again or change `Config`",
        ],
    );
}

#[test]
fn linker() {
    says_lines(
        env!("CARGO_BIN_EXE_linker"),
        &[
            "unknown import: `library::memory` has not been defined; the module expects (memory 1)",
            "The double of 21 is 42",
            "run() = 42",
        ],
    );
}

#[test]
fn multi() {
    says_lines(
        env!("CARGO_BIN_EXE_multi"),
        &[
            "swap(2, 4) = 5 3",
            "round_trip gives back [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]",
            "with another host function, swap(2, 4) = 40 20",
        ],
    );
}

#[test]
fn memory() {
    says_lines(
        env!("CARGO_BIN_EXE_memory"),
        &[
            "Its type and size",
            "  (memory 2 3): from 2 to Some(3) pages",
            "Reading and writing",
            "  at 0x1000: [1, 2, 6, 5]",
            "Outside of it",
            "  the guest: wasm trap: out of bounds memory access",
            "  the host: out of bounds memory access",
            "Growing it",
            "  by one page more: failed to grow memory by `1`",
            "A memory of the host's",
            "  the sum of what is in it: 42",
        ],
    );
}

#[test]
fn externref() {
    says_lines(
        env!("CARGO_BIN_EXE_externref"),
        &[
            "Through a table",
            "Through a global",
            "Through a function",
            "  the plum is back",
            "Collecting what nobody refers to",
            "  the plum is dropped",
            "Collecting, after the table was cleared",
            "  the apple is dropped",
            "Dropping the store",
            "  the pear is dropped",
        ],
    );
}

#[test]
fn fuel() {
    says_lines(
        env!("CARGO_BIN_EXE_fuel"),
        &[
            "fibonacci(0) = 0, for 6 units of fuel",
            "fibonacci(1) = 1, for 6 units of fuel",
            "fibonacci(2) = 1, for 26 units of fuel",
            "fibonacci(3) = 2, for 46 units of fuel",
            "fibonacci(4) = 3, for 86 units of fuel",
            "fibonacci(5): wasm trap: all fuel consumed by WebAssembly",
            "with more fuel, fibonacci(5) = 5",
        ],
    );
}

#[test]
fn interrupt() {
    says_lines(
        env!("CARGO_BIN_EXE_interrupt"),
        &["Entering the endless loop", "Interrupting", "Back again: wasm trap: interrupt"],
    );
}

#[test]
fn limits() {
    says_lines(
        env!("CARGO_BIN_EXE_limits"),
        &[
            "Fixed limits",
            "  failed to grow memory by `1`",
            "  resource limit exceeded: instance count too high at 3",
            "Limits that end the call",
            "  forcing trap when growing memory to 2162688 bytes",
            "A limiter of our own",
            "  Ada cannot have 640 KiB more",
            "  256 KiB are left",
            "The stack",
            "  wasm trap: call stack exhausted",
        ],
    );
}

#[test]
fn threads() {
    says_lines(
        env!("CARGO_BIN_EXE_threads"),
        &["sum(10) = 55", "sum(100) = 5050", "sum(-1): wasm trap: interrupt", "sum(1000) = 500500"],
    );
}
