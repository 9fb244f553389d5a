//! What a turn of a loop does.
//!
//! In: a function, its flow graph, and a block. Out: what one turn of the loop that begins there does, if that is to access memory a piece
//! further with each turn, and to ask whether to go on.
//!
//! Always true: all that is not in here has no effects.

use cranelift_codegen::entity::EntitySet;
use cranelift_codegen::flowgraph::{BlockPredecessor, ControlFlowGraph};
use cranelift_codegen::ir::{
    Block, BlockCall, Endianness, Function, Inst, MemFlagsData, Opcode, Value, ValueDef, types,
};

use crate::optimise::addresses::{access, memory_and_index};
use crate::optimise::epochs;
use crate::optimise::loops::{binary, constant, step};
use crate::optimise::turns::{Turns, branch, value};

/// So many blocks a turn may have at most.
const MOST_BLOCKS: usize = 4;
/// And so many instructions.
const MOST_INSTRUCTIONS: usize = 48;
/// How deep what is computed may be put together: what is looked at grows with its powers of two.
pub const MOST_DEPTH: u32 = 6;

/// What one turn does.
pub struct Turn<'f> {
    pub func: &'f Function,
    /// The blocks, one after the other.
    chain: Vec<Block>,
    /// The way back.
    back: BlockCall,
    /// If it is asked on the way back whether turns are left until the epoch is looked at.
    asking: Option<Asking>,
    /// The branch that leads to the first block.
    pub before: Inst,
    /// By how much the parameters of the first block change with each turn.
    steps: Vec<i64>,
    /// The accesses to memory, in order.
    pub accesses: Vec<Access>,
    /// What is asked, in order.
    pub questions: Vec<Question>,
}

/// An access whose address changes with each turn.
#[derive(Clone, Copy)]
pub struct Access {
    pub inst: Inst,
    /// The position of its block.
    pub position: usize,
    pub opcode: Opcode,
    pub address: Value,
    pub offset: i32,
    pub flags: MemFlagsData,
    /// How many bytes it accesses.
    pub bytes: i64,
    /// How many bytes further the next one is.
    pub step: i64,
}

/// Whether to go on.
#[derive(Clone, Copy)]
pub struct Question {
    /// The position of its block.
    pub position: usize,
    pub value: Value,
    /// The loop goes on if the value is not zero, or if it is.
    pub if_not_zero: bool,
    /// Where it goes if it does not go on.
    pub exit: BlockCall,
}

/// The question whether turns are left until the epoch is looked at. It is none of a turn's own.
pub type Asking = epochs::Question;

/// A loop, for those who change the function.
pub struct Outline {
    pub asking: Option<Asking>,
    pub header: Block,
    /// The branch that goes back, at the end of the last block.
    pub back: Inst,
    /// By how much the parameters of the header change with each turn.
    pub steps: Vec<i64>,
    pub chain: Vec<Block>,
}

impl<'f> Turn<'f> {
    /// What the turn of a loop does.
    pub fn of(
        func: &'f Function,
        cfg: &ControlFlowGraph,
        is_epoch: &dyn Fn(u32) -> bool,
        header: Block,
    ) -> Option<Turn<'f>> {
        let asks = |pred: BlockPredecessor| Asking::at(func, cfg, is_epoch, pred.block);
        let asking = cfg.pred_iter(header).find_map(asks).filter(|asking| asking.header == header);
        let chain = chain(func, cfg, header, asking.as_ref())?;
        let latch = func.layout.last_inst(*chain.last()?)?;
        let dfg = &func.dfg;
        let mut ways =
            dfg.insts[latch].branch_destination(&dfg.jump_tables, &dfg.exception_tables).iter();
        let back = match &asking {
            Some(asking) => asking.back,
            None => *ways.find(|way| way.block(&dfg.value_lists) == header)?,
        };
        let params = func.dfg.block_params(header).iter().enumerate();
        let steps = params.map(|(position, &param)| {
            if asking.as_ref().is_some_and(|asking| asking.left == position) {
                // What is left is counted elsewhere.
                return Some(0);
            }
            let next = func.dfg.resolve_aliases(value(func, &back, position)?);
            let is_counter = matches!(func.dfg.value_type(param), types::I32 | types::I64);
            if next == param { Some(0) } else { step(func, param, next).filter(|_| is_counter) }
        });
        let steps = steps.collect::<Option<_>>()?;
        let is_back = |block: Block| {
            chain.last() == Some(&block)
                || asking.as_ref().is_some_and(|it| it.block == block || it.cold.contains(&block))
        };
        let before = cfg.pred_iter(header).find(|pred| !is_back(pred.block))?.inst;
        let (accesses, questions) = (Vec::new(), Vec::new());
        let mut turn = Turn { func, chain, back, asking, before, steps, accesses, questions };
        turn.read()?;
        (!turn.accesses.is_empty()).then_some(turn)
    }

    fn read(&mut self) -> Option<()> {
        let func = self.func;
        let mut count = 0;
        for position in 0..self.chain.len() {
            let block = self.chain[position];
            for inst in func.layout.block_insts(block) {
                count += 1;
                if count > MOST_INSTRUCTIONS {
                    return None;
                }
                let opcode = func.dfg.insts[inst].opcode();
                if opcode.is_terminator() {
                    self.end(position, inst)?;
                } else if self.is_unchanged(inst) {
                } else if opcode.can_load() || opcode.can_store() {
                    self.access(position, inst)?;
                } else if opcode.can_trap() || opcode.is_call() || opcode.other_side_effects() {
                    return None;
                }
            }
        }
        // What is loaded might be what was stored.
        let stores = self.accesses.iter().any(|access| access.opcode.can_store());
        (!stores || self.loads_nothing_else()).then_some(())
    }

    fn end(&mut self, position: usize, inst: Inst) -> Option<()> {
        let func = self.func;
        if func.dfg.insts[inst].opcode() == Opcode::Jump {
            return Some(());
        }
        let (value, ways) = branch(func, self.chain[position])?;
        let back = self.asking.as_ref().map_or(self.chain[0], |asking| asking.block);
        let next = self.chain.get(position + 1).copied().unwrap_or(back);
        let goes_on = ways.map(|way| way.block(&func.dfg.value_lists) == next);
        let exit = ways[usize::from(goes_on[0])];
        self.questions.push(Question { position, value, if_not_zero: goes_on[0], exit });
        (goes_on != [true; 2]).then_some(())
    }

    fn access(&mut self, position: usize, inst: Inst) -> Option<()> {
        let func = self.func;
        let (address, offset) = access(func, inst)?;
        let opcode = func.dfg.insts[inst].opcode();
        let bytes = match opcode {
            Opcode::Uload8 | Opcode::Sload8 | Opcode::Istore8 => 1,
            Opcode::Uload16 | Opcode::Sload16 | Opcode::Istore16 => 2,
            Opcode::Uload32 | Opcode::Sload32 | Opcode::Istore32 => 4,
            Opcode::Load => func.dfg.value_type(func.dfg.first_result(inst)).bytes().into(),
            Opcode::Store => func.dfg.value_type(func.dfg.inst_args(inst)[0]).bytes().into(),
            _ => return None,
        };
        let flags = func.dfg.insts[inst].memflags_data(&func.dfg)?;
        let step = self.address_step(address)?;
        let is_able = !flags.aligned() && flags.explicit_endianness() != Some(Endianness::Big);
        let it = Access { inst, position, opcode, address, offset, flags, bytes, step };
        self.accesses.push(it);
        is_able.then_some(())
    }

    /// Whether what an instruction computes, or loads, is the same in all turns.
    fn is_unchanged(&self, inst: Inst) -> bool {
        let mut results = self.func.dfg.inst_results(inst).iter();
        results.len() > 0 && results.all(|&result| self.is_same(result, MOST_DEPTH))
    }

    fn loads_nothing_else(&self) -> bool {
        let insts = self.chain.iter().flat_map(|&block| self.func.layout.block_insts(block));
        let mut others = insts.filter(|&inst| {
            self.func.dfg.insts[inst].opcode().can_load()
                && !self.accesses.iter().any(|access| access.inst == inst)
        });
        others.next().is_none()
    }

    /// By how much an address changes with each turn. It is the sum of where a memory begins and a number of 32 bits. If that wraps
    /// around, what is accessed just before is at the end of a page.
    fn address_step(&self, address: Value) -> Option<i64> {
        let step = self.step(self.extended(address)?, MOST_DEPTH);
        step.map(|step| i64::from(step as i32))
    }

    /// The number of 32 bits in an address, as something and a constant.
    pub fn index(&self, address: Value) -> Option<(Value, i64)> {
        let mut index = self.extended(address)?;
        let mut added = 0_i64;
        while let Some((opcode, [left, right])) = binary(self.func, index) {
            let (of, number) = match (opcode, constant(self.func, left), constant(self.func, right))
            {
                (Opcode::Iadd, _, Some(number)) => (left, number),
                (Opcode::Iadd, Some(number), _) => (right, number),
                (Opcode::Isub, _, Some(number)) => (left, number.wrapping_neg()),
                _ => break,
            };
            index = of;
            added = added.wrapping_add(number);
        }
        Some((index, i64::from(added as i32)))
    }

    /// The number of 32 bits in an address, which is the sum of that and where a memory begins.
    fn extended(&self, address: Value) -> Option<Value> {
        let (memory, index) = memory_and_index(self.func, address)?;
        let is_memory = self.is_same(memory, MOST_DEPTH) && binary(self.func, memory).is_none();
        is_memory.then_some(index)
    }

    /// By how much a number changes with each turn.
    fn step(&self, value: Value, depth: u32) -> Option<i64> {
        let value = self.func.dfg.resolve_aliases(value);
        let params = self.func.dfg.block_params(self.chain[0]);
        if let Some(position) = params.iter().position(|&param| param == value) {
            return Some(self.steps[position]);
        }
        if self.is_same(value, depth) {
            return Some(0);
        }
        let depth = depth.checked_sub(1)?;
        let (opcode, [left, right]) = binary(self.func, value)?;
        let (left, right) = (self.step(left, depth)?, self.step(right, depth)?);
        match opcode {
            Opcode::Iadd => Some(left.wrapping_add(right)),
            Opcode::Isub => Some(left.wrapping_sub(right)),
            _ => None,
        }
    }

    /// Whether a value is the same in all turns.
    pub fn is_same(&self, value: Value, depth: u32) -> bool {
        let func = self.func;
        let value = func.dfg.resolve_aliases(value);
        let inst = match func.dfg.value_def(value) {
            ValueDef::Param(block, position) => {
                let is_unchanged = block == self.chain[0] && self.steps[position] == 0;
                return is_unchanged || !self.chain.contains(&block);
            }
            definition => definition.inst(),
        };
        let Some(inst) = inst else { return false };
        if func.layout.inst_block(inst).is_none_or(|block| !self.chain.contains(&block)) {
            return true;
        }
        let Some(depth) = depth.checked_sub(1) else { return false };
        // What the first turn has loaded stays so if nothing is stored.
        let opcode = func.dfg.insts[inst].opcode();
        let is_pure = !opcode.can_store()
            && !opcode.is_call()
            && !opcode.other_side_effects()
            && (!opcode.can_trap() || opcode.can_load());
        is_pure && func.dfg.inst_args(inst).iter().all(|&arg| self.is_same(arg, depth))
    }

    /// How many turns there are, if a question is about that.
    pub fn turns(&self, question: &Question) -> Option<Turns> {
        let is_inside = |value| !self.is_same(value, MOST_DEPTH);
        let question = (question.value, question.if_not_zero);
        Turns::of(self.func, self.chain[0], &self.back, question, &is_inside)
    }

    /// Whether nothing behind a branch out of the loop uses what is computed in it, but what the branch passes on.
    pub fn passes_all_on(&self, question: &Question) -> bool {
        let func = self.func;
        let is_from_loop = |value: Value| {
            let block = match func.dfg.value_def(func.dfg.resolve_aliases(value)) {
                ValueDef::Param(block, _) => Some(block),
                definition => definition.inst().and_then(|inst| func.layout.inst_block(inst)),
            };
            block.is_some_and(|block| self.chain.contains(&block))
        };
        let uses = |block: Block| {
            let mut insts = func.layout.block_insts(block);
            insts.any(|inst| func.dfg.inst_values(inst).any(is_from_loop))
        };
        // Whatever comes to the loop again computes it again.
        let mut reached = EntitySet::new();
        reached.insert(self.chain[0]);
        let mut left = vec![question.exit.block(&func.dfg.value_lists)];
        while let Some(block) = left.pop() {
            if !reached.insert(block) {
                continue;
            }
            if uses(block) {
                return false;
            }
            left.extend(func.block_successors(block));
        }
        true
    }

    pub fn outline(self) -> Outline {
        let last = *self.chain.last().expect("a loop has a block");
        Outline {
            asking: self.asking,
            header: self.chain[0],
            back: self.func.layout.last_inst(last).expect("it ends with a branch"),
            steps: self.steps,
            chain: self.chain,
        }
    }
}

/// The blocks of a loop that leads through all of them, one after the other, and that nothing else leads into.
fn chain(
    func: &Function,
    cfg: &ControlFlowGraph,
    header: Block,
    asking: Option<&Asking>,
) -> Option<Vec<Block>> {
    let preds = |block| cfg.pred_iter(block).map(|pred| pred.block);
    let ways_back = asking.map_or(1, |asking| 1 + asking.cold.len());
    if preds(header).count() != 1 + ways_back || func.layout.is_cold(header) {
        return None;
    }
    let asked = asking.and_then(|asking| func.layout.inst_block(asking.from));
    let latches = preds(header).filter(|_| asking.is_none()).chain(asked);
    latches.into_iter().find_map(|latch| {
        let mut chain = vec![latch];
        while chain.last() != Some(&header) {
            let block = *chain.last()?;
            let mut before = preds(block);
            let (Some(pred), None) = (before.next(), before.next()) else { return None };
            let is_plain = func.dfg.block_params(block).is_empty();
            if !is_plain || chain.len() == MOST_BLOCKS || chain.contains(&pred) {
                return None;
            }
            chain.push(pred);
        }
        chain.reverse();
        Some(chain)
    })
}
