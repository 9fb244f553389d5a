//! Loops that count and access memory, accesses in a row, and sums of several words, of random shapes, against an interpreter: what
//! optimisations conclude from bounds of counters, from what was accessed before, and from how sums overflow, at numbers where they
//! just do and just do not.
//!
//! `WOOTZ_SEED=N` repeats one module, `WOOTZ_SECONDS=N` goes on for longer.

use std::fmt::Write;
use std::time::{Duration, Instant};

use wootz_tests::differential::random::Random;
use wootz_tests::differential::value::{Kind, Value};
use wootz_tests::differential::{Comparison, Peer};

/// How many functions there are in a module.
const FUNCTIONS: usize = 12;
/// How often each is called.
const CALLS: usize = 6;
/// How many turns all loops of a call make together at most.
const TURNS: usize = 600;
/// The memory's size.
const BYTES: u32 = 2 << 16;

#[test]
fn loops_do_the_same_as_in_an_interpreter() {
    compare(&|random| Loops::new(random).function());
}

#[test]
fn accesses_in_a_row_do_the_same_as_in_an_interpreter() {
    compare(&row);
}

#[test]
fn sums_of_words_do_the_same_as_in_an_interpreter() {
    compare(&words);
}

fn compare(function: &dyn Fn(&mut Random) -> String) {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds = match number("WOOTZ_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..u64::MAX,
    };
    let end = Instant::now() + Duration::from_secs(number("WOOTZ_SECONDS").unwrap_or(1));
    let mut comparison = Comparison::new(Peer::Wasmi);
    for seed in seeds {
        let mut random = Random::new(seed);
        let mut text = String::from("(module (memory (export \"memory\") 2 2)\n");
        for index in 0..FUNCTIONS {
            let function = function(&mut random);
            writeln!(text, "(func (export \"f{index}\") {function})").expect("a string");
        }
        text.push(')');
        let wasm = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let setting = random.below(comparison.settings().len());
        let result = comparison.compare_calls(&wasm, setting, &mut |params, random, call| {
            let value = |kind: Kind| match kind {
                // How many turns there may be.
                Kind::I32 => Value::I32(random.below(TURNS) as i32),
                kind => *random.one_of(&kind.edges()),
            };
            (call < CALLS).then(|| params.iter().map(|param| param.kind).map(value).collect())
        });
        result.unwrap_or_else(|difference| panic!("WOOTZ_SEED={seed}: {difference}"));
        if Instant::now() > end {
            break;
        }
    }
    println!("{}", comparison.counts());
    assert!(comparison.counts().modules > 0);
}

/// A function of loops in loops, with counters, and accesses at sums of them.
struct Loops<'a> {
    random: &'a mut Random,
    text: String,
    locals: String,
    /// The counters that there are, and with which number each starts.
    counters: Vec<(String, u32)>,
    labels: usize,
}

impl Loops<'_> {
    fn new(random: &mut Random) -> Loops<'_> {
        let (text, locals) = (String::new(), String::new());
        Loops { random, text, locals, counters: Vec::new(), labels: 0 }
    }

    fn function(mut self) -> String {
        let depth = 1 + self.random.below(3);
        self.nest(depth);
        let Loops { text, locals, .. } = self;
        format!(
            "(param $turns i32) (param $any i64) (result i64) (local $sum i64) (local $at i32) {locals}
            (block $out {text})
            (i64.add (local.get $sum) (i64.extend_i32_u (local.get $turns)))"
        )
    }

    fn say(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// A loop with one to three counters, and others in it.
    fn nest(&mut self, depth: usize) {
        let label = self.labels;
        self.labels += 1;
        let outer = self.counters.len();
        let mut steps = Vec::new();
        for _ in 0..1 + self.random.below(3) {
            let name = format!("$i{}", self.locals.matches("local").count());
            write!(self.locals, "(local {name} i32)").expect("a string");
            let start = self.edge();
            let from = match self.counters.is_empty() || self.random.below(3) > 0 {
                true => format!("(i32.const {})", start as i32),
                false => {
                    let (outer, outer_start) = self.random.one_of(&self.counters).clone();
                    format!(
                        "(i32.add (local.get {outer}) (i32.const {}))",
                        start.wrapping_sub(outer_start) as i32
                    )
                }
            };
            self.say(&format!("(local.set {name} {from})"));
            self.counters.push((name, start));
            let small = [1, 1, 1, 2, 3, 4, 8, 12, 16, 64, 1000, 0x10000, i32::MIN];
            let step = *self.random.one_of(&small);
            steps.push(if self.random.below(3) == 0 { step.wrapping_neg() } else { step });
        }
        self.say(&format!("(block $after{label} (loop $again{label}"));
        let tested = outer + self.random.below(steps.len());
        let step = steps[tested - outer];
        let early = self.random.below(3) == 0;
        if early {
            let test = self.test(tested, step, 0);
            self.say(&format!("(br_if $after{label} (i32.eqz {test}))"));
        }
        self.say(
            "(br_if $out (i32.eqz (local.get $turns)))
            (local.set $turns (i32.sub (local.get $turns) (i32.const 1)))",
        );
        for _ in 0..self.random.below(4) {
            self.access();
        }
        if depth > 1 {
            self.nest(depth - 1);
        }
        for _ in 0..self.random.below(3) {
            self.access();
        }
        let old = !early && self.random.below(3) == 0;
        let test = if old { self.test(tested, step, 0) } else { self.test(tested, step, 1) };
        if old {
            self.say(&format!("(local.set $at {test})"));
        }
        for (index, &step) in steps.iter().enumerate() {
            let (name, _) = &self.counters[outer + index];
            let next =
                format!("(local.set {name} (i32.add (local.get {name}) (i32.const {step})))");
            self.say(&next);
        }
        let again = match (early, old) {
            (true, _) => format!("(br $again{label})"),
            (_, true) => format!("(br_if $again{label} (local.get $at))"),
            _ => format!("(br_if $again{label} {test})"),
        };
        self.say(&again);
        self.say("))");
        self.counters.truncate(outer + self.random.below(steps.len() + 1));
    }

    /// Whether a counter is still on this side of a number that it reaches, jumps over, or never sees.
    fn test(&mut self, counter: usize, step: i32, ahead: u32) -> String {
        let (name, start) = self.counters[counter].clone();
        let turns = self.random.below(40) as u32 + ahead;
        let off = [0, 0, 0, 1, 2, u32::MAX][self.random.below(6)];
        let limit = start.wrapping_add((step as u32).wrapping_mul(turns)).wrapping_add(off) as i32;
        let (counter, limit) = (format!("(local.get {name})"), format!("(i32.const {limit})"));
        let conditions =
            ["ne", "ne", "lt_u", "lt_s", "le_u", "le_s", "gt_u", "gt_s", "ge_u", "ge_s"];
        let condition = self.random.one_of(&conditions);
        match self.random.below(8) {
            0 => counter,
            1 => format!("(i32.{condition} {limit} {counter})"),
            _ => format!("(i32.{condition} {counter} {limit})"),
        }
    }

    /// A number near to where something wraps around, or small.
    fn edge(&mut self) -> u32 {
        let near = [0, 0, 0, 1 << 31, 1 << 16, BYTES];
        near[self.random.below(near.len())]
            .wrapping_add(self.random.below(120) as u32)
            .wrapping_sub(60)
    }

    /// Loads from, or stores to, a sum of counters and other things. In the first turns it mostly lies in the memory, or is about to
    /// wrap around.
    fn access(&mut self) {
        let mut at = 0_u32;
        let mut parts = Vec::new();
        for _ in 0..1 + self.random.below(3) {
            match self.random.below(6) {
                0 => {
                    let mask = *self.random.one_of(&[7, 255, 0xfff8]);
                    parts.push(format!(
                        "(i32.and (i32.wrap_i64 (local.get $any)) (i32.const {mask}))"
                    ));
                }
                1 => {
                    let from = self.random.below(64);
                    parts.push(format!("(i32.load8_u (i32.const {from}))"));
                }
                _ => {
                    let (name, start) = self.random.one_of(&self.counters).clone();
                    let shift = *self.random.one_of(&[0, 0, 1, 2, 3, 5]);
                    at = at.wrapping_add(start << shift);
                    parts.push(match shift {
                        0 => format!("(local.get {name})"),
                        by => format!("(i32.shl (local.get {name}) (i32.const {by}))"),
                    });
                }
            }
        }
        let offset = *self.random.one_of(&[0, 0, 8, 100, 60000]);
        // One that is entered only by sums in the memory may have wrapped around on its way.
        let guarded = self.random.below(2) == 0;
        let wanted = match self.random.below(8) {
            0..4 if guarded => {
                let way =
                    *self.random.one_of(&[1, 4, 8, 64, 1000]) * (1 + self.random.below(40) as u32);
                if self.random.below(2) == 0 { way } else { way.wrapping_neg() }
            }
            0 => self.edge(),
            _ => self.random.below(BYTES as usize - offset) as u32,
        };
        parts.push(format!("(i32.const {})", wanted.wrapping_sub(at) as i32));
        let sum = parts.into_iter().reduce(|sum, part| match self.random.below(2) {
            0 => format!("(i32.add {part} {sum})"),
            _ => format!("(i32.add {sum} {part})"),
        });
        let sum = sum.expect("there is a constant");
        let access = match self.random.below(3) {
            0 => format!("(i32.store8 offset={offset} {sum} (i32.wrap_i64 (local.get $sum)))"),
            _ => format!(
                "(local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31)) (i64.load8_u offset={offset} {sum})))"
            ),
        };
        match guarded {
            true => self.say(&format!("(if (i32.lt_u {sum} (i32.const 60000)) (then {access}))")),
            false => self.say(&access),
        }
    }
}

/// Loads and stores beside and across each other, behind and in front of two addresses, which may be anywhere.
fn row(random: &mut Random) -> String {
    let mut text = String::from(
        "(param $any i64) (param $other i64) (result i64) (local $p i32) (local $q i32) (local $sum i64)",
    );
    for (pointer, from) in [("$p", "$any"), ("$q", "$other")] {
        let near = *random.one_of(&[
            1 << 15,
            1 << 15,
            1 << 15,
            1 << 15,
            0,
            BYTES,
            0_u32.wrapping_sub(1 << 16),
        ]);
        let near = near.wrapping_add(random.below(80) as u32).wrapping_sub(40) as i32;
        let mask = *random.one_of(&[0, 31, 31, 255, 255, -1]);
        writeln!(
            text,
            "(local.set {pointer} (i32.add (i32.and (i32.wrap_i64 (local.get {from})) (i32.const {mask})) (i32.const {near})))"
        )
        .expect("a string");
    }
    for _ in 0..16 {
        let pointer = *random.one_of(&["$p", "$p", "$q"]);
        let near = [0, 0, 0, 1, 4, 8, 8, 12, 16, 24, -4, -8];
        let distance = match random.below(24) {
            0 => *random.one_of(&[65528, 65536, i32::MIN]),
            _ => *random.one_of(&near),
        };
        let address = match distance {
            0 => format!("(local.get {pointer})"),
            by => format!("(i32.add (local.get {pointer}) (i32.const {by}))"),
        };
        let offset = *random.one_of(&[0, 0, 4, 8, 16, 60000]);
        let (ty, width) = *random.one_of(&[
            ("i64", ""),
            ("i64", ""),
            ("i32", ""),
            ("i64", "8"),
            ("i64", "16"),
            ("i64", "32"),
        ]);
        let line = match random.below(2) {
            0 => {
                let value = "(i64.add (i64.mul (local.get $sum) (i64.const 31)) (local.get $any))";
                let value =
                    if ty == "i32" { format!("(i32.wrap_i64 {value})") } else { value.to_string() };
                format!("({ty}.store{width} offset={offset} {address} {value})")
            }
            _ => {
                let sign = if width.is_empty() { "" } else { random.one_of(&["_u", "_s"]) };
                let value = format!("({ty}.load{width}{sign} offset={offset} {address})");
                let value = if ty == "i32" { format!("(i64.extend_i32_u {value})") } else { value };
                format!(
                    "(local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31)) {value}))"
                )
            }
        };
        writeln!(text, "{line}").expect("a string");
    }
    text + "(local.get $sum)"
}

/// Sums and differences of words, with carries that are right, and such that are not quite.
fn words(random: &mut Random) -> String {
    const WORDS: usize = 6;
    const STEPS: usize = 8;
    let mut text = String::new();
    for word in 0..WORDS {
        write!(text, "(param $w{word} i64)").expect("a string");
    }
    text.push_str("(result i64)");
    for step in 0..STEPS {
        write!(text, "(local $s{step} i64) (local $c{step} i64)").expect("a string");
    }
    let mut values: Vec<String> = (0..WORDS).map(|word| format!("(local.get $w{word})")).collect();
    values.push("(i64.const 1)".to_string());
    values.push("(i64.const -1)".to_string());
    for step in 0..STEPS {
        let [left, right, upper] = [0; 3].map(|_| random.one_of(&values).clone());
        let operator = *random.one_of(&["add", "add", "add", "sub", "mul"]);
        let comparison = *random.one_of(&["lt_u", "lt_u", "lt_u", "lt_s", "le_u"]);
        let sum = format!("(local.get $s{step})");
        let other = random.one_of(&[&left, &right, &upper]).to_string();
        let carry = match (random.below(4), comparison) {
            (0, "lt_u") => format!("(i64.gt_u {other} {sum})"),
            (1, comparison) => format!("(i64.{comparison} {other} {sum})"),
            (_, comparison) => format!("(i64.{comparison} {sum} {other})"),
        };
        let carry = format!("(i64.extend_i32_u {carry})");
        let next = match random.below(4) {
            0 => format!("(i64.sub {upper} {carry})"),
            1 => format!("(i64.add {carry} {upper})"),
            _ => format!("(i64.add {upper} {carry})"),
        };
        writeln!(
            text,
            "(local.set $s{step} (i64.{operator} {left} {right})) (local.set $c{step} {next})"
        )
        .expect("a string");
        values.push(sum);
        values.push(format!("(local.get $c{step})"));
    }
    let all = values.into_iter().reduce(|all, value| {
        format!("(i64.add (i64.mul {all} (i64.const 0x100000001b3)) {value})")
    });
    text.push_str(&all.expect("there are values"));
    text
}
