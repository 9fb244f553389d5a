//! Processors load what many operators compute with by the same instruction. If it traps, it is the load that does, wherever it is an
//! operand.
#![cfg(feature = "compiler")]

mod common;

use common::{module, trap};
use wootz::{Config, Engine, Instance, OptLevel, Store, Trap, Val, WasmBacktrace};

/// Operators, behind what they take and what they leave, as the first letters of types.
const OPERATORS: &[(&str, &str, &str)] = &[
    ("i", "i", "clz ctz popcnt eqz extend8_s extend16_s"),
    ("ii", "i", "add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr"),
    ("ii", "i", "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u"),
    ("l", "l", "clz ctz popcnt extend8_s extend16_s extend32_s"),
    ("ll", "l", "add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr"),
    ("l", "i", "i64.eqz wrap_i64"),
    (
        "ll",
        "i",
        "i64.eq i64.ne i64.lt_s i64.lt_u i64.gt_s i64.gt_u i64.le_s i64.le_u i64.ge_s i64.ge_u",
    ),
    ("i", "l", "extend_i32_s extend_i32_u"),
    ("f", "f", "abs neg ceil floor trunc nearest sqrt"),
    ("ff", "f", "add sub mul div min max copysign"),
    ("ff", "i", "f32.eq f32.ne f32.lt f32.gt f32.le f32.ge"),
    ("d", "d", "abs neg ceil floor trunc nearest sqrt"),
    ("dd", "d", "add sub mul div min max copysign"),
    ("dd", "i", "f64.eq f64.ne f64.lt f64.gt f64.le f64.ge"),
    ("f", "i", "trunc_f32_s trunc_f32_u trunc_sat_f32_s trunc_sat_f32_u reinterpret_f32"),
    ("d", "i", "trunc_f64_s trunc_f64_u trunc_sat_f64_s trunc_sat_f64_u"),
    ("f", "l", "trunc_f32_s trunc_f32_u trunc_sat_f32_s trunc_sat_f32_u"),
    ("d", "l", "trunc_f64_s trunc_f64_u trunc_sat_f64_s trunc_sat_f64_u reinterpret_f64"),
    ("i", "f", "convert_i32_s convert_i32_u reinterpret_i32"),
    ("l", "f", "convert_i64_s convert_i64_u"),
    ("d", "f", "demote_f64"),
    ("i", "d", "convert_i32_s convert_i32_u"),
    ("l", "d", "convert_i64_s convert_i64_u reinterpret_i64"),
    ("f", "d", "promote_f32"),
    ("iii", "i", "select"),
    ("lli", "l", "select"),
    ("ffi", "f", "select"),
    ("ddi", "d", "select"),
    ("vvi", "v", "select"),
    ("v", "v", "not"),
    ("vv", "v", "and andnot or xor i8x16.swizzle"),
    ("vvv", "v", "bitselect"),
    ("v", "i", "v128.any_true"),
    (
        "v",
        "v",
        "i8x16.abs i8x16.neg i8x16.popcnt i16x8.abs i16x8.neg i32x4.abs i32x4.neg i64x2.abs i64x2.neg",
    ),
    ("v", "v", "f32x4.abs f32x4.neg f32x4.sqrt f32x4.ceil f32x4.floor f32x4.trunc f32x4.nearest"),
    ("v", "v", "f64x2.abs f64x2.neg f64x2.sqrt f64x2.ceil f64x2.floor f64x2.trunc f64x2.nearest"),
    (
        "v",
        "v",
        "i16x8.extadd_pairwise_i8x16_s i16x8.extadd_pairwise_i8x16_u i32x4.extadd_pairwise_i16x8_s i32x4.extadd_pairwise_i16x8_u",
    ),
    (
        "v",
        "v",
        "i16x8.extend_low_i8x16_s i16x8.extend_high_i8x16_s i16x8.extend_low_i8x16_u i16x8.extend_high_i8x16_u",
    ),
    (
        "v",
        "v",
        "i32x4.extend_low_i16x8_s i32x4.extend_high_i16x8_u i64x2.extend_low_i32x4_s i64x2.extend_high_i32x4_u",
    ),
    (
        "v",
        "v",
        "i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero",
    ),
    (
        "v",
        "v",
        "f32x4.convert_i32x4_s f32x4.convert_i32x4_u f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u",
    ),
    ("v", "v", "f32x4.demote_f64x2_zero f64x2.promote_low_f32x4"),
    ("v", "i", "i8x16.all_true i16x8.all_true i32x4.all_true i64x2.all_true"),
    ("v", "i", "i8x16.bitmask i16x8.bitmask i32x4.bitmask i64x2.bitmask"),
    (
        "vv",
        "v",
        "i8x16.add i8x16.sub i8x16.add_sat_s i8x16.add_sat_u i8x16.sub_sat_s i8x16.sub_sat_u i8x16.avgr_u",
    ),
    (
        "vv",
        "v",
        "i8x16.min_s i8x16.min_u i8x16.max_s i8x16.max_u i8x16.narrow_i16x8_s i8x16.narrow_i16x8_u",
    ),
    (
        "vv",
        "v",
        "i16x8.add i16x8.sub i16x8.mul i16x8.add_sat_s i16x8.add_sat_u i16x8.sub_sat_s i16x8.sub_sat_u i16x8.avgr_u",
    ),
    (
        "vv",
        "v",
        "i16x8.min_s i16x8.min_u i16x8.max_s i16x8.max_u i16x8.narrow_i32x4_s i16x8.narrow_i32x4_u i16x8.q15mulr_sat_s",
    ),
    (
        "vv",
        "v",
        "i16x8.extmul_low_i8x16_s i16x8.extmul_high_i8x16_u i32x4.extmul_low_i16x8_s i64x2.extmul_high_i32x4_u",
    ),
    (
        "vv",
        "v",
        "i32x4.add i32x4.sub i32x4.mul i32x4.min_s i32x4.min_u i32x4.max_s i32x4.max_u i32x4.dot_i16x8_s",
    ),
    ("vv", "v", "i64x2.add i64x2.sub i64x2.mul"),
    (
        "vv",
        "v",
        "i8x16.eq i8x16.ne i8x16.lt_s i8x16.lt_u i8x16.gt_s i8x16.gt_u i8x16.le_s i8x16.ge_u",
    ),
    (
        "vv",
        "v",
        "i16x8.eq i16x8.lt_u i32x4.eq i32x4.gt_s i32x4.ge_u i64x2.eq i64x2.ne i64x2.lt_s i64x2.ge_s",
    ),
    (
        "vv",
        "v",
        "f32x4.add f32x4.sub f32x4.mul f32x4.div f32x4.min f32x4.max f32x4.pmin f32x4.pmax",
    ),
    (
        "vv",
        "v",
        "f64x2.add f64x2.sub f64x2.mul f64x2.div f64x2.min f64x2.max f64x2.pmin f64x2.pmax",
    ),
    (
        "vv",
        "v",
        "f32x4.eq f32x4.ne f32x4.lt f32x4.gt f32x4.le f32x4.ge f64x2.eq f64x2.ne f64x2.lt f64x2.gt f64x2.le f64x2.ge",
    ),
    (
        "vi",
        "v",
        "i8x16.shl i8x16.shr_s i8x16.shr_u i16x8.shl i16x8.shr_s i32x4.shl i32x4.shr_u i64x2.shl i64x2.shr_s i64x2.shr_u",
    ),
    ("i", "v", "i8x16.splat i16x8.splat i32x4.splat"),
    ("l", "v", "i64x2.splat"),
    ("f", "v", "f32x4.splat"),
    ("d", "v", "f64x2.splat"),
];

/// Several operators of which processors make one instruction, or of which one decides where to go on. They leave an `i32`;
/// in front is how many bytes there are before what is loaded.
const COMPOUND: &[(usize, &str)] = &[
    (0, "(i32.and (i32.xor LOAD (i32.const -1)) (local.get 1))"),
    (0, "(i32.add (i32.shl LOAD (i32.const 2)) (local.get 1))"),
    (0, "(i32.shl LOAD (i32.add (i32.const 1) (local.get 1)))"),
    (0, "(i32.and LOAD (i32.sub (i32.const 0) LOAD))"),
    (
        0,
        "(i32.wrap_i64 (i64.shr_u (i64.mul (i64.extend_i32_u LOAD) (local.get 2)) (i64.const 32)))",
    ),
    (0, "(i32.wrap_i64 (i64.add (i64.extend_i32_s LOAD) (local.get 2)))"),
    (0, "(i32.wrap_i64 (i64.xor (i64.extend_i32_u LOAD) (local.get 2)))"),
    (
        0,
        "(i32.trunc_sat_f64_s (f64.add (f64.promote_f32 (f32.reinterpret_i32 LOAD)) (local.get 4)))",
    ),
    (0, "(i32.trunc_sat_f32_s (f32.sqrt (f32.convert_i32_s LOAD)))"),
    (0, "(i32.eqz (i32.eqz LOAD))"),
    (4, "(select (local.get 1) (i32.const 5) (i32.lt_s LOAD (local.get 1)))"),
    (4, "(select (local.get 1) (i32.const 5) (i32.eqz LOAD))"),
    (0, "(if (result i32) LOAD (then (i32.const 1)) (else (local.get 1)))"),
    (0, "(if (result i32) (i32.eqz LOAD) (then (i32.const 1)) (else (local.get 1)))"),
    (
        0,
        "(if (result i32) (i32.gt_u LOAD (local.get 1)) (then (i32.const 1)) (else (local.get 1)))",
    ),
    (0, "(if (result i32) (i32.and LOAD (i32.const 8)) (then (i32.const 1)) (else (local.get 1)))"),
    (0, "(if (result i32) (i32.and LOAD (local.get 1)) (then (i32.const 1)) (else (local.get 1)))"),
    (
        0,
        "(if (result i32) (f32.lt (f32.reinterpret_i32 LOAD) (local.get 3)) (then (i32.const 1)) (else (local.get 1)))",
    ),
    (0, "(i32x4.extract_lane 1 (i32x4.mul (i32x4.splat LOAD) (i64x2.splat (local.get 2))))"),
    (0, "(i32x4.extract_lane 1 (i16x8.shl (i32x4.splat LOAD) (local.get 1)))"),
    (4, "(i32x4.extract_lane 1 (i32x4.replace_lane 2 (i64x2.splat (local.get 2)) LOAD))"),
    (
        0,
        "(i8x16.extract_lane_s 3 (v128.and (v128.not (i32x4.splat LOAD)) (i64x2.splat (local.get 2))))",
    ),
];

fn name(letter: char) -> &'static str {
    match letter {
        'i' => "i32",
        'l' => "i64",
        'f' => "f32",
        'd' => "f64",
        _ => "v128",
    }
}

/// What gives an operand that is not loaded, and how many bytes it has.
fn given(letter: char) -> (&'static str, usize) {
    match letter {
        'i' => ("(local.get 1)", 2),
        'l' => ("(local.get 2)", 2),
        'f' => ("(local.get 3)", 2),
        'd' => ("(local.get 4)", 2),
        _ => ("(i64x2.splat (local.get 2))", 4),
    }
}

/// The number of locals, and the address that the result is stored to.
const ADDRESS_BYTES: usize = 1 + 2;

/// Functions in which operators have an operand that is loaded, by name, and where in them that is done.
fn functions() -> (String, Vec<(String, usize)>) {
    let mut text = String::from("(module (memory 1)");
    let mut places = Vec::new();
    for &(operands, result, names) in OPERATORS {
        for operator in names.split(' ') {
            let stored = name(result.chars().next().unwrap());
            let full = match operator == "select" || operator.contains('.') {
                true => operator.to_string(),
                false => format!("{stored}.{operator}"),
            };
            for loaded in 0..operands.len() {
                let mut body = String::new();
                let mut at = ADDRESS_BYTES;
                for (position, letter) in operands.chars().enumerate() {
                    let (given, bytes) = given(letter);
                    if position == loaded {
                        body += &format!("({}.load (local.get 0)) ", name(letter));
                        places.push((format!("{full} {operands} {loaded}"), at + 2));
                    } else {
                        body += given;
                    }
                    at += bytes;
                }
                text += &format!(
                    "(func (export \"{full} {operands} {loaded}\") (param i32 i32 i64 f32 f64)
                        ({stored}.store (i32.const 0) ({full} {body})))"
                );
            }
        }
    }
    for (number, (before, body)) in COMPOUND.iter().enumerate() {
        let name = format!("compound {number}");
        let body = body.replace("LOAD", "(i32.load (local.get 0))");
        text += &format!(
            "(func (export \"{name}\") (param i32 i32 i64 f32 f64) (i32.store (i32.const 0) {body}))"
        );
        places.push((name, ADDRESS_BYTES + before + 2));
    }
    (text + ")", places)
}

#[test]
fn they_trap_where_they_are() {
    let (text, places) = functions();
    let mut wrong = Vec::new();
    for level in [OptLevel::None, OptLevel::Speed] {
        for cpu in ["native", "x86-64-v2"] {
            if cpu != "native" && !cfg!(target_arch = "x86_64") {
                continue;
            }
            let engine = Engine::new(Config::new().cranelift_opt_level(level).target_cpu(cpu));
            let engine = engine.unwrap();
            let module = module(&engine, &text);
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, &module, &[]).unwrap();
            for (name, expected) in &places {
                let function = instance.get_func(&mut store, name).unwrap();
                let one = [Val::I32(1), Val::I64(1), Val::F32(1), Val::F64(1)];
                let arguments: Vec<Val> = [Val::I32(65_535)].into_iter().chain(one).collect();
                let error = function.call(&mut store, &arguments, &mut []).unwrap_err();
                assert_eq!(trap(&error), Trap::MemoryOutOfBounds, "{name}");
                let frames = error.downcast_ref::<WasmBacktrace>().unwrap().frames();
                let at = frames[0].func_offset();
                if at != Some(*expected) {
                    wrong.push(format!("{level:?} {cpu}: {name}: {at:?}, not {expected}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
