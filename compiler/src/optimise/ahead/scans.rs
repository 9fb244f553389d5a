//! Loops that look for something in memory.
//!
//! In: a turn of a loop. Out: the loop, with blocks beside it that look at sixteen bytes at a time.
//!
//! ```text
//!   before ──► turn ──► found, or at the end
//!               ▲ │
//!               └─┘
//! ```
//!
//! becomes this, if all that a turn does is to load what follows on what the last one has loaded, and to compare:
//!
//! ```text
//!   before ──► turn ───────────────────────────────────► found, or at the end
//!              ▲ ▲ │ goes on
//!              │ │ ▼
//!              │ ├─ would the next turn?
//!              │ │ │ yes
//!              │ │ ▼
//!              │ └─ is it near the end of a page? ◄──────┐
//!              │   │ no                                  │ sixteen bytes on
//!              │   ▼                                     │
//!              └─ is it in the next sixteen bytes? ──────┘
//! ```
//!
//! What is found by vectors is found again by the turn that finds it, so all that leaves the loop does so as before. Two turns are made,
//! or looked at, before vectors are, as many loops end with one of them. The second one leaves the loop by itself if the branch out
//! of it passes on all that is used behind it.
//!
//! Always true: no turn is left out that would have left the loop or trapped.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Function, InstBuilder, Opcode, Type, Value, types};

use super::lanes::{Kind, Lanes, Reader, lane};
use super::turn::{Access, MOST_DEPTH, Outline, Question, Turn};
use super::way::Way;
use crate::optimise::turns::{Turns, number};

/// How many bytes are looked at at once.
const BYTES: i64 = 16;

/// A loop as above.
pub struct Scan {
    loads: Vec<Access>,
    /// Bytes that each of them loads.
    width: i64,
    /// What a turn asks, and whether it may leave the loop from elsewhere.
    questions: Vec<(Question, bool)>,
    /// What ends the loop.
    ends: Vec<End>,
    /// What counts turns, if anything does.
    turns: Option<Turns>,
    /// Whether something is loaded behind the question whether all turns are made.
    counts_first: bool,
}

/// What is found where lanes are so, or where they are not.
struct End {
    lanes: Lanes,
    if_not: bool,
}

impl Scan {
    /// What the turns look for, if they do.
    pub fn of(turn: &Turn<'_>) -> Option<Scan> {
        let width = turn.accesses.first()?.bytes;
        let are_alike = turn.accesses.iter().all(|access| {
            let is_number = match access.opcode {
                Opcode::Uload8 | Opcode::Sload8 | Opcode::Uload16 | Opcode::Sload16 => true,
                Opcode::Load => {
                    turn.func.dfg.value_type(turn.func.dfg.first_result(access.inst)) == types::I32
                }
                _ => false,
            };
            is_number && access.bytes == width && access.step == width
        });
        if !are_alike {
            return None;
        }
        let reader = Reader { turn, width };
        let (mut ends, mut turns) = (Vec::new(), None);
        // Up to where all is loaded, for the first time.
        let place = |access: &Access| (access.address, access.offset);
        let is_new = |&(index, access): &(usize, &Access)| {
            !turn.accesses[..index].iter().any(|other| place(other) == place(access))
        };
        let new = turn.accesses.iter().enumerate().filter(is_new);
        let last_load = new.map(|(_, access)| access.position).max()?;
        let mut counts_first = false;
        for question in &turn.questions {
            let is_before_load = question.position < last_load;
            let if_not = question.if_not_zero;
            match reader.lanes(question.value, MOST_DEPTH) {
                // What is loaded behind an end may not be there.
                Some((_, kind)) if is_before_load && kind != Kind::Known => return None,
                Some((lanes, Kind::Mask)) => ends.push(End { lanes, if_not }),
                Some((lanes, kind)) if kind != Kind::Known => {
                    let zero = Box::new([lanes, Lanes::Number(0)]);
                    let lanes = Lanes::Compared(IntCC::Equal, zero);
                    ends.push(End { lanes, if_not: !if_not });
                }
                _ if turns.is_none() => {
                    turns = Some(turn.turns(question)?);
                    counts_first = is_before_load;
                }
                _ => return None,
            }
        }
        if ends.is_empty() {
            return None;
        }
        let questions = turn.questions.iter();
        let questions = questions.map(|it| (*it, turn.passes_all_on(it))).collect();
        let loads = turn.accesses.clone();
        Some(Scan { loads, width, questions, ends, turns, counts_first })
    }

    /// Has the loop look at sixteen bytes at a time.
    pub fn look_ahead(self, func: &mut Function, outline: &Outline) {
        let way = &mut Way::new(func, outline, true);
        let header = outline.header;
        let all = self.number_of_turns();
        let ty = self.vector();
        let (tries, trying) = way.block_with_params();
        let (enters, entering) = way.block_with_params();
        let (asks, given) = way.block_with_params();
        let [looks, lasts, skips, lands] = [(); 4].map(|()| way.block());
        way.lead_back(tries);

        // Does the next turn leave the loop?
        way.fill(tries, &trying);
        let last = outline.chain.len() - 1;
        for position in 0..=last {
            for load in self.loads.iter().filter(|load| load.position == position) {
                way.access(load);
            }
            for (question, may_leave) in
                self.questions.iter().filter(|it| it.0.position == position)
            {
                let goes_on = way.now(question.value);
                let next = way.block();
                let (exit, passed) = match may_leave {
                    true => way.exit(question.exit),
                    false => (header, trying.clone()),
                };
                match question.if_not_zero {
                    true => way.branch_with(goes_on, (next, &[]), (exit, &passed)),
                    false => way.branch_with(goes_on, (exit, &passed), (next, &[])),
                }
                way.go_on(next);
            }
        }
        let later = way.later(&trying, 1);
        way.jump(enters, &later);

        // What is the same in all turns.
        way.fill(enters, &entering);
        let mut same = Vec::new();
        for end in &self.ends {
            end.lanes.prepare(&mut way.cursor, ty, &mut same);
        }
        way.jump(asks, &entering);

        // Is it in one page?
        let given = way.fill_and_ask(asks, &given);
        let mut places: Vec<(Value, i64)> = Vec::new();
        for load in &self.loads {
            let place = (way.now(load.address), load.offset.into());
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let mut is_able = way.are_in_pages(&places, BYTES);
        let left = self.turns.as_ref().map(|turns| {
            let cursor = &mut way.cursor;
            let (left, are_counted) = turns.count_on(cursor, given[turns.counter]);
            let is_left = self.counts_first.then(|| {
                let zero = number(cursor, types::I64, 0);
                cursor.ins().icmp(IntCC::NotEqual, left, zero)
            });
            for is_so in [are_counted, is_left].into_iter().flatten() {
                is_able = cursor.ins().band(is_able, is_so);
            }
            left
        });
        way.branch(is_able, looks, header, &given);

        // Is it there?
        way.go_on(looks);
        let mut loaded = Vec::new();
        for load in &self.loads {
            let address = way.now(load.address);
            loaded.push(way.at(load.inst).ins().load(ty, load.flags, address, load.offset));
        }
        way.at_end();
        let found = self.found(way, &loaded, same);
        way.branch(found, lands, lasts, &[]);
        way.go_on(lasts);
        match left {
            Some(left) => {
                let all = number(&mut way.cursor, types::I64, all);
                let lasts = way.cursor.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, left, all);
                way.branch(lasts, skips, lands, &[]);
            }
            None => way.jump(skips, &[]),
        }

        // No: all turns at once.
        way.go_on(skips);
        let later = way.later(&given, all);
        way.jump(asks, &later);

        // Yes: the turns before that one.
        way.go_on(lands);
        let cursor = &mut way.cursor;
        let before = match left {
            Some(left) => {
                let beyond = number(cursor, types::I32, 1 << all);
                let found = cursor.ins().bor(found, beyond);
                let before = cursor.ins().ctz(found);
                let left = cursor.ins().ireduce(types::I32, left);
                cursor.ins().umin(before, left)
            }
            None => cursor.ins().ctz(found),
        };
        let wide = cursor.ins().uextend(types::I64, before);
        let steps = given.iter().zip(&outline.steps);
        let landed: Vec<Value> = steps
            .map(|(&value, &step)| {
                let ty = cursor.func.dfg.value_type(value);
                let turns = if ty == types::I32 { before } else { wide };
                match step {
                    0 => value,
                    1 => cursor.ins().iadd(value, turns),
                    -1 => cursor.ins().isub(value, turns),
                    _ => {
                        let step = number(cursor, ty, step);
                        let way = cursor.ins().imul(turns, step);
                        cursor.ins().iadd(value, way)
                    }
                }
            })
            .collect();
        way.jump(header, &landed);
    }

    /// How many turns load sixteen bytes.
    fn number_of_turns(&self) -> i64 {
        BYTES / self.width
    }

    fn vector(&self) -> Type {
        lane(self.width).by(self.number_of_turns() as u32).expect("vectors have sixteen bytes")
    }

    /// A bit for each turn that leaves the loop, the lowest for the first one.
    fn found(&self, way: &mut Way<'_, '_>, loaded: &[Value], same: Vec<Value>) -> Value {
        let cursor = &mut way.cursor;
        // All that are not, together, are one question less.
        let are_negated = self.ends.iter().all(|end| end.if_not);
        let mut same = same.into_iter();
        let mut all = None;
        for End { lanes, if_not } in &self.ends {
            let mut mask = lanes.emit(cursor, loaded, &mut same);
            if *if_not && !are_negated {
                mask = cursor.ins().bnot(mask);
            }
            all = Some(match all {
                None => mask,
                Some(others) if are_negated => cursor.ins().band(others, mask),
                Some(others) => cursor.ins().bor(others, mask),
            });
        }
        let bits = cursor.ins().vhigh_bits(types::I32, all.expect("a scan has an end"));
        if !are_negated {
            return bits;
        }
        let ones = number(cursor, types::I32, (1 << self.number_of_turns()) - 1);
        cursor.ins().bxor(bits, ones)
    }
}
