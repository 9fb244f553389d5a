//! `wootz explore`: what is pointed at on one side lights up on the other, in a real browser.
#![cfg(unix)]

mod browser;
mod common;

use std::collections::BTreeSet;

use browser::Browser;
use common::Directory;
use serde_json::json;

/// A division, which is several instructions; a call; a jump through a table; and names that look like something else.
const MODULE: &str = r#"(module
    (memory 1)
    (func $divide (export "divide") (param $a i32) (param $b i32) (result i32)
        local.get $a
        local.get $b
        i32.div_s
        i32.load offset=12)
    (func $"</script><b id=evil>&amp;\u{1}" (param i32) (result i32)
        (call $divide (local.get 0) (i32.const 7)))
    (func $switch (param i32) (result i32)
        block block block
        local.get 0
        br_table 0 1 2
        end i32.const 11 return
        end i32.const 22 return
        end i32.const 33)
    (data (i32.const 0) "LONG"))"#;

const INLINED: &[u8] = include_bytes!("../../tests/lines/inlined.wasm");
const INLINED_SOURCE: &str = include_str!("../../tests/lines/inlined.c");

/// Files in a directory, and a browser to look at them; none where there is no browser.
fn start() -> Option<(Directory, Browser)> {
    let browser = browser::find()?;
    let directory = Directory::new();
    directory.write("m.wat", MODULE.replace("LONG", &"x".repeat(100_000)));
    Some((directory, Browser::start(browser, 1300, 800)))
}

/// What is lit on a side: the numbers beside lines, and their texts.
fn lit(browser: &mut Browser, side: &str) -> Vec<(String, String)> {
    let places = browser.texts(&format!("#{side} .row.lit .place"));
    let texts = browser.texts(&format!("#{side} .row.lit .text"));
    let mut lit: Vec<_> = places.into_iter().zip(texts).collect();
    lit.sort();
    lit
}

fn places(lit: &[(String, String)]) -> BTreeSet<String> {
    lit.iter().map(|(place, _)| place.clone()).collect()
}

#[test]
fn text_and_machine_code_light_up_together() {
    let Some((directory, mut browser)) = start() else { return };
    directory.wootz(&["explore", "m.wat", "--target", "x86_64-linux"]).succeeds();
    browser.open(&directory.path("m.html"), "#f=divide");
    assert_eq!(browser.texts("#name"), ["divide"]);
    assert_eq!(browser.value("document.title"), json!("m.wat"));
    assert!(browser.texts("#views:not([hidden])").is_empty(), "there is no source");
    assert!(lit(&mut browser, "left").is_empty() && lit(&mut browser, "right").is_empty());

    // From machine code to text, and what it says below.
    browser.point_at("#right .row .text", "idiv");
    let left = lit(&mut browser, "left");
    assert_eq!((left.len(), left[0].1.trim()), (1, "i32.div_s"));
    let right = lit(&mut browser, "right");
    let status = browser.texts("#status").join("");
    for word in ["divide+0x", "i32.div_s", "may trap: integer overflow"] {
        assert!(status.contains(word), "{status}");
    }
    // From text to machine code: the same.
    browser.point_at("#left .row .text", "local.get $a");
    assert_ne!(lit(&mut browser, "left"), left);
    browser.point_at("#left .row .text", "i32.div_s");
    assert_eq!(
        (lit(&mut browser, "left"), lit(&mut browser, "right")),
        (left.clone(), right.clone())
    );
    let status = browser.texts("#status").join("");
    assert!(status.contains(&format!("{} instructions", right.len())), "{status}");

    // It is what `explain` says of this operator.
    let offset = format!("wasm:{}", left[0].0);
    let said = directory.wootz(&["explain", "m.wat", &offset, "--target", "x86_64-linux"]);
    let said = said.succeeds();
    let marked = said.lines().filter_map(|line| line.strip_prefix("> "));
    let marked: BTreeSet<String> =
        marked.map(|line| line.split_whitespace().next().unwrap().to_string()).collect();
    assert!(marked.len() > 3, "{said}");
    assert_eq!(places(&right), marked);

    // Away from the lines, nothing is lit; unless a line was clicked, which the address of the page then names.
    browser.point_at("#title", "m.wat");
    assert!(lit(&mut browser, "right").is_empty());
    browser.point_at("#left .row .text", "i32.div_s");
    browser.click();
    browser.point_at("#title", "m.wat");
    assert_eq!(lit(&mut browser, "right"), right);
    let hash = browser.value("location.hash");
    browser.open(&directory.path("m.html"), hash.as_str().unwrap());
    assert_eq!(
        (lit(&mut browser, "left"), lit(&mut browser, "right")),
        (left.clone(), right.clone())
    );

    // Places by their addresses.
    browser.open(&directory.path("m.html"), &format!("#wasm={}", left[0].0));
    assert_eq!(lit(&mut browser, "right"), right);
    browser.open(&directory.path("m.html"), &format!("#at={}", right[1].0));
    assert_eq!(lit(&mut browser, "left"), left);
    browser.is_content();
}

#[test]
fn source_and_machine_code_light_up_together() {
    let Some((directory, mut browser)) = start() else { return };
    directory.write("inlined.wasm", INLINED);
    directory.write("inlined.c", INLINED_SOURCE);
    let command = ["explore", "inlined.wasm", "--target", "x86_64-linux", "--source-path=/src=."];
    let ended = directory.wootz(&command);
    assert_eq!(ended.stderr, "note: the page contains one file of the source: /src/inlined.c\n");
    ended.succeeds();
    browser.open(&directory.path("inlined.html"), "#f=outer");

    // The function that was inlined into one that was inlined.
    browser.point_at("#right .row .text", "idiv");
    let left = lit(&mut browser, "left");
    assert_eq!(left, [("10".to_string(), "    return x / zero;".to_string())]);
    let right = lit(&mut browser, "right");
    browser.point_at("#left .row .text", "return middle(x + 1) + 1;");
    let other = lit(&mut browser, "right");
    assert!(places(&other).is_disjoint(&places(&right)) && !other.is_empty());
    browser.point_at("#left .row .text", "return x / zero;");
    assert_eq!(lit(&mut browser, "right"), right);
    // A line of another function leads there.
    browser.point_at("#left .row .text", "zero = 1;");
    browser.click();
    browser.wait_for("document.getElementById('name').textContent === '_start'");
    browser.wait_for("document.querySelectorAll('#right .row.lit').length > 0");
    let right = lit(&mut browser, "right");
    assert!(right.iter().any(|(_, text)| text.ends_with(", 1")), "{right:?}");
    // The same place as text.
    browser.press("s");
    browser.wait_for("document.querySelector('#left .text')?.textContent.includes('(func')");
    assert_eq!(browser.texts("#show-wat[aria-pressed=true]"), ["Text"]);
    assert_eq!(browser.texts("#left .row.lit").len(), 1);

    // Without the files there is only text.
    directory.wootz(&["explore", "inlined.wasm", "--no-source", "-o", "none.html"]).exits(0);
    browser.open(&directory.path("none.html"), "#f=outer");
    assert!(browser.texts("#left .text")[0].contains("(func $outer"));
    browser.is_content();
}

#[test]
fn keys_are_enough() {
    let Some((directory, mut browser)) = start() else { return };
    // What is called is there to be gone to.
    let command = [
        "explore",
        "m.wat",
        "--target",
        "x86_64-linux",
        "--no-opt",
        "inlining",
        "--no-opt",
        "switches",
    ];
    directory.wootz(&command).succeeds();
    browser.open(&directory.path("m.html"), "");
    let count = browser.texts("#functions .row").len();
    // Searched, and found.
    browser.press("/");
    for key in ["s", "W", "i", "t"] {
        browser.press(key);
    }
    assert_eq!(browser.texts("#functions .row .what"), ["switch"]);
    assert_eq!(browser.texts("#count"), ["1 of 3 functions"]);
    browser.press("Enter");
    browser.wait_for("document.getElementById('name').textContent === 'switch'");
    browser.wait_for("document.activeElement.id === 'left'");
    // Down to the jump, and over to its code: the table is no code.
    for _ in 0..20 {
        browser.press("ArrowDown");
        if browser.texts("#left .row.cursor .text").join("").contains("br_table") {
            break;
        }
    }
    let right = lit(&mut browser, "right");
    assert_eq!(
        right.iter().filter(|(_, text)| text.starts_with(".table 0x")).count(),
        3,
        "{right:?}"
    );
    browser.press("ArrowRight");
    assert_eq!(browser.value("document.activeElement.id"), json!("right"));
    assert_eq!(lit(&mut browser, "right"), right);
    browser.press("End");
    let last = browser.texts("#right .row .place").pop();
    assert_eq!(browser.texts("#right .row.cursor .place").pop(), last);
    browser.press("Home");
    assert_eq!(browser.texts("#right .row.cursor .text"), ["push rbp"]);
    assert!(lit(&mut browser, "left")[0].1.contains("(func $switch"));
    browser.press("Escape");
    assert!(lit(&mut browser, "left").is_empty());

    // A name is a name, whatever is in it.
    browser.press("/");
    for key in ["e", "v", "i", "l"] {
        browser.press(key);
    }
    browser.press("Enter");
    browser.wait_for("document.getElementById('name').textContent.includes('<b id=evil>&amp;')");
    assert!(browser.texts("#evil").is_empty());
    // To the function that it calls, and the next ones.
    browser.press("ArrowRight");
    browser.press("Home");
    for _ in 0..40 {
        if browser.texts("#right .row.cursor .text").join("").contains("<divide>") {
            break;
        }
        browser.press("ArrowDown");
    }
    browser.press("g");
    browser.wait_for("document.getElementById('name').textContent === 'divide'");
    browser.press("/");
    browser.press("Backspace");
    assert_eq!(browser.texts("#functions .row").len(), count);
    // Light and dark.
    browser.value("document.activeElement.blur()");
    let paper = "getComputedStyle(document.body).backgroundColor";
    let before = browser.value(paper);
    browser.press("t");
    assert_ne!(browser.value(paper), before);
    browser.press("?");
    assert_eq!(browser.value("document.getElementById('help').open"), json!(true));
    browser.is_content();
}

/// Only what can be seen is in the document.
#[test]
fn long_functions_and_long_lines_are_shown_in_part() {
    let Some((directory, mut browser)) = start() else { return };
    let operators = "local.get 0 i32.load offset=4 local.get 0 i32.mul local.set 0\n".repeat(6000);
    let module = format!(
        "(module (memory 1) (func $long (param i32) (result i32) {operators} local.get 0) (func $last) (data (i32.const 0) \"{}\"))",
        "y".repeat(300_000)
    );
    directory.write("long.wat", module);
    directory.wootz(&["explore", "long.wat", "--target", "aarch64-linux", "-O", "none"]).succeeds();
    let bytes = directory.read("long.html").len();
    assert!(bytes < 400_000, "{bytes} bytes");
    browser.open(&directory.path("long.html"), "#f=long");
    let facts = browser.texts("#facts").join("");
    let count = facts.split(" · ").last().unwrap().strip_suffix(" instructions").unwrap();
    assert!(count.parse::<u32>().unwrap() > 10_000, "{facts}");
    assert!(browser.value("document.querySelectorAll('.row').length").as_u64().unwrap() < 300);
    // The end of the text, which lights the end of the code, and scrolls there.
    browser.value("document.getElementById('left').focus()");
    browser.press("End");
    for expected in ["local.get 0", "local.set 0", "i32.mul"] {
        browser.press("ArrowUp");
        assert_eq!(browser.texts("#left .row.cursor .text")[0].trim(), expected);
    }
    browser.wait_for("document.querySelectorAll('#right .row.lit').length > 0");
    let right = lit(&mut browser, "right");
    assert!(right.iter().any(|(_, text)| text.starts_with("mul ")), "{right:?}");
    let seen = "(() => { const frame = document.getElementById('right').getBoundingClientRect();
        const row = document.querySelector('#right .row.lit').getBoundingClientRect();
        return row.top >= frame.top && row.bottom <= frame.bottom; })()";
    browser.wait_for(seen);
    // Data is cut.
    browser.open(&directory.path("long.html"), "#f=module");
    let texts = browser.texts("#left .text");
    let data = texts.iter().find(|text| text.contains("(data")).unwrap();
    assert!(data.len() < 2100 && data.ends_with(" more bytes)"), "{}", data.len());
    browser.is_content();
}

#[test]
fn what_cannot_be_shown_is_an_error() {
    let directory = Directory::new();
    directory.write("m.wat", "(module (func (export \"f\")))");
    directory.write("bad.wasm", "\0asm\u{1}\0\0\0junk");
    directory.compile("m", "(module)");
    directory.wootz(&["explore", "m.so"]).fails(1, &["`m.so` is a native file already"]);
    directory.wootz(&["explore", "bad.wasm"]).fails(1, &["cannot compile `bad.wasm`"]);
    directory.wootz(&["explore", "none.wasm"]).fails(1, &["cannot read `none.wasm`"]);
    directory.wootz(&["explore", "-"]).fails(2, &["`-o OUT`"]);
    directory.wootz(&["explore", "m.wat", "-o", "m.wat"]).fails(2, &["replace `m.wat`"]);
    directory.wootz(&["explore", "m.wat", "-o", "no/m.html"]).fails(1, &["no directory `no`"]);
    directory.wootz(&["explore", "m.wat", "--source-path", "x"]).fails(2, &["FROM=TO"]);
    directory.wootz(&["explore", "m.wat", "--target", "pdp11"]).fails(1, &["pdp11"]);
    // A module without functions is a page, too; from standard input to standard output, for instance.
    let page = directory.wootz_with_input(&["explore", "-", "-o", "-"], b"(module)").succeeds();
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    assert!(page.contains("<title>standard input</title>"));
}
