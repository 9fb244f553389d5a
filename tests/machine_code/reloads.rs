//! Whether what is not loaded from the frame again is in a register, and what is not stored is not missed: real programs, and
//! vectors for several processors, are compiled with and without, and both are followed instruction by instruction.
//!
//! What is in a register or in the frame is a number that stands for it, which is another one after each change. All registers must
//! hold the same at all times, and the frame where it is read, and before anything goes elsewhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use wootz_compiler::Optimisation;

use super::reading::{
    Library, Reader, Shown, address, disassembler, distance, number, options, real_programs,
    register, small_modules,
};

/// What was found.
#[derive(Clone, Default, Debug)]
struct Counts {
    functions: usize,
    left_out_loads: usize,
    other_registers: usize,
    left_out_stores: usize,
}

/// The instructions of a function, where they are; and where others lead to.
struct Listing {
    instructions: Vec<(u64, Shown)>,
    targets: BTreeSet<u64>,
}

impl Listing {
    fn of(mut reader: Reader<'_>) -> Listing {
        let mut listing = Listing { instructions: Vec::new(), targets: BTreeSet::new() };
        let (mut pool, mut table) = (reader.end(), None);
        while reader.at < pool {
            let to_pool = &reader.rest()[..(pool - reader.at) as usize];
            if to_pool.len() < 16 && to_pool.iter().all(|byte| *byte == 0) {
                break;
            }
            let at = reader.at;
            let shown = reader.next();
            let beside =
                address(&shown.operands).and_then(|(_, address, _)| distance(address, "rip"));
            if let Some(distance) = beside {
                let place = reader.at.wrapping_add_signed(distance);
                if shown.name == "lea" && reader.is_behind_jump(place) {
                    table = Some((place, listing.last_bound()));
                } else if shown.name == "lea" {
                    listing.targets.insert(place);
                } else if (reader.start..reader.end()).contains(&place) {
                    pool = pool.min(place);
                }
            }
            if shown.name.starts_with('j')
                && let Some(target) = number(&shown.operands)
            {
                listing.targets.insert(target as u64);
            }
            listing.instructions.push((at, shown));
            if let Some((start, bound)) = table.filter(|&(start, _)| start == reader.at) {
                for _ in 0..=bound {
                    let distance = reader.word(reader.at);
                    listing.targets.insert(start.wrapping_add_signed(distance.into()));
                    reader.at += 4;
                }
            }
        }
        listing
    }

    /// The number that was compared last to take it instead of what is greater: how many places a table has but for the last one.
    fn last_bound(&self) -> i64 {
        let mut before =
            self.instructions.iter().rev().map(|(_, it)| (&*it.name, it.operands.split_once(", ")));
        let bound =
            before.find_map(|(name, operands)| Some(operands?.0).filter(|_| name == "cmovb"));
        let bound = bound.expect("there is one in front of a table");
        let made = before.find_map(|(name, operands)| {
            Some(operands?).filter(|(to, _)| name == "mov" && *to == bound)
        });
        number(made.expect("it is made").1).expect("it is a number")
    }
}

/// What is in registers, and in the frame with and without, so far from the stack pointer; as numbers that stand for it.
#[derive(Clone, Debug)]
struct Numbers {
    next: u32,
    registers: [u32; 16],
    frames: [BTreeMap<i64, u32>; 2],
}

impl Numbers {
    fn new() -> Numbers {
        let mut numbers = Numbers { next: 0, registers: [0; 16], frames: Default::default() };
        numbers.change(u16::MAX);
        numbers
    }

    fn fresh(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn change(&mut self, registers: u16) {
        for register in (0..16).filter(|register| registers >> register & 1 != 0) {
            self.registers[register] = self.fresh();
        }
    }

    /// What is in the frame. What was there before is the same in both.
    fn slot(&mut self, slot: i64) -> [u32; 2] {
        let before = self.fresh();
        [0, 1].map(|side| *self.frames[side].entry(slot).or_insert(before))
    }

    /// Whether all in the frame from here to there is the same.
    fn are_same(&self, from: i64, to: i64) -> bool {
        let [old, new] = &self.frames;
        old.range(from..to).all(|(slot, number)| new[slot] == *number)
    }

    fn forget(&mut self) {
        self.frames = Default::default();
        self.change(u16::MAX);
    }
}

/// A number of 64 bits that goes from the frame to a register, or back: both.
fn moved(shown: &Shown) -> Option<(bool, u8, i64)> {
    let (front, address, behind) = address(&shown.operands)?;
    let slot = distance(address, "rsp")?;
    let is_wide = shown.name == "mov" && shown.operands.contains("qword ptr");
    match (front.split_once(','), behind.strip_prefix(", ")) {
        (Some((loaded, _)), None) if is_wide => Some((true, register(loaded)?, slot)),
        (None, Some(stored)) if is_wide => Some((false, register(stored)?, slot)),
        _ => None,
    }
}

/// How many bytes of memory an instruction reads or writes.
fn bytes(operands: &str) -> i64 {
    let sizes = [("xmmword", 16), ("qword", 8), ("dword", 4), ("byte", 1), ("word", 2)];
    sizes.iter().find(|(name, _)| operands.contains(name)).map_or(0, |(_, bytes)| *bytes)
}

/// How far a function was followed, with and without.
#[derive(Clone)]
struct Follower {
    /// How many instructions have been followed.
    done: [usize; 2],
    numbers: Numbers,
    counts: Counts,
    /// Where a branch goes on that went over a jump and now goes where that goes: behind the jump, which is not there.
    without_jump: Option<u64>,
    /// Where each instruction has gone.
    gone: HashMap<u64, u64>,
    /// Where both lead to.
    lead: Vec<(u64, u64)>,
}

/// What becomes of a number that is moved.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Becomes {
    TheSame,
    Nothing,
    ACopy,
}

impl Follower {
    /// Follows an instruction. What else may have become of it is added to the choices.
    fn step(
        &mut self,
        old: &Listing,
        new: &Listing,
        choices: &mut Vec<Follower>,
    ) -> Result<(), String> {
        let (at, shown) = &old.instructions[self.done[0]];
        self.done[0] += 1;
        if old.targets.contains(at) {
            self.expect(
                self.numbers.are_same(i64::MIN, i64::MAX),
                "the frame",
                (*at, shown),
                None,
            )?;
            self.numbers.forget();
        }
        let other = new.instructions.get(self.done[1]);
        self.gone.insert(*at, other.map_or(0, |(at, _)| *at));
        let Some(moved) = moved(shown) else {
            self.other(at, shown, old, other)?;
            choices.clear();
            return Ok(());
        };
        let other = other.map(|(_, other)| other);
        let (is_load, register, slot) = moved;
        let [was, is] = self.numbers.slot(slot);
        let holds = |register: u8| self.numbers.registers[usize::from(register)];
        let is_copy = |it: &Shown| {
            let copied = it
                .operands
                .split_once(", ")
                .and_then(|(to, from)| Some((self::register(to)?, self::register(from)?)));
            let is_whole =
                it.name == "mov" && it.operands.starts_with('r') && it.changes == 1 << register;
            is_whole && copied.is_some_and(|(to, from)| to == register && holds(from) == was)
        };
        let may_become = |becomes: &Becomes| match becomes {
            Becomes::Nothing => !is_load || holds(register) == was,
            Becomes::TheSame => {
                let is_there = other
                    .is_some_and(|it| (&it.name, &it.operands) == (&shown.name, &shown.operands));
                is_there && self.without_jump.is_none() && (!is_load || was == is)
            }
            Becomes::ACopy => is_load && self.without_jump.is_none() && other.is_some_and(is_copy),
        };
        let becomes = [Becomes::TheSame, Becomes::ACopy, Becomes::Nothing];
        let mut becomes = becomes.into_iter().filter(may_become).collect::<Vec<_>>().into_iter();
        let first = becomes.next();
        for another in becomes {
            let mut follower = self.clone();
            follower.follow(moved, another);
            choices.push(follower);
        }
        self.expect(first.is_some(), "it", (*at, shown), other)?;
        self.follow(moved, first.expect("it was asked for"));
        Ok(())
    }

    fn follow(&mut self, (is_load, register, slot): (bool, u8, i64), becomes: Becomes) {
        let register = usize::from(register);
        let [was, _] = self.numbers.slot(slot);
        match is_load {
            true => self.numbers.registers[register] = was,
            false => {
                let stored = self.numbers.registers[register];
                let sides = if becomes == Becomes::Nothing { 1 } else { 2 };
                for frame in &mut self.numbers.frames[..sides] {
                    frame.retain(|it, _| (it - slot).abs() >= 8);
                    frame.insert(slot, stored);
                }
            }
        }
        self.done[1] += usize::from(becomes != Becomes::Nothing);
        self.counts.left_out_loads += usize::from(is_load && becomes == Becomes::Nothing);
        self.counts.left_out_stores += usize::from(!is_load && becomes == Becomes::Nothing);
        self.counts.other_registers += usize::from(becomes == Becomes::ACopy);
    }

    /// Follows an instruction that moves nothing from or to the frame.
    fn other(
        &mut self,
        at: &u64,
        shown: &Shown,
        old: &Listing,
        other: Option<&(u64, Shown)>,
    ) -> Result<(), String> {
        let place = (*at, shown);
        let target = |it: &Shown| number(&it.operands).map(|target| target as u64);
        let goes_elsewhere = shown.name.starts_with('j') || shown.name == "call";
        let is_inside =
            |target: u64| old.instructions.binary_search_by_key(&target, |(at, _)| *at).is_ok();
        if let Some(behind) = self.without_jump.take() {
            self.expect(shown.name == "jmp" && at + shown.bytes == behind, "a jump", place, None)?;
            self.lead.last_mut().expect("there is a branch").0 =
                target(shown).expect("it says where");
            self.numbers.forget();
            return Ok(());
        }
        self.done[1] += 1;
        let Some((_, other)) = other else { return Err(format!("{place:?} is gone")) };
        let leads = |it: &Shown| goes_elsewhere || it.operands.contains("[rip");
        let is_turned = OPPOSITES.iter().any(|&(first, second)| {
            (&*shown.name, &*other.name) == (first, second)
                || (&*other.name, &*shown.name) == (first, second)
        });
        let is_same = other.name == shown.name
            && (other.operands == shown.operands || leads(shown) && leads(other));
        self.expect(is_turned || is_same, "it", place, Some(other))?;
        if is_turned {
            self.without_jump = target(shown);
        }
        let is_left = goes_elsewhere && target(shown).is_none_or(|target| !is_inside(target));
        if goes_elsewhere && !is_left {
            let targets = [shown, other].map(|it| target(it).expect("it is inside"));
            self.lead.push(targets.into());
        }
        let in_frame =
            address(&shown.operands).filter(|(_, address, _)| address.starts_with("rsp"));
        if (goes_elsewhere && !(is_left && shown.name == "jmp")) || in_frame.is_some() {
            self.expect(self.numbers.are_same(i64::MIN, i64::MAX), "the frame", place, None)?;
        }
        if let Some((_, address, _)) = in_frame {
            let slot = distance(address, "rsp").expect("there is no index");
            let written = slot - 7..slot + bytes(&shown.operands);
            for frame in &mut self.numbers.frames {
                frame.retain(|slot, _| !written.contains(slot));
            }
        }
        if shown.name == "call" {
            self.numbers.frames = Default::default();
        }
        self.numbers.change(if shown.name == "call" { u16::MAX } else { shown.changes });
        if matches!(&*shown.name, "jmp" | "ret" | "ud2") {
            self.numbers.forget();
        }
        Ok(())
    }

    fn expect(
        &self,
        is_so: bool,
        what: &str,
        old: (u64, &Shown),
        new: Option<&Shown>,
    ) -> Result<(), String> {
        let message =
            || format!("{what} is not the same: {old:x?} and {new:?}, {:?}", self.numbers);
        is_so.then_some(()).ok_or_else(message)
    }
}

/// Pairs of branches of which each goes where the other does not.
const OPPOSITES: [(&str, &str); 8] = [
    ("je", "jne"),
    ("jb", "jae"),
    ("ja", "jbe"),
    ("jl", "jge"),
    ("jg", "jle"),
    ("js", "jns"),
    ("jp", "jnp"),
    ("jo", "jno"),
];

/// Follows a function, and counts what is in it.
fn compare(old: Reader<'_>, new: Reader<'_>, counts: &mut Counts) {
    let [old, new] = [old, new].map(Listing::of);
    // Whoever has an address may look at any time.
    let gives_address = |(_, it): &(u64, Shown)| it.name == "lea" && it.operands.contains("[rsp");
    if old.instructions.iter().any(gives_address) {
        assert_eq!(old.instructions.len(), new.instructions.len());
    }
    counts.functions += 1;
    let mut choices = Vec::new();
    let mut follower = Follower {
        done: [0, 0],
        numbers: Numbers::new(),
        counts: std::mem::take(counts),
        without_jump: None,
        gone: HashMap::new(),
        lead: Vec::new(),
    };
    while follower.done[0] < old.instructions.len() {
        if let Err(message) = follower.step(&old, &new, &mut choices) {
            follower = choices.pop().unwrap_or_else(|| panic!("{message}"));
        }
    }
    assert_eq!(follower.done[1], new.instructions.len(), "nothing else is there");
    for (was, is) in follower.lead {
        assert_eq!(follower.gone[&was], is, "what was at {was:#x}");
    }
    *counts = follower.counts;
}

/// Compares what becomes of a module.
fn check(wasm: &[u8], cpu: &str, counts: &mut Counts) {
    let both = [Optimisation::ShortCode, Optimisation::AlignedLoops];
    let without = [&both[..], &[Optimisation::Reloads]].concat();
    let compiled = |skipped: &[Optimisation]| Library::compiled(wasm, &options(cpu, skipped));
    let [old, new] = [&without[..], &both].map(compiled);
    let disassembler = disassembler();
    for name in old.functions(&new) {
        let readers = [&old, &new].map(|library| Reader::new(&disassembler, library, name));
        let [old, new] = readers;
        compare(old, new, counts);
    }
}

#[test]
fn frames_of_small_modules_hold_the_same() {
    let mut counts = Counts::default();
    for cpu in ["x86-64-v2", "x86-64-v4"] {
        for (path, wasm) in small_modules() {
            eprintln!("{} for {cpu}", path.display());
            check(&wasm, cpu, &mut counts);
        }
    }
    assert!(counts.functions > 500 && counts.left_out_loads > 10, "{counts:?}");
}

#[test]
fn frames_of_real_programs_hold_the_same() {
    for (path, wasm) in real_programs("what is loaded again") {
        let mut counts = Counts::default();
        eprintln!("{}", path.display());
        check(&wasm, "x86-64-v3", &mut counts);
        let Counts { left_out_loads, other_registers, left_out_stores, .. } = counts;
        assert!(
            left_out_loads > 400 && other_registers > 500 && left_out_stores > 100,
            "{counts:?}"
        );
    }
}
