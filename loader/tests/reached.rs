//! Accesses that add a distance to an address that is accessed before or behind them do what they do when each makes its own address.
#![cfg(feature = "compiler")]

mod common;

use common::side::Side;

/// The parameters are an address, another one, and a number. Each leaves in memory what it has done.
const ACCESSES: &str = r#"(module
    (memory (export "memory") 1 1)
    (func (export "behind") (param i32 i32 i32) (result i32)
        (i32.add
            (i32.sub (i32.load (local.get 0)) (i32.load (i32.add (local.get 0) (i32.const 8))))
            (i32.mul
                (i32.load offset=4 (i32.add (local.get 0) (i32.const 400)))
                (i32.load (i32.add (local.get 0) (i32.const 65536))))))
    (func (export "from behind") (param i32 i32 i32) (result i32)
        (i32.add
            (i32.sub
                (i32.load (i32.add (local.get 0) (i32.const 24)))
                (i32.load (i32.add (local.get 0) (i32.const 16))))
            (i32.sub (i32.load (i32.add (local.get 0) (i32.const 8))) (i32.load (local.get 0)))))
    (func (export "from a sum behind") (param i32 i32 i32) (result i32)
        (i32.sub
            (i32.load16_u offset=12 (i32.add (i32.add (local.get 0) (local.get 1)) (i32.const 65000)))
            (i32.load8_s offset=3 (i32.add (i32.add (local.get 0) (local.get 1)) (i32.const -536)))))
    (func (export "from a store behind") (param i32 i32 i32) (result i32) (local i32)
        (local.set 3 (i32.load (i32.add (local.get 0) (i32.const 16))))
        (i64.store (local.get 0) (i64.const 0x0102030405060708))
        (i32.add (local.get 3) (i32.load (i32.add (local.get 0) (i32.const 20)))))
    (func (export "two memories' worth") (param i32 i32 i32) (result i32)
        (i32.add
            (i32.sub (i32.load (i32.add (local.get 0) (i32.const 8))) (i32.load (i32.add (local.get 1) (i32.const 48))))
            (i32.xor (i32.load (local.get 1)) (i32.load offset=60000 (local.get 0)))))
    (func (export "a vector") (param i32 i32 i32) (result i32)
        (i8x16.bitmask (i8x16.add
            (v128.load (i32.add (local.get 0) (i32.const 65520)))
            (v128.load (local.get 0)))))
    (func (export "a store between") (param i32 i32 i32) (result i32) (local i32)
        (local.set 3 (i32.load (i32.add (local.get 0) (i32.const 8))))
        (i32.store (local.get 1) (i32.const -1))
        (i32.add (local.get 3) (i32.load (local.get 0))))
    (func (export "a store in front") (param i32 i32 i32) (result i32)
        (i32.store (i32.add (local.get 0) (i32.const 8)) (i32.const -1))
        (i32.load (local.get 0)))
    (func (export "a division between") (param i32 i32 i32) (result i32) (local i32)
        (local.set 3 (i32.load (i32.add (local.get 0) (i32.const 8))))
        (local.set 3 (i32.div_u (local.get 3) (local.get 2)))
        (i32.add (local.get 3) (i32.load (local.get 0))))
    (func (export "too far behind") (param i32 i32 i32) (result i32)
        (i32.sub (i32.load (i32.add (local.get 0) (i32.const 65537))) (i32.load (local.get 0)))))"#;

/// Those of [`ACCESSES`] where each has its own address.
const OTHERS: &[&str] =
    &["a store between", "a store in front", "a division between", "too far behind"];

/// One page.
const SIZE: usize = 65_536;

#[test]
fn they_access_what_they_would_by_themselves() {
    let before: Vec<u8> =
        (0..SIZE as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let places = [0, 4, 1_000, 536, SIZE as i32 - 24, SIZE as i32 - 4, SIZE as i32, i32::MIN];
    let below = [-1, -4, -8, -9, -16, -23, -24, -400, -536, -65_000, -65_516, -65_536, -65_537];
    let places: Vec<i32> = places.into_iter().chain(below).collect();
    let mut calls = Vec::new();
    for &at in &places {
        for &other in &places {
            calls.extend([0, 3].map(|number| [at, other, number]));
        }
    }
    let (mut ended, mut trapped, mut earlier) = (0, 0, 0);
    let mut sides = [&[][..], &["addresses"]].map(|skipped| Side::new(ACCESSES, skipped, false));
    let names = sides[0].functions.iter().map(|(name, _)| name.clone());
    for (index, name) in names.collect::<Vec<_>>().into_iter().enumerate() {
        let has_changed = sides[0].code[index] != sides[1].code[index];
        assert_eq!(has_changed, !OTHERS.contains(&&*name), "{name}");
        for &arguments in &calls {
            let [left, expected] =
                [0, 1].map(|side: usize| sides[side].call(index, arguments, &before));
            match (&left, &expected) {
                // In the last page it may be the load that traps, and not what lies behind it.
                (Err((trap, at)), Err((expected, behind))) => {
                    assert_eq!(trap, expected, "{name} {arguments:?}");
                    assert!(at <= behind, "{name} {arguments:?}");
                    let is_earlier = at != behind;
                    let is_in_last_page =
                        arguments[..2].iter().any(|&at| (-65_536..0).contains(&at))
                            || (-65_536..536).contains(&arguments[0].wrapping_add(arguments[1]));
                    assert!(!is_earlier || has_changed && is_in_last_page, "{name} {arguments:?}");
                    earlier += usize::from(is_earlier);
                    trapped += 1;
                }
                _ => {
                    assert_eq!(left, expected, "{name} {arguments:?}");
                    ended += 1;
                }
            }
            assert!(sides[0].data() == sides[1].data(), "{name} {arguments:?}");
        }
    }
    assert!(ended > 500 && trapped > 1_000 && earlier > 100, "{ended} {trapped} {earlier}");
}
