//! Loops that copy or fill memory.
//!
//! In: a turn of a loop. Out: the loop, with blocks beside it that make as many turns at once as there are in a few vectors.
//!
//! ```text
//!   before ──► turn ──► behind
//!               ▲ │
//!               └─┘
//! ```
//!
//! becomes this, if all that a turn does is to store what it has loaded, or the same as all others, behind what the last one has stored:
//!
//! ```text
//!   before ──► are many turns left, and what they load and store apart? ◄─┐
//!                 │ no                             │ yes                  │
//!                 ▼                                ▼                      │
//!               turn ──► behind     is all in one page each?              │
//!                ▲ │                     │ yes             │ no           │
//!                └─┘                     ▼                 ▼              │
//!                                    by vectors       by turns ───────────┤
//!                                        └────────────────────────────────┘
//! ```
//!
//! Always true: what is stored by vectors is what the turns would have stored: one of them, at least, is left for the loop itself, and
//! nothing that is loaded at once was stored by a turn among them.

use cranelift_codegen::cursor::FuncCursor;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Function, Inst, InstBuilder, Type, Value, types};

use super::lanes::{lane, splat};
use super::turn::{Access, MOST_DEPTH, Outline, Turn};
use super::way::Way;
use crate::optimise::loops::constant;
use crate::optimise::turns::{Turns, add, number};

/// How many bytes a turn may access at most.
const MOST_BYTES: i64 = 32;

/// By how much the counter of turns may change with each turn at most, so that it is known what many turns add.
const MOST_STEP: i64 = 1 << 16;

/// A loop as above.
pub struct Copying {
    turns: Turns,
    from: From,
    to: Piece,
    /// By how many bytes one turn is further than the one before.
    step: i64,
    /// What a turn loads and stores.
    accesses: Vec<Access>,
    /// The branch that leads to the loop.
    before: Inst,
}

/// Where what is stored comes from.
enum From {
    Memory(Piece),
    /// Something that is the same in all turns.
    Value(Value, Type),
}

/// What is accessed in a turn: a piece without gaps.
#[derive(Clone, Copy)]
struct Piece {
    /// The access that is made first.
    first: Access,
    /// Where the piece begins: an address, and how far from there.
    address: Value,
    offset: i64,
}

impl Copying {
    /// What the turns copy or fill, if they do.
    pub fn of(turn: &Turn<'_>) -> Option<Copying> {
        let func = turn.func;
        let (mut stores, mut loads): (Vec<Access>, Vec<Access>) =
            turn.accesses.iter().partition(|access| access.opcode.can_store());
        let [question] = &turn.questions[..] else { return None };
        let turns = turn.turns(question).filter(|turns| turns.step.abs() <= MOST_STEP)?;
        let (to, step) = piece(turn, &mut stores)?;
        let values =
            stores.iter().map(|store| func.dfg.resolve_aliases(func.dfg.inst_args(store.inst)[0]));
        let values: Vec<Value> = values.collect();
        let from = if loads.is_empty() {
            let first = values[0];
            let is_first = |value: Value| {
                let number = constant(func, value);
                value == first || number.is_some() && number == constant(func, first)
            };
            let ty = func.dfg.value_type(first);
            let is_able =
                values.iter().all(|&value| is_first(value) && func.dfg.value_type(value) == ty)
                    && stores.iter().all(|store| store.bytes == stores[0].bytes)
                    && turn.is_same(first, MOST_DEPTH)
                    && !ty.is_vector();
            let bytes = stores[0].bytes;
            let is_whole = i64::from(ty.bytes()) == bytes;
            is_able.then(|| From::Value(first, if is_whole { ty } else { lane(bytes) }))?
        } else {
            let (from, load_step) = piece(turn, &mut loads)?;
            let are_copied = loads.len() == stores.len()
                && loads.iter().zip(&stores).zip(&values).all(|((load, store), &value)| {
                    func.dfg.first_result(load.inst) == value && load.bytes == store.bytes
                });
            (are_copied && load_step == step).then_some(From::Memory(from))?
        };
        let accesses = turn.accesses.clone();
        Some(Copying { turns, from, to, step, accesses, before: turn.before })
    }

    /// Has the loop make many turns at once.
    pub fn copy_ahead(mut self, func: &mut Function, outline: &Outline) {
        let way = &mut Way::new(func, outline, false);
        let header = outline.header;
        let (enters, entering) = way.block_with_params();
        let (asks, given) = way.block_with_params();
        let [looks, moves] = [(); 2].map(|()| way.block());
        let (bridges, bridging) = way.block_with_params();
        way.lead_there(self.before, enters);
        let all = self.number_of_turns();
        let bytes = self.bytes();
        let start = self.start();

        // What is the same in all turns.
        way.fill(enters, &entering);
        let filled = match self.from {
            From::Memory(_) => None,
            From::Value(value, lane) => {
                let value = way.now(value);
                let ty = lane.by(16 / lane.bytes()).expect("vectors have sixteen bytes");
                Some(splat(&mut way.cursor, ty, value))
            }
        };
        way.jump(asks, &entering);

        // Are there as many turns, before the last one?
        let given = way.fill_and_ask(asks, &given);
        self.turns.rename_bound(|value| way.now(value));
        let cursor = &mut way.cursor;
        let is_able = self.turns.are_left(cursor, given[self.turns.counter], all);
        way.branch(is_able, looks, header, &given);

        // Is nothing loaded that the same turns have stored, and is all in one page?
        way.go_on(looks);
        let to = way.now(self.to.address);
        let mut places = vec![(to, self.to.offset + start)];
        let from = match self.from {
            From::Memory(piece) => {
                let from = way.now(piece.address);
                places.push((from, piece.offset + start));
                let pages = way.block();
                let is_apart = self.are_apart(&mut way.cursor, (from, &piece), to);
                way.branch(is_apart, pages, header, &given);
                way.go_on(pages);
                Some((piece, from))
            }
            From::Value(..) => None,
        };
        let is_able = way.are_in_pages(&places, bytes);
        let turns = number(&mut way.cursor, types::I32, all);
        let bridged = [&given[..], &[turns]].concat();
        way.branch(is_able, moves, bridges, &bridged);

        // Many turns at once.
        way.go_on(moves);
        let parts: Vec<i64> = (0..bytes / 16).map(|part| start + 16 * part).collect();
        let values: Vec<Value> = parts
            .iter()
            .map(|&part| match (from, filled) {
                (Some((piece, address)), _) => {
                    let offset = (piece.offset + part) as i32;
                    let flags = piece.first.flags;
                    way.at(piece.first.inst).ins().load(types::I8X16, flags, address, offset)
                }
                (None, filled) => filled.expect("it is one or the other"),
            })
            .collect();
        for (part, value) in parts.into_iter().zip(values) {
            let offset = (self.to.offset + part) as i32;
            let store = self.to.first;
            way.at(store.inst).ins().store(store.flags, value, to, offset);
        }
        way.at_end();
        let later = way.later(&given, all);
        way.jump(asks, &later);

        // As many turns, one at a time.
        let turns = way.cursor.func.dfg.append_block_param(bridges, types::I32);
        way.cursor.func.layout.set_cold(bridges);
        way.fill(bridges, &bridging);
        for access in &self.accesses {
            way.access(access);
        }
        let later = way.later(&bridging, 1);
        let turns = add(way.at_end(), turns, -1);
        let again = [&later[..], &[turns]].concat();
        way.branch_with(turns, (bridges, &again), (asks, &later));
    }

    /// Whether nothing is loaded at once that a turn among them has stored. What is stored where it is loaded, or further back, is
    /// loaded first.
    fn are_apart(
        &self,
        cursor: &mut FuncCursor<'_>,
        (from, piece): (Value, &Piece),
        to: Value,
    ) -> Value {
        let (ahead, behind, offset) = match self.step > 0 {
            true => (to, from, self.to.offset - piece.offset),
            false => (from, to, piece.offset - self.to.offset),
        };
        let distance = cursor.ins().isub(ahead, behind);
        let distance = add(cursor, distance, offset - 1);
        let least = number(cursor, types::I64, self.bytes() - 1);
        cursor.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, distance, least)
    }

    /// How many bytes are accessed at once: the more, the more a turn does.
    fn bytes(&self) -> i64 {
        match self.step.abs() {
            1 | 2 => 16,
            4 | 8 => 32,
            _ => 64,
        }
    }

    fn number_of_turns(&self) -> i64 {
        self.bytes() / self.step.abs()
    }

    /// Where all that is accessed at once begins, from where the first turn begins.
    fn start(&self) -> i64 {
        if self.step > 0 { 0 } else { self.step.abs() - self.bytes() }
    }
}

/// The piece that accesses access together, and by how much it is further in the next turn. Puts them in the order of their addresses.
fn piece(turn: &Turn<'_>, accesses: &mut [Access]) -> Option<(Piece, i64)> {
    let first = *accesses.first()?;
    // Either the accesses add something to an address, or the addresses to a number. What wraps around there wraps around where a
    // page ends, if nothing is added to it.
    let is_one_address = accesses.iter().all(|access| access.address == first.address);
    let parts = |access: &Access| match is_one_address {
        true => Some((access.address, i64::from(access.offset))),
        false => turn.index(access.address).filter(|_| access.offset == 0),
    };
    let (of, _) = parts(&first)?;
    let place = |access: &Access| parts(access).filter(|&(it, _)| it == of).map(|(_, place)| place);
    accesses.iter().all(|access| place(access).is_some()).then_some(())?;
    accesses.sort_by_key(|access| place(access));
    let start = place(&accesses[0])?;
    let mut end = start;
    for access in accesses.iter() {
        let is_next =
            place(access) == Some(end) && (access.flags, access.step) == (first.flags, first.step);
        is_next.then_some(())?;
        end += access.bytes;
    }
    let bytes = end - start;
    let Access { address, offset, .. } = accesses[0];
    let is_able = bytes <= MOST_BYTES
        && bytes.unsigned_abs().is_power_of_two()
        && first.step.abs() == bytes
        && (0..i32::MAX - 64).contains(&offset)
        // A number that goes down wraps around at 0, and with something added to it that may be in the middle of a page.
        && (first.step > 0 || offset == 0);
    is_able.then_some((Piece { first, address, offset: offset.into() }, first.step))
}
