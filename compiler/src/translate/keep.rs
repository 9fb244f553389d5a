//! What debuggers want to see, kept in the frame.
//!
//! Always true: what is kept is what the operators so far have made of it. If code shall be fast, what would slow it down
//! noticeably is given up, and noted as lost.

use std::collections::{BTreeSet, HashMap};

use cranelift_codegen::ir::{
    Inst, InstBuilder, SourceLoc, StackSlot, StackSlotData, StackSlotKey, StackSlotKind, Type,
    Value,
};
use wasmparser::Operator;

use super::state::{Region, Translator};
use crate::convention::{POINTER, V128};
use crate::error::{Error, Result};
use crate::kept::{Keep, Notes, Slot};
use crate::parse::Body;

/// What is kept in the frame of the function being translated.
pub(super) struct Keeping<'a> {
    keep: &'a Keep,
    /// Whether it keeps also what changes in loops, and code may be slower.
    in_loops: bool,
    /// Whether it keeps the vmctx, without which nothing else is of use.
    vmctx: bool,
    slots: HashMap<Slot, StackSlot>,
    /// The value that was last kept for a place of the operand stack, in straight code.
    operands: HashMap<u32, Value>,
    /// How many instructions were there before the operator being translated.
    instructions: usize,
    notes: Notes,
}

impl<'a> Keeping<'a> {
    /// For a function with so many locals that must keep this, all of it or what does not slow it down.
    ///
    /// # Errors
    /// If the body cannot be decoded.
    pub fn new(
        keep: &'a Keep,
        body: &Body<'_>,
        locals: u32,
        in_loops: bool,
    ) -> Result<Keeping<'a>> {
        let mut keeping = Keeping {
            keep,
            in_loops,
            vmctx: keep.vmctx,
            slots: HashMap::new(),
            operands: HashMap::new(),
            instructions: 0,
            notes: Notes::default(),
        };
        if !in_loops {
            let survey = survey(body)?;
            keeping.afford(&survey, locals);
        }
        Ok(keeping)
    }

    /// Gives up what the function cannot afford.
    fn afford(&mut self, survey: &Survey, locals: u32) {
        let mut rest = survey.operators / OPERATORS_PER_STORE;
        let mut keeps_any = self.keep.base.is_some();
        for local in 0..locals {
            // Without it nothing in memory is found.
            if self.keep.base == Some(local) && !survey.in_loops.contains(&local) {
                continue;
            }
            let stores = 1 + survey.sets.get(&local).copied().unwrap_or(0);
            let is_kept = self.keep.locals.contains(local)
                && !survey.in_loops.contains(&local)
                && stores <= rest;
            if is_kept {
                rest -= stores;
                keeps_any = true;
            } else {
                self.notes.lost.insert(Slot::Local(local));
            }
        }
        self.notes.lost.extend(self.keep.operands.iter().map(|&operand| Slot::Operand(operand)));
        self.vmctx &= keeps_any;
    }
}

/// How many operators a function must have for each store that debuggers alone need, so that it is not noticed. A loop counts
/// as if it were run once, which is often so.
const OPERATORS_PER_STORE: u32 = 40;

/// What a function does to its locals.
#[derive(Default)]
struct Survey {
    /// How many operators there are.
    operators: u32,
    /// How often locals are changed outside of loops.
    sets: HashMap<u32, u32>,
    /// The locals that are changed in loops.
    in_loops: BTreeSet<u32>,
}

fn survey(body: &Body<'_>) -> Result<Survey> {
    let mut survey = Survey::default();
    // Whether each open block is a loop.
    let mut open: Vec<bool> = Vec::new();
    let mut loops = 0;
    let invalid = |error| Error::invalid(&error);
    for operator in body.reader.get_operators_reader().map_err(invalid)? {
        survey.operators += 1;
        match operator.map_err(invalid)? {
            Operator::Loop { .. } => {
                open.push(true);
                loops += 1;
            }
            Operator::Block { .. } | Operator::If { .. } => open.push(false),
            Operator::End => loops -= usize::from(open.pop() == Some(true)),
            Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
                if loops > 0 {
                    survey.in_loops.insert(local_index);
                } else {
                    *survey.sets.entry(local_index).or_default() += 1;
                }
            }
            _ => {}
        }
    }
    Ok(survey)
}

impl Translator<'_, '_> {
    /// Keeps the vmctx, and the first values of locals, before the first operator: as if the declaration of locals, which begins
    /// at that offset, did it.
    pub fn begin_keeping(&mut self, declaration: u32) {
        if self.keeping.as_ref().is_none_or(|keeping| !keeping.vmctx) {
            return;
        }
        let first = self.builder.srcloc();
        self.builder.set_srcloc(SourceLoc::new(declaration));
        self.keep(Slot::Vmctx, POINTER, self.vmctx);
        for index in 0..self.locals.len() as u32 {
            let value = self.builder.use_var(self.locals[index as usize]);
            self.keep_local(index, value);
        }
        // Otherwise those that are overwritten before anybody else can see them would be left out.
        self.builder.ins().sequence_point();
        self.builder.set_srcloc(first);
        if let Some(keeping) = &mut self.keeping {
            keeping.instructions = self.builder.func.dfg.num_insts();
            keeping.notes.effects.push(declaration);
        }
    }

    /// Keeps a local that has changed.
    pub fn keep_local(&mut self, index: u32, value: Value) {
        let slot = Slot::Local(index);
        let Some(keeping) = &self.keeping else { return };
        let is_kept = keeping.vmctx && keeping.keep.locals.contains(index);
        if !is_kept || keeping.notes.lost.contains(&slot) {
            return;
        }
        let ty = self.builder.func.dfg.value_type(value);
        if ty.is_vector() && !keeping.in_loops {
            // Whether the store is left out cannot be told from what prepares the value.
            return self.lose(slot);
        }
        self.keep(slot, ty, value);
    }

    /// Gives something up.
    fn lose(&mut self, slot: Slot) {
        if let Some(keeping) = &mut self.keeping {
            keeping.notes.lost.insert(slot);
        }
    }

    /// Notes what an operator has changed, after it was translated.
    pub fn note_effects(&mut self, operator: &Operator<'_>) {
        let Some(keeping) = &mut self.keeping else { return };
        let dfg = &self.builder.func.dfg;
        let instructions = keeping.instructions..dfg.num_insts();
        keeping.instructions = dfg.num_insts();
        let mut opcodes =
            instructions.map(|number| dfg.insts[Inst::from_u32(number as u32)].opcode());
        if opcodes.any(|opcode| opcode.can_store() || opcode.is_call()) {
            keeping.notes.effects.push(self.builder.srcloc().bits());
        }
        if keeping.keep.operands.is_empty() {
            return;
        }
        if is_control(operator) {
            keeping.operands.clear();
        }
        let reachable = if self.reachable { self.stack.len() } else { 0 };
        let wanted = keeping.keep.operands.range(..reachable as u32).copied();
        let wanted: Vec<u32> = wanted.collect();
        for operand in wanted {
            self.keep_operand(operand);
        }
    }

    fn keep_operand(&mut self, operand: u32) {
        let slot = Slot::Operand(operand);
        let value = self.stack[operand as usize];
        let ty = self.builder.func.dfg.value_type(value);
        let Some(keeping) = &mut self.keeping else { return };
        // The lanes of vectors may be any.
        if ty.is_vector() {
            keeping.notes.lost.insert(slot);
        }
        if keeping.notes.lost.contains(&slot)
            || keeping.operands.insert(operand, value) == Some(value)
        {
            return;
        }
        self.keep(slot, ty, value);
    }

    fn keep(&mut self, slot: Slot, ty: Type, value: Value) {
        let flags = self.trusted(Region::Kept);
        let Some(keeping) = &mut self.keeping else { return };
        let builder = &mut self.builder;
        let place = *keeping.slots.entry(slot).or_insert_with(|| {
            // A place of the operand stack may have values of any type, one after the other.
            let bytes = if ty == V128 { 16 } else { 8 };
            builder.create_sized_stack_slot(StackSlotData::new_with_key(
                StackSlotKind::ExplicitSlot,
                bytes,
                bytes.ilog2() as u8,
                StackSlotKey::new(slot.key()),
            ))
        });
        let address = self.builder.ins().stack_addr(POINTER, place, 0);
        self.builder.ins().store(flags, value, address, 0);
        if slot != Slot::Vmctx {
            keeping.notes.stores.push((slot, self.builder.srcloc().bits()));
        }
    }

    /// What was noted, at the end of the function.
    pub fn take_notes(&mut self) -> Option<Notes> {
        self.keeping.take().map(|keeping| keeping.notes)
    }
}

fn is_control(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::Else
            | Operator::End
    )
}
