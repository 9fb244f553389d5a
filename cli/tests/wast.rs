//! `wootz wast`: what passes, what fails, and where.

mod common;

use common::Directory;

#[test]
fn what_should_pass_passes() {
    let directory = Directory::new();
    directory.write(
        "good.wast",
        r#"
        (module $m
            (memory (export "memory") 1 2)
            (global (export "g") (mut i32) (i32.const 7))
            (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
            (func (export "pair") (result i32 i64) (i32.const 1) (i64.const 2))
            (func (export "nan") (result f32) (f32.div (f32.const 0) (f32.const 0)))
            (func (export "same") (param externref) (result externref) (local.get 0))
            (func (export "zero") (result i32) (i32.div_u (i32.const 1) (i32.const 0)))
            (func $forever (export "forever") (call $forever)))
        (assert_return (invoke "add" (i32.const 2) (i32.const 3)) (i32.const 5))
        (assert_return (invoke $m "pair") (i32.const 1) (i64.const 2))
        (assert_return (invoke "nan") (f32.const nan:canonical))
        (assert_return (invoke "nan") (f32.const nan:arithmetic))
        (assert_return (invoke "add" (i32.const 2) (i32.const 3)) (either (i32.const 4) (i32.const 5)))
        (assert_return (invoke "same" (ref.extern 9)) (ref.extern 9))
        (assert_return (invoke "same" (ref.null extern)) (ref.null extern))
        (assert_return (get "g") (i32.const 7))
        (assert_trap (invoke "zero") "integer divide by zero")
        (assert_exhaustion (invoke "forever") "call stack exhausted")
        (register "m" $m)
        (module (import "m" "memory" (memory 1)) (import "spectest" "global_i32" (global i32))
            (import "spectest" "print_i32" (func $print (param i32)))
            (func (export "print") (call $print (global.get 0))))
        (invoke "print")
        (module definition $d (global (export "x") i32 (i32.const 3)))
        (module instance $one $d)
        (assert_return (get $one "x") (i32.const 3))
        (assert_trap (module (memory 1) (data (i32.const 65536) "x")) "out of bounds memory access")
        (assert_unlinkable (module (import "m" "unknown" (func))) "unknown import")
        (assert_invalid (module (func (result i32))) "type mismatch")
        (assert_malformed (module quote "(func i32.plus)") "unknown operator")
        (assert_malformed (module binary "\00asm\02\00\00\00") "unknown binary version")
        "#,
    );
    assert_eq!(
        directory.wootz(&["wast", "good.wast"]).succeeds(),
        "666 : i32\n22 passed, 0 failed\n"
    );
}

/// A compiler ignores what is wrong with hints; the specification's scripts ask whether somebody would notice.
#[test]
fn branch_hints_are_checked_where_a_script_asks_for_it() {
    let directory = Directory::new();
    let hinted = |operators: &str| {
        format!(
            r#"(module (func (export "f") (param i32) (result i32) (local i32) local.get 0 {operators} i32.const 1))"#
        )
    };
    let hint = r#"(@metadata.code.branch_hint "\01")"#;
    let good = hinted(&format!("{hint} if nop end"));
    let bad = hinted(&format!("{hint} drop"));
    directory.write(
        "hints.wast",
        format!(
            r#"{good} (assert_return (invoke "f" (i32.const 0)) (i32.const 1))
            {bad} (assert_return (invoke "f" (i32.const 0)) (i32.const 1))
            (assert_invalid_custom {bad} "invalid target")
            (assert_invalid_custom {good} "invalid target")"#
        ),
    );
    let ended = directory.wootz(&["wast", "hints.wast"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("hints.wast:4:14: expected to be refused"), "{}", ended.stdout);
    assert!(ended.stdout.ends_with("5 passed, 1 failed\n"), "{}", ended.stdout);
}

#[test]
fn what_should_fail_fails() {
    let directory = Directory::new();
    directory.write(
        "bad.wast",
        r#"(module (func (export "one") (result i32) (i32.const 1)) (func (export "trap") unreachable))
(assert_return (invoke "one") (i32.const 2))
(assert_return (invoke "one"))
(assert_trap (invoke "one") "unreachable")
(assert_trap (invoke "trap") "integer overflow")
(assert_return (invoke "missing"))
(assert_return (invoke "trap"))
(assert_invalid (module) "type mismatch")
(assert_unlinkable (module) "unknown import")
(module (import "missing" "thing" (func)))
(invoke "one")
"#,
    );
    directory.write("broken.wast", "(module)\n(assert_banana)");
    let ended = directory.wootz(&["wast", "bad.wast", "missing.wast", "broken.wast"]);
    assert_eq!(ended.code, Some(1));
    let lines: Vec<&str> = ended.stdout.lines().filter(|line| !line.starts_with(' ')).collect();
    let expected = [
        ("bad.wast:2:", "expected [i32:2], got [i32:1]"),
        ("bad.wast:3:", "expected [], got [i32:1]"),
        ("bad.wast:4:", "expected the trap \"unreachable\", got [i32:1]"),
        (
            "bad.wast:5:",
            "expected the trap \"integer overflow\", got \"wasm trap: wasm `unreachable`",
        ),
        ("bad.wast:6:", "no export `missing`"),
        ("bad.wast:7:", "wasm backtrace"),
        ("bad.wast:8:", "but it compiled"),
        ("bad.wast:9:", "but it did"),
        ("bad.wast:10:", "missing"),
        ("bad.wast:11:", "no instance"),
        ("missing.wast:0:", "(os error 2)"),
        ("broken.wast:2:", ""),
    ];
    assert_eq!(lines.len(), expected.len() + 1, "{}", ended.stdout);
    for (line, (place, message)) in lines.iter().zip(expected) {
        assert!(line.starts_with(place) && line.contains(message), "{line}: {place} {message}");
    }
    assert_eq!(lines[lines.len() - 1], "1 passed, 12 failed");
}

#[test]
fn threads_share_memories_and_nothing_else() {
    let directory = Directory::new();
    directory.write(
        "threads.wast",
        r#"(module $Mem
    (memory (export "shared") 1 1 shared)
    (func (export "load") (result i32) (i32.atomic.load (i32.const 0)))
    (func (export "wait") (result i32)
        (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 60000000000))))
(thread $T1 (shared (module $Mem))
    (register "mem" $Mem)
    (module
        (memory (import "mem" "shared") 1 1 shared)
        (func (export "wake") (result i32)
            (i32.atomic.store (i32.const 0) (i32.const 42))
            (memory.atomic.notify (i32.const 0) (i32.const 1))))
    (assert_return (invoke "wake") (either (i32.const 0) (i32.const 1))))
(thread $T2
    (module (func (export "one") (result i32) (i32.const 1)))
    (assert_return (invoke "one") (i32.const 2)))
(assert_return (invoke $Mem "wait") (either (i32.const 0) (i32.const 1)))
(wait $T1)
(assert_return (invoke $Mem "load") (i32.const 42))
(wait $T1)
(thread $T3 (register "mem" $Mem))
"#,
    );
    let ended = directory.wootz(&["wast", "threads.wast"]);
    let lines: Vec<&str> = ended.stdout.lines().filter(|line| !line.starts_with(' ')).collect();
    let expected = [
        ("threads.wast:20:", "no thread $T1"),
        // At the end, those that nobody has waited for.
        ("threads.wast:16:", "expected [i32:2], got [i32:1]"),
        ("threads.wast:21:", "no instance $Mem"),
        ("11 passed, 3 failed", ""),
    ];
    assert_eq!(lines.len(), expected.len(), "{}", ended.stdout);
    for (line, (place, message)) in lines.iter().zip(expected) {
        assert!(line.starts_with(place) && line.contains(message), "{line}: {place} {message}");
    }
}
