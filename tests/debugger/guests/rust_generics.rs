// Rust: generic functions and types, closures, traits.
//
// builds: O0 O0+speed O2
// not on: s390x-linux
//
// > break largest
// > run
// > bt largest<i32> main ...
// > p first = 3
// > p second = 8
// > continue
// > at largest
// > bt largest<f64> main ...
// > p first = 2.5
// O0> break held
// O0> continue
// O0 gdb> p self.value.__0 = 5
// O0 gdb> p self.count = 2
// O0 lldb> p self->value.__0 = 5
// O0 lldb> p self->count = 2
// O0> break closure
// O0> continue
// O0> p given = 4
// O0> bt {closure#0} main ...
// > delete
// > exits 0

use std::hint::black_box;

#[inline(never)]
fn largest<T: PartialOrd>(first: T, second: T) -> T {
    if black_box(&first) > black_box(&second) { first } else { second } // @largest
}

struct Holder<T> {
    value: T,
    count: u32,
}

trait Size {
    fn size(&self) -> u32;
}

impl<T> Size for Holder<T> {
    #[inline(never)]
    fn size(&self) -> u32 {
        black_box(&self.value);
        self.count // @held
    }
}

fn main() {
    let whole = largest(3_i32, 8);
    let real = largest(2.5_f64, 0.25);
    let holder = Holder { value: (5_i32, 1_u8), count: 2 };
    let size = holder.size();
    let captured = black_box(10);
    let add = |given: i32| {
        given + captured // @closure
    };
    let result = add(4) + whole + real as i32 + size as i32;
    std::process::exit(result - 26);
}
