// Rust: a panic traps; the stack leads from it to the line that did it.
//
// builds: O0 O0+speed
// not on: s390x-linux
//
// wasm> break begin
// wasm> run
// wasm> traps
// wasm> bt ... element main ...
// native> break-function rust_panic
// native> run
// native> bt ... element main ...
// gdb wasm> exits 134

use std::hint::black_box;

#[inline(never)]
fn element(of: &[i32], number: usize) -> i32 {
    of[number]
}

fn main() {
    let numbers = black_box(vec![1, 2, 3]); // @begin
    std::process::exit(element(&numbers, 7));
}
