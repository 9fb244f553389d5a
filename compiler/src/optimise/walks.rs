//! Accesses that go through memory with a loop's counter.
//!
//! In: an optimised function, its flow graph, dominators and loops. Out: the same function with the same blocks; values differ.
//!
//! Addresses in wasm are sums of 32 bits, which may wrap around; processors add 64 bits and do not. What is accessed in each turn of a
//! loop, by the same step further than in the turn before, does not wrap around if the step is small and the memory never has its last
//! page: the turn in which the address would have come to that page is the last one, for the access traps. So the address in the first
//! turn is made as wasm says, in front of the loop, and the counter of the turns that follow has 64 bits, as the processor adds it.
//!
//! Always true: each access has the address that it had, to the bit, as long as all before it have not trapped.

use std::collections::BTreeMap;

use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::dominator_tree::DominatorTree;
use cranelift_codegen::flowgraph::ControlFlowGraph;
use cranelift_codegen::ir::{
    Block, BlockArg, BlockCall, Function, Inst, InstBuilder, InstructionData, Opcode, Value, types,
};
use cranelift_codegen::loop_analysis::{Loop, LoopAnalysis};
use rustc_hash::{FxHashMap, FxHashSet};

use super::addresses::{
    MOST_REPEATED, MOST_SHIFT, Sum, access, memory_and_index, repeat, set_address, stays,
};
use super::loops::{binary, constant, step, ways_to};
use super::ranges::Ranges;
use super::turns::{add, branch, comparison, number, value};
use super::values::count_uses;

/// How many addresses of a loop are made in front of it at most: each is kept in a register.
const MOST_WALKS: usize = 3;

/// How many blocks a function has at most. In larger ones, as interpreters are, registers are short: of Lua's, the memory's address came
/// to lie on the stack, and it executed 1.09 of the instructions.
const MOST_BLOCKS: usize = 200;

/// With less turns, if that is known, it takes longer.
const LEAST_TURNS: u64 = 16;

/// How far a turn goes at most: what is accessed in the turn before would have to be in a page that is never there.
const MOST_STEP: i64 = 1 << 16;

/// Makes the addresses of accesses that go through memory in front of loops. `is_short` says whether a region is a memory that never has
/// its last page.
pub fn walk(
    func: &mut Function,
    cfg: &ControlFlowGraph,
    domtree: &DominatorTree,
    loops: &LoopAnalysis,
    is_short: &dyn Fn(u32) -> bool,
) {
    if func.layout.blocks().count() > MOST_BLOCKS {
        return;
    }
    let long = long_loops(func, cfg, domtree, loops);
    if long.is_empty() {
        return;
    }
    let uses = count_uses(func);
    let mut counters: BTreeMap<Value, (Counter, Vec<Access>)> = BTreeMap::new();
    for block in func.layout.blocks() {
        let Some(around) = loops.innermost_loop(block).filter(|it| long.contains(it)) else {
            continue;
        };
        if !is_in_each_turn(cfg, domtree, loops, around, block) {
            continue;
        }
        for inst in func.layout.block_insts(block) {
            let found = Access::of(func, loops, around, is_short, inst);
            // Nothing is saved if the sum is needed itself.
            let Some(found) = found.filter(|found| uses[found.index] == 1) else { continue };
            if let Some((_, accesses)) = counters.get_mut(&found.counter) {
                accesses.push(found);
            } else if let Some(counter) = Counter::of(func, cfg, loops, around, found.counter) {
                counters.insert(found.counter, (counter, vec![found]));
            }
        }
    }
    let mut counts: FxHashMap<Loop, usize> = FxHashMap::default();
    for (counter, mut accesses) in counters.into_values() {
        let count = counts.entry(counter.around).or_default();
        accesses.retain(|access| counter.step << access.shift <= MOST_STEP);
        let mut known: Vec<Value> = Vec::new();
        accesses.retain(|access| {
            let is_known = known.contains(&access.address);
            if !is_known && *count < MOST_WALKS {
                *count += 1;
                known.push(access.address);
                return true;
            }
            is_known
        });
        if !accesses.is_empty() {
            counter.walk(func, loops, &accesses);
        }
    }
}

/// The loops that end by counting only, and may have many turns. What is made in front of others takes longer than it saves.
fn long_loops(
    func: &Function,
    cfg: &ControlFlowGraph,
    domtree: &DominatorTree,
    loops: &LoopAnalysis,
) -> FxHashSet<Loop> {
    let mut exits: FxHashMap<Loop, Vec<Block>> = FxHashMap::default();
    for block in func.layout.blocks().filter(|&block| !func.layout.is_cold(block)) {
        let Some(around) = loops.innermost_loop(block) else { continue };
        let mut ways = cfg.succ_iter(block);
        if ways.any(|way| !loops.is_in_loop(way, around)) {
            exits.entry(around).or_default().push(block);
        }
    }
    let mut ranges = Ranges::new(func, cfg, domtree, loops);
    let mut is_long = |around: Loop, exits: &[Block]| {
        let [exit] = exits[..] else { return false };
        let params = func.dfg.block_params(loops.loop_header(around));
        let counts = |value: Value| {
            let is_counted = |&param: &Value| param == value || step(func, param, value).is_some();
            params.iter().any(is_counted)
        };
        let asks = branch(func, exit).map(|(condition, _)| condition);
        let asks = asks.is_some_and(|condition| match comparison(func, condition) {
            Some((_, left, right)) => {
                let stays = |value| stays(func, loops, around, value, MOST_REPEATED);
                counts(left) && stays(right) || counts(right) && stays(left)
            }
            None => counts(condition),
        });
        asks && ranges.most_turns(around).is_none_or(|most| most >= LEAST_TURNS)
    };
    exits.retain(|&around, exits| is_long(around, exits));
    exits.into_keys().collect()
}

/// Whether a block is executed in each turn of a loop that another one follows.
fn is_in_each_turn(
    cfg: &ControlFlowGraph,
    domtree: &DominatorTree,
    loops: &LoopAnalysis,
    around: Loop,
    block: Block,
) -> bool {
    let preds = cfg.pred_iter(loops.loop_header(around)).map(|pred| pred.block);
    let mut back = preds.filter(|&pred| loops.is_in_loop(pred, around));
    back.all(|pred| domtree.block_dominates(block, pred))
}

/// An access whose address is the sum of a counter and what is the same in all turns.
struct Access {
    inst: Inst,
    address: Value,
    memory: Value,
    index: Value,
    /// What is the same in all turns: numbers of 32 bits.
    parts: Vec<Value>,
    constant: u32,
    counter: Value,
    /// How far the counter is shifted.
    shift: u64,
}

impl Access {
    fn of(
        func: &Function,
        loops: &LoopAnalysis,
        around: Loop,
        is_short: &dyn Fn(u32) -> bool,
        inst: Inst,
    ) -> Option<Access> {
        let (address, offset) = access(func, inst)?;
        let region = func.dfg.insts[inst].alias_region(&func.dfg)?;
        is_short(func.dfg.alias_regions[region].user_id).then_some(())?;
        let (memory, index) = memory_and_index(func, address)?;
        let Sum { parts, constant } = Sum::of(func, index)?;
        let stays = |value: Value, most| stays(func, loops, around, value, most);
        let (parts, moving): (Vec<Value>, Vec<Value>) =
            parts.into_iter().partition(|&part| stays(part, MOST_REPEATED));
        let [moving] = moving[..] else { return None };
        let (counter, shift) = match binary(func, moving) {
            Some((Opcode::Ishl, [from, by])) => (from, self::constant(func, by)? as u64),
            _ => (moving, 0),
        };
        // What is added to the sum must not lead from the last page to another one.
        let is_memory = stays(memory, 0) && binary(func, memory).is_none();
        let is_able = is_memory && offset >= 0 && shift <= MOST_SHIFT;
        is_able.then_some(Access { inst, address, memory, index, parts, constant, counter, shift })
    }
}

/// A number that grows by the same with each turn of a loop.
struct Counter {
    around: Loop,
    header: Block,
    /// The branch that leads to the loop, and others that go back.
    before: Inst,
    back: Vec<Inst>,
    position: usize,
    param: Value,
    /// What it is in the first turn.
    first: Value,
    /// What it is in the next turn.
    next: Value,
    step: i64,
}

impl Counter {
    fn of(
        func: &Function,
        cfg: &ControlFlowGraph,
        loops: &LoopAnalysis,
        around: Loop,
        param: Value,
    ) -> Option<Counter> {
        let header = loops.loop_header(around);
        let position = func.dfg.block_params(header).iter().position(|&it| it == param)?;
        (func.dfg.value_type(param) == types::I32).then_some(())?;
        let (mut before, mut back) = (None, Vec::new());
        let (mut first, mut next) = (None, None);
        for pred in cfg.pred_iter(header) {
            let is_back = loops.is_in_loop(pred.block, around);
            let known = if is_back { &mut next } else { &mut first };
            for way in ways_to(func, pred.inst, header) {
                let passed = value(func, way, position)?;
                if known.is_some_and(|known| known != passed) {
                    return None;
                }
                *known = Some(passed);
            }
            if is_back {
                back.push(pred.inst);
            } else if before.replace(pred.inst).is_some() {
                return None;
            }
        }
        let (before, first, next) = (before?, first?, next?);
        // Otherwise it is not for the loop only what is made there.
        (func.dfg.insts[before].opcode() == Opcode::Jump).then_some(())?;
        let step = i64::from(step(func, param, next)? as i32);
        (step > 0).then_some(Counter {
            around,
            header,
            before,
            back,
            position,
            param,
            first,
            next,
            step,
        })
    }

    /// Makes it a number of 64 bits, and has accesses add it to what is made in front of the loop.
    fn walk(&self, func: &mut Function, loops: &LoopAnalysis, accesses: &[Access]) {
        let position = func.srcloc(self.before);
        let mut bases: BTreeMap<Value, Value> = BTreeMap::new();
        let mut cursor = FuncCursor::new(func).at_inst(self.before).with_srcloc(position);
        let first = match constant(cursor.func, self.first) {
            Some(first) => number(&mut cursor, types::I64, i64::from(first as u32)),
            None => cursor.ins().uextend(types::I64, self.first),
        };
        for access in accesses {
            bases.entry(access.address).or_insert_with(|| self.base(func, loops, access, first));
        }
        // The counter.
        let param = self.param;
        let wide = func.dfg.replace_block_param(param, types::I64);
        let start = func.layout.first_inst(self.header).expect("blocks are not empty");
        let mut cursor = FuncCursor::new(func).at_inst(start);
        cursor.ins().with_result(param).ireduce(types::I32, wide);
        let inst = func.dfg.value_def(self.next).inst().expect("it is a sum");
        let position = func.srcloc(inst);
        let mut cursor = FuncCursor::new(func).at_inst(inst).with_srcloc(position);
        let next = add(&mut cursor, wide, self.step);
        func.dfg.insts[inst] = InstructionData::Unary { opcode: Opcode::Ireduce, arg: next };
        self.pass(func, self.before, first);
        for &back in &self.back {
            self.pass(func, back, next);
        }
        for access in accesses {
            let position = func.srcloc(access.inst);
            let mut cursor = FuncCursor::new(func).at_inst(access.inst).with_srcloc(position);
            let moving = shifted(&mut cursor, wide, access.shift);
            let address = cursor.ins().iadd(bases[&access.address], moving);
            let (_, offset) = self::access(func, access.inst).expect("it is an access");
            set_address(func, access.inst, address, offset);
        }
    }

    /// What the counter, which is `first` then, is to be added to.
    fn base(
        &self,
        func: &mut Function,
        loops: &LoopAnalysis,
        access: &Access,
        first: Value,
    ) -> Value {
        let parts: Vec<Value> = access
            .parts
            .iter()
            .map(|&part| repeat(func, loops, self.around, part, self.before))
            .collect();
        let position = func.srcloc(self.before);
        let mut cursor = FuncCursor::new(func).at_inst(self.before).with_srcloc(position);
        // As wasm adds it.
        let known = constant(cursor.func, self.first).map(|first| first as u32);
        let mut sum = number(&mut cursor, types::I32, access.constant.into());
        for part in parts {
            sum = cursor.ins().iadd(sum, part);
        }
        let sum = match known {
            Some(first) => add(&mut cursor, sum, i64::from(first << access.shift)),
            None => {
                let begun = shifted(&mut cursor, self.first, access.shift);
                cursor.ins().iadd(sum, begun)
            }
        };
        let sum = cursor.ins().uextend(types::I64, sum);
        let address = cursor.ins().iadd(access.memory, sum);
        match known {
            Some(first) => add(&mut cursor, address, -(i64::from(first) << access.shift)),
            None => {
                let begun = shifted(&mut cursor, first, access.shift);
                cursor.ins().isub(address, begun)
            }
        }
    }

    /// Has a branch that leads to the loop pass another value.
    fn pass(&self, func: &mut Function, branch: Inst, new: Value) {
        let dfg = &mut func.dfg;
        let ways = dfg.insts[branch]
            .branch_destination_mut(&mut dfg.jump_tables, &mut dfg.exception_tables);
        for way in ways {
            if way.block(&dfg.value_lists) == self.header {
                let mut args: Vec<BlockArg> = way.args(&dfg.value_lists).collect();
                args[self.position] = new.into();
                *way = BlockCall::new(self.header, args, &mut dfg.value_lists);
            }
        }
    }
}

/// A number, shifted to the left.
fn shifted(cursor: &mut FuncCursor<'_>, value: Value, by: u64) -> Value {
    if by == 0 {
        return value;
    }
    let by = number(cursor, types::I32, by as i64);
    cursor.ins().ishl(value, by)
}
