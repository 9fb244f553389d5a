//! Code beside a loop, which makes many turns at once.
//!
//! In: the outline of a loop. Out: blocks with parameters as its first block has them, and what a turn computes, for these parameters.
//!
//! Always true: the loop stays as it is, but for where its branches lead.

use std::collections::BTreeMap;

use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Block, BlockArg, BlockCall, Function, Inst, InstBuilder, SourceLoc, Value, types,
};

use super::turn::{Access, Outline};
use crate::optimise::loops::{copy, lead, redirect, ways_to};
use crate::optimise::turns::{self, add, number};

/// The least size of pages; others are multiples of it.
const PAGE: i64 = 4096;

/// Writes code beside a loop.
pub struct Way<'f, 'o> {
    pub cursor: FuncCursor<'f>,
    pub outline: &'o Outline,
    /// Where the loop's way back is in the wasm file.
    position: SourceLoc,
    /// Whether the code is only reached through the loop, so that what is the same in all turns is known.
    is_behind: bool,
    params: Vec<Value>,
    /// The last block that was made.
    last: Block,
    /// What parameters, and what was computed of them, are in the block that is being filled.
    now: BTreeMap<Value, Value>,
}

impl<'f, 'o> Way<'f, 'o> {
    pub fn new(func: &'f mut Function, outline: &'o Outline, is_behind: bool) -> Way<'f, 'o> {
        let position = func.srcloc(outline.back);
        let params = func.dfg.block_params(outline.header).to_vec();
        let last = func.layout.inst_block(outline.back).expect("it is in the layout");
        let cursor = FuncCursor::new(func).with_srcloc(position);
        Way { cursor, outline, position, is_behind, params, last, now: BTreeMap::new() }
    }

    /// Another block.
    pub fn block(&mut self) -> Block {
        let block = self.cursor.func.dfg.make_block();
        self.cursor.func.layout.insert_block_after(block, self.last);
        self.last = block;
        block
    }

    /// Another block, with parameters as the header has them.
    pub fn block_with_params(&mut self) -> (Block, Vec<Value>) {
        let block = self.block();
        let dfg = &mut self.cursor.func.dfg;
        let params = self.params.iter().map(|&param| {
            let ty = dfg.value_type(param);
            dfg.append_block_param(block, ty)
        });
        (block, params.collect())
    }

    /// Goes on writing at the end of a block, where the parameters are these.
    pub fn fill(&mut self, block: Block, given: &[Value]) {
        self.cursor.goto_bottom(block);
        self.now = self.params.iter().copied().zip(given.iter().copied()).collect();
    }

    /// Goes on writing at the end of a block that only this one leads to.
    pub fn go_on(&mut self, block: Block) {
        self.cursor.goto_bottom(block);
    }

    /// Jumps.
    pub fn jump(&mut self, to: Block, given: &[Value]) {
        self.cursor.ins().jump(to, &arguments(given));
    }

    /// Goes to a block if something is so, and to another one, with parameters, if it is not.
    pub fn branch(&mut self, is_so: Value, to: Block, otherwise: Block, given: &[Value]) {
        self.branch_with(is_so, (to, &[]), (otherwise, given));
    }

    /// Goes to a block if something is so, and to another one if it is not.
    pub fn branch_with(
        &mut self,
        is_so: Value,
        (to, given): (Block, &[Value]),
        (otherwise, others): (Block, &[Value]),
    ) {
        self.cursor.ins().brif(is_so, to, &arguments(given), otherwise, &arguments(others));
    }

    /// Goes on writing at the end of a block, and asks whether turns are left until the epoch is looked at, as the loop does. Returns the
    /// parameters behind that.
    pub fn fill_and_ask(&mut self, block: Block, given: &[Value]) -> Vec<Value> {
        self.fill(block, given);
        let outline = self.outline;
        let Some(asking) = &outline.asking else { return given.to_vec() };
        let on = self.block();
        let left = self.cursor.func.dfg.append_block_param(on, types::I32);
        // What is looked at there, and where.
        let insts: Vec<(Block, Inst)> = asking
            .cold
            .iter()
            .flat_map(|&cold| self.cursor.func.layout.block_insts(cold).map(move |it| (cold, it)))
            .collect();
        let mut now = BTreeMap::new();
        for &(_, inst) in &insts {
            let func = &self.cursor.func;
            let left = passed(func, inst, outline.header, asking.left);
            let values: Vec<Value> = func.dfg.inst_args(inst).iter().copied().chain(left).collect();
            for value in values {
                now.insert(value, self.now(value));
            }
        }
        let still_left = add(&mut self.cursor, given[asking.left], -1);
        let copies: Vec<(Block, Block)> =
            asking.cold.iter().map(|&cold| (cold, self.block())).collect();
        let copy_of =
            |block: Block| copies.iter().find_map(|&(of, copy)| (of == block).then_some(copy));
        let asks = copy_of(asking.asks).expect("it is one of them");
        self.cursor.ins().brif(still_left, on, &arguments(&[still_left]), asks, &[]);
        let func = &mut *self.cursor.func;
        for (block, inst) in insts {
            let copied = copy(func, inst, copy_of(block).expect("it is one of them"), &mut now);
            for &(from, to) in &copies {
                lead(func, copied, from, to, None);
            }
            // Back, with what is left then.
            if let Some(left) = passed(func, copied, outline.header, asking.left) {
                let way = BlockCall::new(on, [left.into()], &mut func.dfg.value_lists);
                redirect(func, copied, outline.header, way);
            }
        }
        for (_, copied) in copies {
            func.layout.set_cold(copied);
        }
        let mut given = given.to_vec();
        given[asking.left] = left;
        self.fill(on, &given);
        given
    }

    /// Loads or stores as a turn does, for the parameters of the block that is being filled.
    pub fn access(&mut self, access: &Access) {
        let new: Vec<Value> =
            self.inst_args(access.inst).iter().map(|&arg| self.now(arg)).collect();
        let copy = self.copy(access.inst, &new);
        let dfg = &self.cursor.func.dfg;
        let [old, new] = [access.inst, copy].map(|inst| dfg.inst_results(inst).iter().copied());
        self.now.extend(old.zip(new));
    }

    fn inst_args(&self, inst: Inst) -> Vec<Value> {
        self.cursor.func.dfg.inst_args(inst).to_vec()
    }

    /// The same instruction with other arguments.
    fn copy(&mut self, inst: Inst, arguments: &[Value]) -> Inst {
        let func = &mut self.cursor.func;
        let copy = func.dfg.clone_inst(inst);
        func.dfg.inst_args_mut(copy).copy_from_slice(arguments);
        func.set_srcloc(copy, func.srcloc(inst));
        self.cursor.insert_inst(copy);
        copy
    }

    /// What the parameters are so many turns later.
    pub fn later(&mut self, given: &[Value], turns: i64) -> Vec<Value> {
        let steps = self.outline.steps.iter();
        let later = given.iter().zip(steps);
        later.map(|(&value, step)| add(&mut self.cursor, value, step.wrapping_mul(turns))).collect()
    }

    /// As at another place in the wasm file.
    pub fn at(&mut self, inst: Inst) -> &mut FuncCursor<'f> {
        let position = self.cursor.func.srcloc(inst);
        self.cursor.set_srcloc(position);
        &mut self.cursor
    }

    /// As at the loop's way back in the wasm file.
    pub fn at_end(&mut self) -> &mut FuncCursor<'f> {
        self.cursor.set_srcloc(self.position);
        &mut self.cursor
    }

    /// What a turn computes, for the parameters of the block that is being filled.
    pub fn now(&mut self, value: Value) -> Value {
        let func = &self.cursor.func;
        let value = func.dfg.resolve_aliases(value);
        if let Some(&now) = self.now.get(&value) {
            return now;
        }
        let Some(inst) = func.dfg.value_def(value).inst() else { return value };
        if func.layout.inst_block(inst).is_none_or(|block| !self.outline.chain.contains(&block)) {
            return value;
        }
        let old = self.inst_args(inst);
        let new: Vec<Value> = old.iter().map(|&arg| self.now(arg)).collect();
        let now = if self.is_behind && old == new {
            value
        } else {
            let copy = self.copy(inst, &new);
            self.cursor.func.dfg.first_result(copy)
        };
        self.now.insert(value, now);
        now
    }

    /// Where a turn leaves the loop to, and what it passes on, for the parameters of the block that is being filled.
    pub fn exit(&mut self, exit: BlockCall) -> (Block, Vec<Value>) {
        let lists = &self.cursor.func.dfg.value_lists;
        let passed: Vec<Value> = exit.args(lists).filter_map(|arg| arg.as_value()).collect();
        let to = exit.block(lists);
        (to, passed.into_iter().map(|value| self.now(value)).collect())
    }

    /// Whether so many bytes at an address and an offset, and at another one if there is one, are each in one page.
    pub fn are_in_pages(&mut self, places: &[(Value, i64)], bytes: i64) -> Value {
        let cursor = &mut self.cursor;
        let in_page = |cursor: &mut FuncCursor<'_>, &(address, offset): &(Value, i64)| {
            let first = add(cursor, address, offset);
            let mask = number(cursor, types::I64, PAGE - 1);
            cursor.ins().band(first, mask)
        };
        if let [place] = places {
            let first = in_page(cursor, place);
            let last = number(cursor, types::I64, PAGE - bytes);
            return cursor.ins().icmp(IntCC::UnsignedLessThanOrEqual, first, last);
        }
        // Any that ends in the next page has its bit.
        let mut ends = None;
        for place in places {
            let first = in_page(cursor, place);
            let end = add(cursor, first, bytes - 1);
            ends = Some(match ends {
                Some(others) => cursor.ins().bor(end, others),
                None => end,
            });
        }
        let ends = ends.expect("there are places");
        let next_page = number(cursor, types::I64, PAGE);
        let is_beyond = cursor.ins().band(ends, next_page);
        let zero = number(cursor, types::I64, 0);
        cursor.ins().icmp(IntCC::Equal, is_beyond, zero)
    }

    /// Has the way to the loop lead to a block with parameters as its first one has.
    pub fn lead_there(&mut self, before: Inst, there: Block) {
        lead(self.cursor.func, before, self.outline.header, there, None);
    }

    /// Has the way back lead to a block with parameters as the first one has.
    pub fn lead_back(&mut self, there: Block) {
        let outline = self.outline;
        let func = &mut *self.cursor.func;
        let Some(asking) = &outline.asking else {
            return lead(func, outline.back, outline.header, there, None);
        };
        // It is not asked on it.
        let mut values = asking.back.args(&func.dfg.value_lists).collect::<Vec<BlockArg>>();
        values[asking.left] = self.params[asking.left].into();
        let way = BlockCall::new(there, values, &mut func.dfg.value_lists);
        redirect(func, outline.back, asking.block, way);
    }
}

/// What is passed to a parameter of a block, by its position, if an instruction is a branch that leads there.
fn passed(func: &Function, branch: Inst, to: Block, position: usize) -> Option<Value> {
    turns::value(func, ways_to(func, branch, to).next()?, position)
}

fn arguments(values: &[Value]) -> Vec<BlockArg> {
    values.iter().map(|&value| value.into()).collect()
}
