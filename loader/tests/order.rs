//! What is computed in another order is the same: numbers, memory, and where it traps.
#![cfg(feature = "compiler")]

mod common;

use common::side::Side;

const FUNCTIONS: usize = 40;
const STATEMENTS: usize = 160;
/// More than any processor has registers for.
const LOCALS: u64 = 40;

/// Numbers without rule, the same at each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len() as u64) as usize]
    }
}

/// A function of three numbers that mixes what it has in locals, loads and stores, and may trap on the way.
fn function(number: usize, random: &mut Random) -> String {
    let mut text = format!("(func (export \"f{number}\") (param i32 i32 i32) (result i32)");
    text += &format!("(local {})", "i64 ".repeat(LOCALS as usize));
    let local = |random: &mut Random| format!("(local.get {})", 3 + random.below(LOCALS));
    for at in 0..LOCALS {
        let from = random.below(3);
        text += &format!(
            "(local.set {} (i64.add (i64.extend_i32_u (local.get {from})) (i64.load offset={} (i32.const 0))))",
            at + 3,
            random.below(1_000)
        );
    }
    // What is at hand in the memory, or what a parameter says.
    let address = |random: &mut Random| match random.below(12) {
        0 => format!("(i32.add (local.get {}) (i32.const {}))", random.below(3), random.below(64)),
        _ => format!("(i32.and (i32.wrap_i64 {}) (i32.const 0xffff))", local(random)),
    };
    for _ in 0..STATEMENTS {
        let target = 3 + random.below(LOCALS);
        let (one, other) = (local(random), local(random));
        let operator =
            random.one_of(&["add", "sub", "mul", "and", "or", "xor", "shl", "shr_u", "rotl"]);
        text += &match random.below(20) {
            0 => format!("(i64.store offset=8 {} {one})", address(random)),
            1..=3 => format!("(local.set {target} (i64.load offset=8 {}))", address(random)),
            4 => format!("(local.set {target} (i64.div_u {one} {other}))"),
            5 => format!(
                "(local.set {target} (i64.reinterpret_f64 (f64.mul (f64.convert_i64_s {one}) (f64.convert_i64_u {other}))))"
            ),
            6 => format!(
                "(local.set {target} (select {one} {other} (i64.{} {one} {})))",
                random.one_of(&["lt_s", "gt_u", "eq"]),
                local(random)
            ),
            _ => format!(
                "(local.set {target} (i64.{operator} {one} (i64.{} {other} {})))",
                random.one_of(&["add", "mul", "xor"]),
                local(random)
            ),
        };
    }
    let all = (0..LOCALS).fold("(i64.const 7)".to_string(), |all, at| {
        format!("(i64.xor (i64.rotl {all} (i64.const 5)) (local.get {}))", at + 3)
    });
    text + &format!("(i32.wrap_i64 (i64.rem_u {all} (i64.const 0x7fffffff))))")
}

#[test]
fn it_is_the_same() {
    let mut random = Random(11);
    let functions: String = (0..FUNCTIONS).map(|number| function(number, &mut random)).collect();
    let wat = format!("(module (memory (export \"memory\") 1 1) {functions})");
    let before: Vec<u8> =
        (0..65_536_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8 | 1).collect();
    let (mut ended, mut trapped, mut changed) = (0, 0, 0);
    for epochs in [false, true] {
        let mut sides = [&[][..], &["order"]].map(|skipped| Side::new(&wat, skipped, epochs));
        for index in 0..FUNCTIONS {
            changed += usize::from(sides[0].code[index] != sides[1].code[index]);
            for arguments in [[0, 1, 2], [65_400, 9, 500], [-1, 70_000, 3], [5, -70, 65_530]] {
                let [left, expected] =
                    [0, 1].map(|side: usize| sides[side].call(index, arguments, &before));
                assert_eq!(left, expected, "f{index} {arguments:?}");
                assert!(sides[0].data() == sides[1].data(), "f{index} {arguments:?}");
                *(if left.is_ok() { &mut ended } else { &mut trapped }) += 1;
            }
        }
    }
    assert!(changed > FUNCTIONS, "{changed}");
    assert!(ended > 50 && trapped > 50, "{ended} ended, {trapped} trapped");
}
