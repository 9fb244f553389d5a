//! Tables that never change: calls through them do the same as through others, and trap where they would.

#![cfg(feature = "compiler")]

use wootz::{Config, Engine, Func, Instance, Module, Store, Val};

/// Elements of several segments, some over others, null, functions of several types, and one that is imported.
const MODULE: &str = r#"(module
    (import "" "host" (func $host (param i64) (result i64)))
    (type $number (func (param i32) (result i32)))
    (type $wide (func (param i64) (result i64)))
    (type $many (func (param i32) (result i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (type $float (func (param f64) (result i32)))
    (table $table TABLE 12 MAXIMUM funcref)
    (table $typed 3 (ref null $number))
    (table $filled 2 (ref $number) (ref.func $triple))
    (elem (table $table) (CONST 1) func $double $triple $wide)
    (elem (table $table) (CONST 2) func $divide)
    (elem (table $table) (CONST 4) func $never $early)
    (elem (table $table) (CONST 6) funcref (ref.func $double) (ref.null func) (ref.func $host) (ref.func $many))
    (elem (table $typed) (i32.const 1) (ref null $number) (ref.func $divide))
    (func $double (type $number) (i32.mul (local.get 0) (i32.const 2)))
    (func $triple (type $number) (i32.mul (local.get 0) (i32.const 3)))
    (func $divide (type $number) (i32.div_s (i32.const 100) (local.get 0)))
    (func $wide (type $wide) (i64.add (local.get 0) (i64.const 1)))
    (func $never (type $float) (unreachable))
    (func $early (type $float) (local $zero i32)
        (if (f64.eq (local.get 0) (f64.const 7)) (then (return (i32.const 7007))))
        (i32.rem_u (i32.const 1) (local.get $zero)))
    (func $many (type $many) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)
        (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0))
    (func (export "number") (param INDEX i32) (result i32)
        (call_indirect $table (type $number) (local.get 1) (local.get 0)))
    (func (export "wide") (param INDEX i32) (result i32)
        (i32.wrap_i64 (call_indirect $table (type $wide) (i64.extend_i32_s (local.get 1)) (local.get 0))))
    (func (export "float") (param INDEX i32) (result i32)
        (call_indirect $table (type $float) (f64.convert_i32_s (local.get 1)) (local.get 0)))
    (func (export "many") (param INDEX i32) (result i32)
        (call_indirect $table (type $many) (local.get 1) (local.get 0))
        i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add)
    (func (export "tail") (param INDEX i32) (result i32)
        (return_call_indirect $table (type $number) (local.get 1) (local.get 0)))
    (func (export "typed") (param INDEX i32) (result i32)
        (call_indirect $typed (type $number) (local.get 1) NARROW))
    (func (export "filled") (param INDEX i32) (result i32)
        (call_indirect $filled (type $number) (local.get 1) NARROW))
    (func (export "get") (param INDEX i32) (result i32)
        (ref.is_null (table.get $table (local.get 0))))
    CHANGE)"#;

const EXPORTS: &[&str] = &["number", "wide", "float", "many", "tail", "typed", "filled", "get"];

fn outcomes(config: &Config, text: &str, is_64: bool) -> Vec<String> {
    let engine = Engine::new(config).unwrap();
    let module = Module::new(&engine, text).unwrap();
    let mut outcomes = Vec::new();
    for export in EXPORTS {
        for index in (-2..16).chain([i32::MIN, i32::MAX]) {
            let mut store = Store::new(&engine, ());
            let host = Func::wrap(&mut store, |number: i64| number * 5);
            let instance = Instance::new(&mut store, &module, &[host.into()]).unwrap();
            let function = instance.get_func(&mut store, export).unwrap();
            let mut results = [Val::I32(0)];
            for argument in [0, 7] {
                let index =
                    if is_64 { Val::I64(i64::from(index) << 1 >> 1) } else { Val::I32(index) };
                let outcome = function.call(&mut store, &[index, Val::I32(argument)], &mut results);
                let text = match outcome {
                    Ok(()) => format!("{results:?}"),
                    Err(error) => format!("{error:#}"),
                };
                outcomes.push(format!("{export} {index:?} {argument}: {text}"));
            }
        }
    }
    outcomes
}

fn text(is_64: bool, maximum: &str, change: &str) -> String {
    let (table, constant, index, narrow) = match is_64 {
        true => ("i64", "i64.const", "i64", "(i32.wrap_i64 (local.get 0))"),
        false => ("", "i32.const", "i32", "(local.get 0)"),
    };
    let text = MODULE.replace("TABLE", table).replace("CONST", constant).replace("INDEX", index);
    text.replace("NARROW", narrow).replace("MAXIMUM", maximum).replace("CHANGE", change)
}

/// Whether there are few functions of a type or more.
#[test]
fn calls_do_the_same() {
    let mut without = Config::new();
    without.skip_optimisation("const-tables");
    for is_64 in [false, true] {
        let constant = if is_64 { "i64.const" } else { "i32.const" };
        let more = format!("(elem (table $table) ({constant} 10) func $double $triple)");
        for (maximum, more) in [("", ""), ("12", ""), ("100", ""), ("", &*more)] {
            let text = text(is_64, maximum, more);
            let with = outcomes(&Config::new(), &text, is_64);
            for (with, without) in with.iter().zip(outcomes(&without, &text, is_64)) {
                assert_eq!(*with, without, "{is_64} {maximum}");
            }
            let all = with.join("\n");
            for part in [
                "[I32(21)]",
                "out of bounds table access",
                "uninitialized element",
                "type mismatch",
                "divide by zero",
                "[I32(35)]",
                "[I32(7007)]",
                "wasm `unreachable` instruction executed",
            ] {
                assert!(all.contains(part), "no {part}:\n{all}");
            }
        }
    }
}

/// Whatever can change a table makes it one that does.
#[test]
fn what_changes_is_not_constant() {
    for change in [
        r#"(func (export "change") (table.set $table (i32.const 1) (ref.func $triple)))"#,
        r#"(func (export "change") (drop (table.grow $table (ref.func $triple) (i32.const 1))) (table.copy $table $table (i32.const 1) (i32.const 2) (i32.const 1)))"#,
        r#"(func (export "change") (table.fill $table (i32.const 1) (ref.func $triple) (i32.const 1)))"#,
        r#"(func (export "change") (table.init $table $passive (i32.const 1) (i32.const 0) (i32.const 1))) (elem $passive func $triple)"#,
        r#"(export "table" (table $table)) (func (export "change"))"#,
    ] {
        let engine = Engine::default();
        let module = Module::new(&engine, text(false, "", change)).unwrap();
        let mut store = Store::new(&engine, ());
        let host = Func::wrap(&mut store, |number: i64| number * 5);
        let instance = Instance::new(&mut store, &module, &[host.into()]).unwrap();
        let call = instance.get_typed_func::<(i32, i32), i32>(&mut store, "number").unwrap();
        assert_eq!(call.call(&mut store, (1, 10)).unwrap(), 20);
        let is_copy = change.contains("table.copy");
        instance
            .get_typed_func::<(), ()>(&mut store, "change")
            .unwrap()
            .call(&mut store, ())
            .unwrap();
        if let Some(table) = instance.get_table(&mut store, "table") {
            let other = Func::wrap(&mut store, |number: i32| number * 3);
            table.set(&mut store, 1, other.into()).unwrap();
        }
        let expected = if is_copy { 10 } else { 30 };
        assert_eq!(call.call(&mut store, (1, 10)).unwrap(), expected, "{change}");
    }
}
