//! Loops that make many turns at once leave what they leave one turn at a time: results, traps and where they are, and memory.
#![cfg(feature = "compiler")]

mod common;

use common::side::Side;

/// Loops that look for something: the parameters are two addresses or a number to look for, and for how long. Results have all that goes
/// round in the loop.
const SCANS: &str = r#"
    (func (export "zero") (param i32 i32 i32) (result i32)
        (loop $l
            (if (i32.load8_u (local.get 0))
                (then
                    (local.set 0 (i32.add (local.get 0) (i32.const 1)))
                    (br $l))))
        (local.get 0))
    (func (export "length") (param i32 i32 i32) (result i32) (local i32)
        (block $found
            (loop $l
                (br_if $found (i32.eqz (i32.load8_s (i32.add (local.get 0) (local.get 3)))))
                (local.set 3 (i32.add (local.get 3) (i32.const 1)))
                (br $l)))
        (local.get 3))
    (func (export "differ") (param i32 i32 i32) (result i32)
        (block $found
            (loop $l
                (br_if $found (i32.ne (i32.load8_u (local.get 0)) (i32.load8_u (local.get 1))))
                (local.set 0 (i32.add (local.get 0) (i32.const 1)))
                (local.set 1 (i32.add (local.get 1) (i32.const 1)))
                (br_if $l (local.tee 2 (i32.sub (local.get 2) (i32.const 1))))))
        (i32.add (i32.mul (local.get 0) (i32.const 31)) (i32.add (local.get 1) (local.get 2))))
    (func (export "differ or end") (param i32 i32 i32) (result i32) (local i32 i32)
        (block $found
            (loop $l
                (local.set 3 (i32.load8_s (local.get 0)))
                (local.set 4 (i32.load8_u (local.get 1)))
                (br_if $found (i32.eqz (local.get 4)))
                (local.set 0 (i32.add (local.get 0) (i32.const 1)))
                (local.set 1 (i32.add (local.get 1) (i32.const 1)))
                (br_if $l (i32.eq (local.get 4) (i32.and (local.get 3) (i32.const 255))))))
        (i32.add (i32.mul (local.get 3) (local.get 4)) (i32.add (local.get 1) (local.get 0))))
    (func (export "byte") (param i32 i32 i32) (result i32)
        (local.set 1 (i32.and (local.get 1) (i32.const 255)))
        (block $found
            (loop $l
                (br_if $found (i32.eqz (local.get 2)))
                (br_if $found (i32.eq (i32.load8_u (local.get 0)) (local.get 1)))
                (local.set 0 (i32.add (local.get 0) (i32.const 1)))
                (local.set 2 (i32.sub (local.get 2) (i32.const 1)))
                (br $l)))
        (i32.add (i32.mul (local.get 0) (i32.const 31)) (local.get 2)))
    (func (export "byte below") (param i32 i32 i32) (result i32) (local i32)
        (block $found
            (loop $l
                (br_if $found (i32.eq (i32.const 46) (i32.load8_s offset=3 (i32.add (local.get 3) (local.get 0)))))
                (br_if $l (i32.lt_s (local.tee 3 (i32.add (local.get 3) (i32.const 1))) (local.get 2)))))
        (local.get 3))
    (func (export "byte above") (param i32 i32 i32) (result i32) (local i64)
        (block $found
            (loop $l
                (br_if $found (i64.eq (i64.const 46) (i64.load8_u (local.get 0))))
                (local.set 3 (i64.add (local.get 3) (i64.const 3)))
                (local.set 0 (i32.add (local.get 0) (i32.const 1)))
                (br_if $l (i32.gt_u (local.tee 2 (i32.sub (local.get 2) (i32.const 4))) (i32.const 3)))))
        (i32.add (i32.wrap_i64 (local.get 3)) (i32.mul (local.get 2) (i32.const 31))))
    (func (export "far byte") (param i32 i32 i32) (result i32) (local i32)
        (block $found
            (loop $l
                (br_if $found (i32.gt_u (i32.load8_u (local.get 0)) (i32.const 240)))
                (br_if $found (i32.lt_s (i32.load8_s (local.get 0)) (i32.const -120)))
                (local.set 0 (i32.add (local.get 0) (i32.const 1)))
                (br_if $l (i32.ne (local.tee 3 (i32.add (local.get 3) (i32.const 8))) (local.get 2)))))
        (i32.add (local.get 0) (local.get 3)))
    (func (export "signed") (param i32 i32 i32) (result i32)
        (loop $l
            (local.set 0 (i32.add (local.get 0) (i32.const 1)))
            (br_if $l (i32.gt_s (i32.load8_s (local.get 0)) (i32.const -100))))
        (local.get 0))
    (func (export "marked") (param i32 i32 i32) (result i32)
        (loop $l
            (local.set 0 (i32.add (local.get 0) (i32.const 1)))
            (br_if $l (i32.eqz (i32.and (i32.load8_u (local.get 0)) (i32.const 128)))))
        (local.get 0))
    (func (export "as there") (param i32 i32 i32) (result i32)
        (block $found
            (loop $l
                (br_if $found (i32.eq (i32.load8_u (local.get 0)) (i32.load8_u (local.get 1))))
                (local.set 0 (i32.add (local.get 0) (i32.const 1)))
                (br_if $l (local.tee 2 (i32.sub (local.get 2) (i32.const 1))))))
        (i32.add (local.get 0) (local.get 2)))
    (func (export "half") (param i32 i32 i32) (result i32)
        (loop $l
            (if (i32.ne (i32.load16_u (local.get 0)) (i32.const 0x2e2e))
                (then
                    (local.set 0 (i32.add (local.get 0) (i32.const 2)))
                    (br_if $l (local.tee 2 (i32.sub (local.get 2) (i32.const 1)))))))
        (i32.add (i32.mul (local.get 0) (i32.const 31)) (local.get 2)))
    (func (export "signed half") (param i32 i32 i32) (result i32)
        (loop $l
            (if (i32.load16_s (local.get 0))
                (then
                    (local.set 0 (i32.add (local.get 0) (i32.const 2)))
                    (br $l))))
        (local.get 0))
    (func (export "word") (param i32 i32 i32) (result i32)
        (loop $l
            (if (i32.ne (i32.load (local.get 0)) (local.get 1))
                (then
                    (local.set 0 (i32.add (local.get 0) (i32.const 4)))
                    (br_if $l (i32.gt_u (local.tee 2 (i32.sub (local.get 2) (i32.const 4))) (i32.const 3))))))
        (i32.add (i32.mul (local.get 0) (i32.const 31)) (local.get 2)))
    (func (export "word with a zero") (param i32 i32 i32) (result i32) (local i32)
        (loop $l
            (local.set 3 (i32.load (local.get 0)))
            (local.set 0 (i32.add (local.get 0) (i32.const 4)))
            (br_if $l (i32.eqz (i32.and
                (i32.and (i32.xor (local.get 3) (i32.const -1)) (i32.const 0x80808080))
                (i32.sub (local.get 3) (i32.const 0x01010101))))))
        (i32.add (local.get 0) (local.get 3)))
    (func (export "behind an end") (param i32 i32 i32) (result i32)
        (block $found
            (loop $l
                (br_if $found (i32.eqz (i32.load8_u (local.get 0))))
                (br_if $found (i32.eq (i32.load8_u (local.get 1)) (i32.const 46)))
                (local.set 0 (i32.add (local.get 0) (i32.const 1)))
                (local.set 1 (i32.add (local.get 1) (i32.const 1)))
                (br $l)))
        (i32.sub (local.get 0) (local.get 1)))"#;

/// Loops that copy from the first parameter to the second, or fill: so often as the third says.
const COPIES: &str = r#"
    (func (export "bytes") (param i32 i32 i32) (result i32)
        (loop $l
            (i32.store8 (local.get 1) (i32.load8_u (local.get 0)))
            (local.set 0 (i32.add (local.get 0) (i32.const 1)))
            (local.set 1 (i32.add (local.get 1) (i32.const 1)))
            (br_if $l (local.tee 2 (i32.sub (local.get 2) (i32.const 1)))))
        (i32.add (i32.mul (local.get 0) (i32.const 31)) (local.get 1)))
    (func (export "bytes back") (param i32 i32 i32) (result i32)
        (loop $l
            (i32.store8 (local.get 1) (i32.load8_s (local.get 0)))
            (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
            (local.set 1 (i32.sub (local.get 1) (i32.const 1)))
            (br_if $l (i32.gt_s (local.tee 2 (i32.sub (local.get 2) (i32.const 1))) (i32.const 0))))
        (i32.add (i32.mul (local.get 0) (i32.const 31)) (local.get 1)))
    (func (export "bytes back, behind") (param i32 i32 i32) (result i32)
        (loop $l
            (i32.store8 offset=2 (local.get 1) (i32.load8_s offset=1 (local.get 0)))
            (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
            (local.set 1 (i32.sub (local.get 1) (i32.const 1)))
            (br_if $l (i32.gt_s (local.tee 2 (i32.sub (local.get 2) (i32.const 1))) (i32.const 0))))
        (i32.add (i32.mul (local.get 0) (i32.const 31)) (local.get 1)))
    (func (export "bytes, counted first") (param i32 i32 i32) (result i32) (local i32)
        (block $done
            (loop $l
                (br_if $done (i32.ge_s (local.get 3) (local.get 2)))
                (i32.store8 (i32.add (local.get 1) (local.get 3)) (i32.load8_u (i32.add (local.get 0) (local.get 3))))
                (local.set 3 (i32.add (local.get 3) (i32.const 1)))
                (br $l)))
        (local.get 3))
    (func (export "halves") (param i32 i32 i32) (result i32)
        (loop $l
            (i32.store16 (local.get 1) (i32.load16_u (local.get 0)))
            (local.set 0 (i32.add (local.get 0) (i32.const 2)))
            (local.set 1 (i32.add (local.get 1) (i32.const 2)))
            (br_if $l (i32.lt_u (local.tee 2 (i32.add (local.get 2) (i32.const 1))) (i32.const 300))))
        (i32.add (i32.mul (local.get 0) (i32.const 31)) (local.get 1)))
    (func (export "words") (param i32 i32 i32) (result i32)
        (loop $l
            (i32.store (local.get 1) (i32.load (local.get 0)))
            (local.set 0 (i32.add (local.get 0) (i32.const 4)))
            (local.set 1 (i32.add (local.get 1) (i32.const 4)))
            (br_if $l (i32.ne (local.tee 2 (i32.sub (local.get 2) (i32.const 4))) (i32.const 0))))
        (i32.add (i32.mul (local.get 0) (i32.const 31)) (local.get 1)))
    (func (export "floats back") (param i32 i32 i32) (result i32)
        (loop $l
            (f64.store (local.get 1) (f64.load (local.get 0)))
            (local.set 0 (i32.sub (local.get 0) (i32.const 8)))
            (local.set 1 (i32.sub (local.get 1) (i32.const 8)))
            (br_if $l (local.tee 2 (i32.sub (local.get 2) (i32.const 1)))))
        (i32.add (i32.mul (local.get 0) (i32.const 31)) (local.get 1)))
    (func (export "four words") (param i32 i32 i32) (result i32)
        (loop $l
            (i32.store (local.get 1) (i32.load (local.get 0)))
            (i32.store offset=4 (local.get 1) (i32.load offset=4 (local.get 0)))
            (i32.store offset=8 (local.get 1) (i32.load offset=8 (local.get 0)))
            (i32.store offset=12 (local.get 1) (i32.load offset=12 (local.get 0)))
            (local.set 0 (i32.add (local.get 0) (i32.const 16)))
            (local.set 1 (i32.add (local.get 1) (i32.const 16)))
            (br_if $l (local.tee 2 (i32.sub (local.get 2) (i32.const 1)))))
        (i32.add (i32.mul (local.get 0) (i32.const 31)) (local.get 1)))
    (func (export "two words back") (param i32 i32 i32) (result i32)
        (loop $l
            (i64.store (i32.add (local.get 1) (i32.const 8)) (i64.load (i32.add (local.get 0) (i32.const 8))))
            (i64.store (local.get 1) (i64.load (local.get 0)))
            (local.set 0 (i32.sub (local.get 0) (i32.const 16)))
            (local.set 1 (i32.sub (local.get 1) (i32.const 16)))
            (br_if $l (local.tee 2 (i32.sub (local.get 2) (i32.const 1)))))
        (i32.add (i32.mul (local.get 0) (i32.const 31)) (local.get 1)))
    (func (export "two words, not in order") (param i32 i32 i32) (result i32)
        (loop $l
            (i64.store (local.get 1) (i64.load offset=8 (local.get 0)))
            (i64.store offset=8 (local.get 1) (i64.load (local.get 0)))
            (local.set 0 (i32.add (local.get 0) (i32.const 16)))
            (local.set 1 (i32.add (local.get 1) (i32.const 16)))
            (br_if $l (local.tee 2 (i32.sub (local.get 2) (i32.const 1)))))
        (i32.add (i32.mul (local.get 0) (i32.const 31)) (local.get 1)))
    (func (export "fill bytes") (param i32 i32 i32) (result i32)
        (loop $l
            (i32.store8 (local.get 1) (local.get 0))
            (local.set 1 (i32.add (local.get 1) (i32.const 1)))
            (br_if $l (local.tee 2 (i32.sub (local.get 2) (i32.const 1)))))
        (local.get 1))
    (func (export "fill words back") (param i32 i32 i32) (result i32)
        (loop $l
            (i32.store (i32.add (local.get 1) (i32.const 4)) (i32.mul (local.get 0) (i32.const 0x01010101)))
            (i32.store (local.get 1) (i32.mul (local.get 0) (i32.const 0x01010101)))
            (local.set 1 (i32.add (local.get 1) (i32.const -8)))
            (br_if $l (i32.gt_u (local.tee 2 (i32.sub (local.get 2) (i32.const 1))) (i32.const 0))))
        (local.get 1))
    (func (export "fill floats") (param i32 i32 i32) (result i32) (local i64)
        (loop $l
            (f32.store (local.get 1) (f32.const 1.5))
            (local.set 1 (i32.add (local.get 1) (i32.const 4)))
            (br_if $l (i64.ne (local.tee 3 (i64.add (local.get 3) (i64.const 1))) (i64.extend_i32_u (local.get 2)))))
        (local.get 1))
    (func (export "four bytes") (param i32 i32 i32) (result i32) (local i32)
        (loop $l
            (i32.store8 (local.get 1) (i32.load8_u (local.get 0)))
            (local.set 0 (i32.add (local.get 0) (i32.const 1)))
            (local.set 1 (i32.add (local.get 1) (i32.const 1)))
            (br_if $l (local.tee 3 (i32.add (local.get 3) (i32.const 0x40000000)))))
        (local.get 1))
    (func (export "two bytes") (param i32 i32 i32) (result i32) (local i64)
        (loop $l
            (i32.store8 (local.get 1) (i32.load8_u (local.get 0)))
            (local.set 0 (i32.add (local.get 0) (i32.const 1)))
            (local.set 1 (i32.add (local.get 1) (i32.const 1)))
            (br_if $l (i64.ne (local.tee 3 (i64.sub (local.get 3) (i64.const 0x4000000000000000))) (i64.const 0x8000000000000000))))
        (local.get 1))
    (func (export "fill with two") (param i32 i32 i32) (result i32)
        (loop $l
            (i32.store (local.get 1) (local.get 0))
            (i32.store offset=4 (local.get 1) (i32.const 7))
            (local.set 1 (i32.add (local.get 1) (i32.const 8)))
            (br_if $l (local.tee 2 (i32.sub (local.get 2) (i32.const 1)))))
        (local.get 1))"#;

/// Those of [`SCANS`] that load where they may not.
const NOT_SCANS: &[&str] = &["behind an end"];

/// Those of [`COPIES`] that store something else than they load, go through their numbers too fast, or wrap around within a page.
const NOT_COPIES: &[&str] =
    &["bytes back, behind", "two words, not in order", "four bytes", "two bytes", "fill with two"];

/// One page.
const SIZE: usize = 65_536;

/// Calls all functions both ways. Returns how many calls had results, and how many have trapped. `unchanged` are functions of which
/// turns cannot be made at once.
fn compare(
    functions: &str,
    unchanged: &[&str],
    calls: &[[i32; 3]],
    contents: &[Vec<u8>],
) -> [usize; 2] {
    let some: Vec<[i32; 3]> = calls.iter().copied().step_by(5).collect();
    compare_with(true, functions, unchanged, &some, contents);
    compare_with(false, functions, unchanged, calls, contents)
}

fn compare_with(
    epochs: bool,
    functions: &str,
    unchanged: &[&str],
    calls: &[[i32; 3]],
    contents: &[Vec<u8>],
) -> [usize; 2] {
    let wat = format!("(module (memory (export \"memory\") 1 1) {functions})");
    let sides = [&[][..], &["scans", "copies"]];
    let mut sides = sides.map(|skipped| Side::new(&wat, skipped, epochs));
    let [mut ended, mut trapped] = [0, 0];
    let names = sides[0].functions.iter().map(|(name, _)| name.clone());
    for (index, name) in names.collect::<Vec<_>>().into_iter().enumerate() {
        let [length, other_length] = sides.each_ref().map(|side| side.code[index].len());
        // With epochs, the others make several turns for a question, and may be longer.
        let has_changed = match epochs {
            true => length != other_length,
            false => length > other_length + 50,
        };
        assert_eq!(has_changed, !unchanged.contains(&&*name), "{name}");
        for before in contents {
            for &arguments in calls {
                let [left, expected] =
                    [0, 1].map(|side: usize| sides[side].call(index, arguments, before));
                assert_eq!(left, expected, "{name} {arguments:?}");
                let [data, expected] = sides.each_ref().map(Side::data);
                let mut bytes = data.iter().zip(expected);
                let differs =
                    (data != expected).then(|| bytes.position(|(byte, expected)| byte != expected));
                assert_eq!(differs, None, "{name} {arguments:?}");
                match left {
                    Ok(_) => ended += 1,
                    Err(_) => trapped += 1,
                }
            }
        }
    }
    [ended, trapped]
}

/// Bytes in no order, of which one in so many is special.
fn contents(one_in: u32) -> Vec<u8> {
    let mut seed = one_in;
    let bytes = (0..SIZE).map(|_| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let special = [0, b'.', 255, 128, b'.', 0][(seed >> 28) as usize % 6];
        if (seed >> 8).is_multiple_of(one_in) { special } else { b'a' + (seed >> 24) as u8 % 3 }
    });
    bytes.collect()
}

/// Beginnings at which something may go wrong: pages, the end of memory, and that of what addresses reach.
fn beginnings() -> Vec<i32> {
    let mut beginnings = vec![0, 1, 2, 3, 8, 100, 4_080, SIZE as i32, -1, -2, -16, -40];
    beginnings.extend(4_096 - 40..4_096 + 4);
    beginnings.extend([70, 35, 20, 17, 16, 15, 9, 8, 5, 4, 3, 2, 1].map(|left| SIZE as i32 - left));
    beginnings
}

#[test]
fn what_is_looked_for_is_found_by_its_turn() {
    let mut calls = Vec::new();
    for at in beginnings() {
        for there in [12, 4_089, SIZE as i32 - 9, b'.'.into()] {
            for turns in [0, 1, 2, 7, 15, 16, 17, 18, 33, 64, 100, 5_000, -3] {
                calls.push([at, there, turns]);
            }
        }
    }
    let [ended, trapped] = compare(SCANS, NOT_SCANS, &calls, &[7, 60, 1_000].map(contents));
    assert!(ended > 50_000 && trapped > 10_000, "{ended} ended, {trapped} trapped");
    // The same bytes in two places, up to some byte.
    let mut calls = Vec::new();
    let mut twice = contents(100_000);
    twice.copy_within(10_000..25_000, 40_000);
    twice[50_000] = b'.';
    for at in (10_000..10_020).chain(19_900..20_010) {
        for turns in [1, 16, 40, 100, 200] {
            calls.push([at, at + 30_000, turns]);
            calls.push([at + 30_003, at + 3, turns]);
        }
    }
    compare(SCANS, NOT_SCANS, &calls, &[twice]);
}

#[test]
fn what_is_copied_is_what_turns_would_have_copied() {
    let mut calls = Vec::new();
    let counts = [1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 32, 33, 100, 700];
    for from in beginnings() {
        for to in [5_000, 4_090, SIZE as i32 - 50, 7] {
            for turns in counts {
                calls.push([from, to, turns]);
            }
        }
    }
    // Over each other.
    for distance in -80..80 {
        for turns in counts {
            calls.push([20_000, 20_000 + distance, turns]);
            calls.push([8_190 + distance, 8_190, turns]);
        }
    }
    for to in beginnings() {
        for turns in counts {
            calls.push([40_000, to, turns]);
        }
    }
    // Where numbers wrap around, what is added to them may not.
    for at in 0..60 {
        for turns in [15, 16, 17, 18, 33, 100] {
            calls.push([at, 40_000, turns]);
            calls.push([40_000, at, turns]);
        }
    }
    calls.retain(|&[from, to, _]| (from, to) != (0, 0));
    let [ended, trapped] = compare(COPIES, NOT_COPIES, &calls, &[contents(3)]);
    assert!(ended > 50_000 && trapped > 10_000, "{ended} ended, {trapped} trapped");
}
