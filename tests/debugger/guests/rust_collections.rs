// Rust: String, Vec, Box, slices and &str, through the pointers in them.
//
// builds: O0 O0+speed
// not on: s390x-linux
//
// > break made
// > run
// > p numbers.len = 3
// > p text.vec.len = 5
// > p slice.length = 2
// > p *slice.data_ptr = 20
// > p word.length = 4
// > p *boxed = 42
// > p name.length = 6
// > break summed
// > continue
// > in sum
// > p of.length = 3
// > p total = 60
// > p *of.data_ptr = 10
// > bt sum main ...
// > exits 0

use std::hint::black_box;

#[inline(never)]
fn sum(of: &[i32]) -> i32 {
    let mut total = 0;
    for number in of {
        total += number;
    }
    black_box(total) // @summed
}

fn main() {
    let numbers = black_box(vec![10, 20, 30]);
    let text = black_box(String::from("hello"));
    let slice = black_box(&numbers[1..]);
    let word = black_box("word");
    let name: &str = black_box("static");
    let boxed = black_box(Box::new(42));
    black_box((&numbers, &text, &slice, &word, &boxed, &name)); // @made
    let total = sum(&numbers);
    std::process::exit(total - 60);
}
