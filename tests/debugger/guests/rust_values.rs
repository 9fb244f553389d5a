// Rust: numbers, tuples, arrays, structures, references and methods.
//
// builds: O0 O0+speed
// not on: s390x-linux
//
// > break made
// > run
// > p count = 7
// > p real = 2.5
// > p yes = true
// > p array = {1, 2, 3}
// > p array[1] = 2
// > p point = {x = 3, y = -4}
// > p point.y = -4
// > p pair.__0 = 1
// > p nested.corner.x = 5
// > p letter = _
// > break moved
// > continue
// > in moved_by
// > p by = 10
// gdb> p self.x = 3
// lldb> p self->x = 3
// > p new.x = 13
// > bt moved_by main ...
// > finish
// > exits 0

use std::hint::black_box;

#[derive(Clone, Copy)]
struct Point {
    x: i32,
    y: i32,
}

struct Nested {
    corner: Point,
    name: u8,
}

impl Point {
    #[inline(never)]
    fn moved_by(&self, by: i32) -> Point {
        let new = Point { x: self.x + by, y: self.y };
        black_box(new) // @moved
    }
}

fn main() {
    let count = black_box(7_u32);
    let real = black_box(2.5_f64);
    let yes = black_box(true);
    let letter = black_box('w');
    let array = black_box([1, 2, 3]);
    let point = Point { x: 3, y: -4 };
    let pair = black_box((1_i64, 2_u8));
    let nested = Nested { corner: Point { x: 5, y: 6 }, name: 9 };
    black_box((&count, &real, &yes, &letter, &array, &pair, &nested, nested.name)); // @made
    let moved = point.moved_by(10);
    std::process::exit(moved.x - 13);
}
