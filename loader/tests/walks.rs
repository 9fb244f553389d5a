//! Loops that add their counter to an address that was made in front of them access what they access when each turn adds all of it.
#![cfg(feature = "compiler")]

mod common;

use common::side::Side;

/// The parameters are an address, the first number of a counter, and how many turns there are. Each leaves in memory what it has done.
const LOOPS: &str = r#"(module
    (memory (export "memory") 1 1)
    (func (export "loads") (param i32 i32 i32) (result i32) (local i32)
        (local.set 2 (i32.add (local.get 1) (i32.mul (local.get 2) (i32.const 4))))
        (loop $l
            (local.set 3 (i32.add (i32.mul (local.get 3) (i32.const 31)) (i32.load (i32.add (local.get 0) (local.get 1)))))
            (br_if $l (i32.ne (local.tee 1 (i32.add (local.get 1) (i32.const 4))) (local.get 2))))
        (local.get 3))
    (func (export "stores") (param i32 i32 i32) (result i32)
        (local.set 2 (i32.add (local.get 1) (i32.mul (local.get 2) (i32.const 16))))
        (loop $l
            (i32.store offset=4 (i32.add (i32.add (local.get 0) (i32.const 1000)) (local.get 1)) (local.get 1))
            (br_if $l (i32.ne (local.get 2) (local.tee 1 (i32.add (local.get 1) (i32.const 16))))))
        (local.get 1))
    (func (export "shifts") (param i32 i32 i32) (result i32) (local i64)
        (local.set 2 (i32.add (local.get 1) (local.get 2)))
        (loop $l
            (local.set 3 (i64.add (local.get 3)
                (i64.load (i32.sub (i32.add (local.get 0) (i32.shl (local.get 1) (i32.const 3))) (i32.const 24)))))
            (br_if $l (i32.ne (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (local.get 2))))
        (i32.wrap_i64 (local.get 3)))
    (func (export "two places") (param i32 i32 i32) (result i32) (local i32)
        (local.set 3 (i32.xor (local.get 0) (i32.const 0x5550)))
        (local.set 2 (i32.add (local.get 1) (i32.mul (local.get 2) (i32.const 8))))
        (loop $l
            (i64.store (i32.add (local.get 3) (local.get 1))
                (i64.add (i64.load (i32.add (local.get 0) (local.get 1))) (i64.const 7)))
            (br_if $l (i32.ne (local.tee 1 (i32.add (local.get 1) (i32.const 8))) (local.get 2))))
        (local.get 1))
    (func (export "only a constant") (param i32 i32 i32) (result i32) (local i32)
        (local.set 1 (i32.add (local.get 0) (local.get 1)))
        (local.set 2 (i32.add (local.get 1) (i32.mul (local.get 2) (i32.const 64))))
        (loop $l
            (local.set 3 (i32.xor (local.get 3) (i32.load8_u (i32.add (local.get 1) (i32.const 0x7000)))))
            (i32.store8 (i32.add (local.get 1) (i32.const -200)) (local.get 3))
            (br_if $l (i32.ne (local.tee 1 (i32.add (local.get 1) (i32.const 64))) (local.get 2))))
        (i32.add (local.get 3) (local.get 1)))
    (func (export "from a constant") (param i32 i32 i32) (result i32) (local i32 i32)
        (local.set 4 (i32.const -4000))
        (loop $l
            (local.set 3 (i32.add (i32.mul (local.get 3) (i32.const 5)) (i32.load16_u (i32.add (local.get 0) (local.get 4)))))
            (i32.store16 offset=2 (i32.add (i32.add (local.get 0) (local.get 1)) (local.get 4)) (local.get 3))
            (br_if $l (local.tee 4 (i32.add (local.get 4) (i32.const 40)))))
        (local.get 3))
    (func (export "large steps") (param i32 i32 i32) (result i32) (local i32)
        (local.set 2 (i32.add (local.get 1) (i32.mul (local.get 2) (i32.const 0x10000))))
        (loop $l
            (local.set 3 (i32.add (local.get 3) (i32.load8_u (i32.add (local.get 0) (local.get 1)))))
            (br_if $l (i32.ne (local.tee 1 (i32.add (local.get 1) (i32.const 0x10000))) (local.get 2))))
        (local.get 3))
    (func (export "too large steps") (param i32 i32 i32) (result i32) (local i32)
        (local.set 2 (i32.add (local.get 1) (i32.mul (local.get 2) (i32.const 0x20000))))
        (loop $l
            (local.set 3 (i32.add (local.get 3) (i32.load8_u (i32.add (local.get 0) (local.get 1)))))
            (br_if $l (i32.ne (local.tee 1 (i32.add (local.get 1) (i32.const 0x20000))) (local.get 2))))
        (local.get 3))
    (func (export "not in each turn") (param i32 i32 i32) (result i32) (local i32)
        (local.set 2 (i32.add (local.get 1) (i32.mul (local.get 2) (i32.const 4))))
        (loop $l
            (if (i32.and (local.get 1) (i32.const 8))
                (then (local.set 3 (i32.add (local.get 3) (i32.load (i32.add (local.get 0) (local.get 1)))))))
            (br_if $l (i32.ne (local.tee 1 (i32.add (local.get 1) (i32.const 4))) (local.get 2))))
        (local.get 3))
    (func (export "down") (param i32 i32 i32) (result i32) (local i32)
        (local.set 2 (i32.sub (local.get 1) (i32.mul (local.get 2) (i32.const 4))))
        (loop $l
            (local.set 3 (i32.add (i32.mul (local.get 3) (i32.const 31)) (i32.load (i32.add (local.get 0) (local.get 1)))))
            (br_if $l (i32.ne (local.tee 1 (i32.sub (local.get 1) (i32.const 4))) (local.get 2))))
        (local.get 3))
    (func (export "nested") (param i32 i32 i32) (result i32) (local i32 i32 i32)
        (loop $outer
            (local.set 4 (local.get 1))
            (local.set 5 (i32.add (local.get 1) (i32.mul (local.get 2) (i32.const 4))))
            (loop $inner
                (local.set 3 (i32.add (i32.mul (local.get 3) (i32.const 3)) (i32.load offset=8 (i32.add (local.get 0) (local.get 4)))))
                (i32.store (i32.add (local.get 0) (local.get 4)) (local.get 3))
                (br_if $inner (i32.ne (local.tee 4 (i32.add (local.get 4) (i32.const 4))) (local.get 5))))
            (local.set 0 (i32.add (local.get 0) (i32.const 0x900)))
            (br_if $outer (i32.lt_u (local.get 0) (i32.const 0xe000))))
        (local.get 3)))"#;

/// Those of [`LOOPS`] whose turns may go on behind a page that is never there.
const OTHERS: &[&str] = &["too large steps", "not in each turn", "down"];

/// One page.
const SIZE: usize = 65_536;

#[test]
fn they_access_what_each_turn_adds_up() {
    let before: Vec<u8> =
        (0..SIZE as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut calls = Vec::new();
    // Around both ends of memory, and of what addresses reach; numbers that wrap around, and sums that do.
    let places = [
        0,
        4,
        24,
        1_000,
        0x7000,
        SIZE as i32 - 64,
        SIZE as i32,
        -(SIZE as i32),
        -1_000,
        -8,
        -4,
        i32::MIN,
        i32::MAX - 7,
    ];
    for at in places {
        for first in places {
            for turns in [1, 2, 3, 17, 100, 5_000] {
                calls.push([at, first, turns]);
                calls.push([at, first.wrapping_sub(at), turns]);
            }
        }
    }
    let (mut ended, mut trapped) = (0, 0);
    for epochs in [false, true] {
        let mut sides = [&[][..], &["walks"]].map(|skipped| Side::new(LOOPS, skipped, epochs));
        let names = sides[0].functions.iter().map(|(name, _)| name.clone());
        for (index, name) in names.collect::<Vec<_>>().into_iter().enumerate() {
            // With epochs there are calls, whose distances differ.
            if cfg!(target_arch = "x86_64") && !epochs {
                let has_changed = sides[0].code[index] != sides[1].code[index];
                assert_eq!(has_changed, !OTHERS.contains(&&*name), "{name}");
            }
            for &arguments in &calls {
                let [left, expected] =
                    [0, 1].map(|side: usize| sides[side].call(index, arguments, &before));
                assert_eq!(left, expected, "{name} {arguments:?}");
                assert!(sides[0].data() == sides[1].data(), "{name} {arguments:?}");
                *(if left.is_ok() { &mut ended } else { &mut trapped }) += 1;
            }
        }
    }
    assert!(ended > 2_000 && trapped > 10_000, "{ended} ended, {trapped} trapped");
}
