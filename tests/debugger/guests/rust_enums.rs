// Rust: enums with and without data, Option, matches.
//
// builds: O0 O0+speed
// not on: s390x-linux
//
// > break made
// > run
// > p color = Green
// gdb> p circle = Circle{2.5}
// gdb> p square = Square{side = 4}
// gdb> p some = Some{17}
// gdb> p none = None
// lldb> raw frame variable circle => __0 = 2.5
// lldb> raw frame variable square => side = 4
// lldb> raw frame variable some => __0 = 17
// > break area
// > continue
// > in area
// > p *side = 4
// > bt area main ...
// > exits 0

use std::hint::black_box;

#[derive(Clone, Copy)]
#[allow(dead_code)]
enum Color {
    Red,
    Green,
    Blue,
}

enum Shape {
    Circle(f64),
    Square { side: u32 },
}

#[inline(never)]
fn area(shape: &Shape) -> f64 {
    match shape {
        Shape::Circle(radius) => radius * radius * 3.0,
        Shape::Square { side } => {
            f64::from(*side) * f64::from(*side) // @area
        }
    }
}

fn main() {
    let color = black_box(Color::Green);
    let circle = black_box(Shape::Circle(2.5));
    let square = black_box(Shape::Square { side: 4 });
    let some = black_box(Some(17_u32));
    let none = black_box(None::<u32>);
    black_box((&color, &circle, &square, &some, &none)); // @made
    let result = area(&square) - 16.0;
    std::process::exit(result as i32 + color as i32 - 1);
}
