//! The C side: libwootz, its header, and the headers of modules, in programs that a C compiler makes.

use std::fmt::Write as _;
use std::process::Command;

use wootz_compiler::Options;
use wootz_tests::{root, run};

/// The library, and where programs are made.
mod workshop;
/// Whether headers compile.
mod headers;
/// What documents show.
mod documents;

use workshop::{Workshop, file, libraries, missing, run_bounded};

#[test]
fn everything_works_and_fails_as_the_header_says() {
    if missing("the C interface", &["cc", "timeout"]) {
        return;
    }
    let workshop = Workshop::new();
    workshop.module(&file("kitchen.wat"), "kitchen", |_| ());
    let program = workshop.program(&root().join("tests/c/api.c"), &["kitchen.o"]);
    let output = run_bounded(&program);
    assert!(output.ends_with(" checks\n"), "{output}");
    if missing("the C interface from C++", &["c++"]) {
        return;
    }
    let other = workshop.program_in_c_plus_plus(&root().join("tests/c/api.c"), &["kitchen.o"]);
    assert_eq!(run_bounded(&other), output);
    if missing("the C interface under valgrind", &["valgrind"]) {
        return;
    }
    let output = run(Command::new("timeout")
        .args(["120", "valgrind", "--quiet", "--error-exitcode=9"])
        .args(["--leak-check=full", "--show-leak-kinds=definite,indirect"])
        .arg("--errors-for-leak-kinds=definite,indirect")
        .arg(format!("--suppressions={}", root().join("tests/c/valgrind.supp").display()))
        .arg(&program));
    assert!(output.ends_with(" checks\n"), "{output}");
}

#[test]
fn guests_are_stopped_and_use_the_system() {
    if missing("the system from C", &["cc", "timeout"]) {
        return;
    }
    let workshop = Workshop::new();
    workshop.module(&file("guest.wat"), "guest", |options| {
        (options.consume_fuel, options.epoch_interruption) = (true, true);
    });
    let hello = std::fs::read(root().join("examples/c/hello.wasm")).unwrap();
    let library = workshop.path("hello.so");
    let compiled = wootz_compiler::compile(&hello, &Options::default()).unwrap();
    std::fs::write(&library, compiled).unwrap();
    let program = workshop.program(&root().join("tests/c/system.c"), &["guest.o"]);
    let output = run(Command::new("timeout").arg("60").arg(program).arg(library));
    assert_eq!(output, "Hello, C!\nargument 1: one\nargument 2: two\ndone\n");
}

/// Its handlers of signals are called after the program has closed it, and hand signals on.
#[test]
fn the_library_stays_when_it_is_closed() {
    if missing("closing the library", &["cc", "timeout"]) {
        return;
    }
    let workshop = Workshop::new();
    let program = workshop.program(&root().join("tests/c/close.c"), &[]);
    let library = libraries().join("libwootz.so");
    let output = run(Command::new("timeout").arg("60").arg(program).arg(library));
    assert_eq!(output, "closed\nthe program's own handler\n");
}

/// Two modules with the same names of functions, of which one uses the memory of the other.
#[test]
fn two_modules_with_the_same_names_are_in_one_program() {
    if missing("two modules", &["cc", "timeout"]) {
        return;
    }
    let workshop = Workshop::new();
    let left = r#"(module
        (memory (export "memory") 1)
        (func $helper (result i32) (i32.load (i32.const 0)))
        (func (export "get") (result i32) (call $helper))
        (func (export "run") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))"#;
    let right = r#"(module
        (import "left" "memory" (memory 1))
        (import "left" "run" (func $run (param i32) (result i32)))
        (func $helper (param i32) (i32.store (i32.const 0) (local.get 0)))
        (func (export "get") (result i64) (i64.const 7))
        (func (export "run") (param i32) (result i32)
            (call $helper (local.get 0))
            (i32.mul (call $run (local.get 0)) (i32.const 10))))"#;
    workshop.module(left, "left", |_| ());
    workshop.module(right, "right", |_| ());
    let source = workshop.source(
        r#"
#include <stdio.h>
#include "left.h"
#include "right.h"

static wootz_error_t *run(void *data, struct right *caller, int32_t p0, int32_t *r0) {
    (void)caller;
    return left_run((struct left *)data, p0, r0);
}

int main(void) {
    wootz_engine_t *engine;
    wootz_store_t *store;
    struct left *left;
    struct right *right;
    struct right_imports imports;
    int32_t results[3] = {0, 0, 0};
    int64_t wide = 0;
    if (wootz_engine_new(NULL, &engine)) return 1;
    store = wootz_store_new(engine);
    if (left_wootz_instantiate(store, NULL, &left)) return 2;
    imports.data = left;
    imports.left.memory = left_memory(left);
    imports.left.run = run;
    if (right_wootz_instantiate(store, &imports, &right)) return 3;
    if (left_run(left, 1, &results[0]) || right_run(right, 5, &results[1])) return 4;
    if (left_get(left, &results[2]) || right_get(right, &wide)) return 5;
    if (left_wootz_of(right_wootz_instance(right))) return 6;
    printf("%d %d %d %d\n", (int)results[0], (int)results[1], (int)results[2], (int)wide);
    wootz_store_delete(store);
    wootz_engine_delete(engine);
    return 0;
}
"#,
    );
    let program = workshop.program(&source, &["left.o", "right.o"]);
    assert_eq!(run_bounded(&program), "2 60 5 7\n");
}

/// Names that are none in C, or mean something else there, also where headers of the system come first.
#[test]
fn imports_and_exports_have_any_names() {
    if missing("names", &["cc", "c++", "timeout"]) {
        return;
    }
    let long = "long ".repeat(1000);
    let names = [
        "",
        "a*/b",
        "/*/",
        "\"",
        "\\",
        "\n",
        "??/",
        "é\u{202e}",
        "int",
        "class",
        "7",
        "_",
        "errno",
        "int32_t",
        "size_t",
        "NULL",
        "true",
        "data",
        "linux",
        "twice",
        "twice#2",
        "_x41",
        "wootz_error_new",
        "p",
        "instance",
        "values",
        &long,
    ];
    let escaped =
        |name: &str| -> String { name.bytes().map(|byte| format!("\\{byte:02x}")).collect() };
    let (mut imports, mut calls, mut fields, mut exports) =
        (String::new(), String::new(), String::new(), String::new());
    for (number, name) in names.iter().enumerate() {
        // Each is the name of a module, too.
        let text = escaped(name);
        writeln!(imports, r#"(import "{text}" "{text}" (func $f{number} (result i32)))"#).unwrap();
        writeln!(calls, "(i32.add (call $f{number}))").unwrap();
        writeln!(exports, r#"(func (export "{text}") (result i32) i32.const {number})"#).unwrap();
        let field = wootz_compiler::c_names::mangle_alone(name);
        let module = if field == "data" { "_x64ata" } else { &field };
        writeln!(fields, "    imports.{module}.{field} = one;").unwrap();
        let symbol = wootz_compiler::c_names::export_symbol("p", name);
        writeln!(fields, "    EXPECT({symbol}, {number});").unwrap();
    }
    // The last expectations need an instance, so assignments come first.
    let (sets, expectations): (Vec<&str>, Vec<&str>) =
        fields.lines().partition(|line| line.contains("imports."));
    let workshop = Workshop::new();
    let wat = format!(
        r#"(module {imports}
            (import "twice" "twice" (func $other (param i64) (result i32)))
            (import "twice" "twice#2" (func $third (result i32)))
            {exports}
            (func (export "sum") (result i32)
                (i32.add (call $third) (call $other (i64.const 100))) {calls}))"#
    );
    workshop.module(&wat, "p", |_| ());
    let source = workshop.source(&format!(
        r#"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include "p.h"
static wootz_error_t *one(void *data, struct p *caller, int32_t *r0) {{
    (void)data;
    *r0 = caller ? 1 : 1000;
    return NULL;
}}
static wootz_error_t *other(void *data, struct p *caller, int64_t p0, int32_t *r0) {{
    (void)data;
    (void)caller;
    *r0 = (int32_t)p0;
    return NULL;
}}
#define EXPECT(function, number) if (function(instance, &value) || value != number) return number + 10
int main(void) {{
    wootz_engine_t *engine;
    wootz_store_t *store;
    struct p *instance;
    struct p_imports imports;
    int32_t value;
    memset(&imports, 0, sizeof imports);
{}
    if (wootz_engine_new(NULL, &engine)) return 1;
    store = wootz_store_new(engine);
    {{
        /* What is missing is named. */
        wootz_error_t *error = p_wootz_instantiate(store, &imports, &instance);
        if (!error || !strstr(wootz_error_message(error), "`twice::twice`, a function (func (param i64) (result i32))")) return 2;
        wootz_error_delete(error);
    }}
    imports.twice.twice_x232 = one; /* its own name, which the second `twice` leaves to it */
    imports.twice.twice_x233 = other;
    if (p_wootz_instantiate(store, &imports, &instance)) return 3;
{}
    if (p_sum(instance, &value)) return 4;
    printf("%d\n", (int)value);
    wootz_store_delete(store);
    wootz_engine_delete(engine);
    return 0;
}}
"#,
        sets.join("\n"),
        expectations.join("\n")
    ));
    let expected = format!("{}\n", names.len() + 101);
    assert_eq!(run_bounded(&workshop.program(&source, &["p.o"])), expected);
    assert_eq!(run_bounded(&workshop.program_in_c_plus_plus(&source, &["p.o"])), expected);
}

#[test]
fn two_hundred_modules_are_in_one_program() {
    const COUNT: usize = 200;
    if missing("many modules", &["cc", "ar", "timeout"]) {
        return;
    }
    let workshop = Workshop::new();
    let (mut includes, mut calls) = (String::new(), String::new());
    for number in 0..COUNT {
        let wat = format!(
            r#"(module
                (import "host" "twice" (func $twice (param i32) (result i32)))
                (memory (export "memory") 1)
                (data (i32.const 8) "{number:03}")
                (func $value (result i32) (call $twice (i32.const {number})))
                (func (export "value") (result i32) (call $value)))"#
        );
        let prefix = format!("module_{number}");
        workshop.module(&wat, &prefix, |_| ());
        writeln!(includes, "#include \"{prefix}.h\"").unwrap();
        writeln!(includes, "TWICE({prefix})").unwrap();
        writeln!(calls, "    RUN({prefix}, {number});").unwrap();
    }
    let archive = workshop.path("modules.a");
    let objects = (0..COUNT).map(|number| workshop.path(&format!("module_{number}.o")));
    assert_eq!(run(Command::new("ar").arg("rcs").arg(&archive).args(objects)), "");
    let source = workshop.source(&format!(
        r#"
#include <stdio.h>
#include <wootz.h>
#define TWICE(prefix) \
    static wootz_error_t *twice_##prefix(void *data, struct prefix *caller, int32_t p0, int32_t *r0) {{ \
        ++*(int *)data; \
        *r0 = caller ? 2 * p0 : -1; \
        return NULL; \
    }}
{includes}
#define RUN(prefix, number) \
    do {{ \
        struct prefix *instance; \
        struct prefix##_imports imports; \
        char text[4] = {{0}}; \
        int32_t value; \
        imports.data = &calls; \
        imports.host.twice = twice_##prefix; \
        if (prefix##_wootz_instantiate(store, &imports, &instance)) return 1; \
        if (prefix##_value(instance, &value) || value != 2 * number) return 2; \
        if (wootz_memory_read(prefix##_memory(instance), 8, text, 3)) return 3; \
        sum += value + strlen(text); \
    }} while (0)

int main(void) {{
    wootz_engine_t *engine;
    wootz_store_t *store;
    int calls = 0;
    size_t sum = 0;
    if (wootz_engine_new(NULL, &engine)) return 4;
    store = wootz_store_new(engine);
{calls}
    printf("%d calls, %d\n", calls, (int)sum);
    wootz_store_delete(store);
    wootz_engine_delete(engine);
    return 0;
}}
"#
    ));
    let program = workshop.program(&source, &["modules.a"]);
    let sum = (0..COUNT).map(|number| 2 * number + 3).sum::<usize>();
    assert_eq!(run_bounded(&program), format!("{COUNT} calls, {sum}\n"));
}
