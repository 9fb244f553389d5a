//! The order of what is computed in blocks that need more registers than there are.
//!
//! In: an optimised function, and how often each value is named. Out: the same function with the same blocks, whose instructions
//! have another order.
//!
//! From the end of a block to its beginning, that instruction comes next which leaves the least values alive; of several, the last one. It
//! is not the best order, but where many values are mixed, as in hashes, it is often better than that in which they are asked for.
//!
//! Always true: instructions with effects, loads included, stay in their order. A block gets the other order only if by that a tenth less
//! values are alive beyond what there are registers for.

use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::ir::{Block, Function, Inst, Value};

use super::loops::has_effects;
use super::order::is_constant;
use super::values;
use crate::target::Registers;

/// With less instructions, a block is left as it is.
const LEAST: usize = 24;
/// With more as well: what is looked at grows with the product of these and of what could come next.
const MOST: usize = 4096;
/// How many of what could come next are looked at.
const MOST_READY: usize = 64;
/// So large a part of what is too much must be saved: what is alive is only roughly what is in registers.
const WORTH: i64 = 10;

/// Orders the instructions of blocks that need many registers.
pub fn relieve(func: &mut Function, uses: &SecondaryMap<Value, u32>, registers: Registers) {
    let registers = [registers.integers, registers.floats].map(i64::from);
    let mut excess = Excess::default();
    let mut numbers = SecondaryMap::new();
    let mut block = func.layout.entry_block();
    while let Some(current) = block {
        block = func.layout.next_block(current);
        if func.layout.block_insts(current).take(LEAST).count() < LEAST {
            continue;
        }
        let excess = excess.of(func, uses, current, registers);
        if excess > 0 && func.layout.block_insts(current).nth(MOST).is_none() {
            let code = Code::of(func, uses, current, registers, &mut numbers);
            debug_assert_eq!(excess, code.excess(&(0..code.nodes.len()).rev().collect::<Vec<_>>()));
            let after = code.order();
            if code.excess(&after) * WORTH < excess * (WORTH - 1) {
                code.arrange(func, current, &after);
            }
        }
    }
}

/// What kind of registers a value needs.
fn kind(func: &Function, value: Value) -> usize {
    usize::from(!func.dfg.value_type(value).is_int())
}

/// How many values are alive beyond what there are registers for.
fn excess(alive: [i64; 2], registers: [i64; 2]) -> i64 {
    alive.iter().zip(registers).map(|(&alive, registers)| (alive - registers).max(0)).sum()
}

/// Adds that up over blocks as they are, for which nothing has to be known of what their instructions need. Most blocks need few registers.
#[derive(Default)]
struct Excess {
    /// How often each value of the block is still needed. Of others: never.
    needed: SecondaryMap<Value, u32>,
    /// The values of the block.
    made: Vec<Value>,
}

impl Excess {
    fn of(
        &mut self,
        func: &Function,
        uses: &SecondaryMap<Value, u32>,
        block: Block,
        registers: [i64; 2],
    ) -> i64 {
        let mut alive = [0; 2];
        let mut sum = 0;
        self.make(func, uses, func.dfg.block_params(block), &mut alive);
        let last = func.layout.last_inst(block);
        for inst in func.layout.block_insts(block).filter(|&inst| Some(inst) != last) {
            if is_constant(func, inst) {
                continue;
            }
            sum += excess(alive, registers);
            values::each(func, inst, |value| {
                let needed = self.needed.get(value).copied().unwrap_or_default();
                if needed > 0 {
                    self.needed[value] = needed - 1;
                    alive[kind(func, value)] -= i64::from(needed == 1);
                }
            });
            self.make(func, uses, func.dfg.inst_results(inst), &mut alive);
        }
        self.made.drain(..).for_each(|value| self.needed[value] = 0);
        sum
    }

    /// Values of the block are there from now on, if they are needed.
    fn make(
        &mut self,
        func: &Function,
        uses: &SecondaryMap<Value, u32>,
        values: &[Value],
        alive: &mut [i64; 2],
    ) {
        for &value in values.iter().filter(|&&value| uses[value] > 0) {
            self.needed[value] = uses[value];
            self.made.push(value);
            alive[kind(func, value)] += 1;
        }
    }
}

/// What a block computes.
struct Code {
    nodes: Vec<Node>,
    /// Constants, which are made wherever they are needed.
    constants: Vec<Inst>,
    /// The values that live and die in the block, or leave it, by number: what kind of registers they need.
    kinds: Vec<usize>,
    /// The values that are alive at the end.
    at_end: Vec<usize>,
    /// How many registers there are of each kind.
    registers: [i64; 2],
}

struct Node {
    inst: Inst,
    has_effects: bool,
    /// What it makes, by number.
    results: Vec<usize>,
    /// What it needs, by number, each once.
    needs: Vec<usize>,
    /// The nodes of this block that make that.
    makers: Vec<usize>,
}

impl Code {
    /// `numbers` is empty before and behind.
    fn of(
        func: &Function,
        uses: &SecondaryMap<Value, u32>,
        block: Block,
        registers: [i64; 2],
        numbers: &mut SecondaryMap<Value, u32>,
    ) -> Code {
        let mut code = Code {
            nodes: Vec::new(),
            constants: Vec::new(),
            kinds: Vec::new(),
            at_end: Vec::new(),
            registers,
        };
        let last = func.layout.last_inst(block);
        // Who makes each, and how often it is named in the block.
        let mut makers: Vec<Option<usize>> = Vec::new();
        let mut named: Vec<u32> = Vec::new();
        let mut values: Vec<Value> = Vec::new();
        let mut number = |value: Value, maker: Option<usize>| {
            let number = values.len();
            numbers[value] = number as u32 + 1;
            values.push(value);
            makers.push(maker);
            named.push(0);
            code.kinds.push(kind(func, value));
            number
        };
        for &param in func.dfg.block_params(block) {
            number(param, None);
        }
        for inst in func.layout.block_insts(block).filter(|&inst| Some(inst) != last) {
            if is_constant(func, inst) {
                code.constants.push(inst);
                continue;
            }
            let has_effects = has_effects(func, inst);
            let node = code.nodes.len();
            let results =
                func.dfg.inst_results(inst).iter().map(|&value| number(value, Some(node)));
            let results = results.collect();
            let (needs, makers) = (Vec::new(), Vec::new());
            code.nodes.push(Node { inst, has_effects, results, needs, makers });
        }
        for node in &mut code.nodes {
            values::each(func, node.inst, |value| {
                if let Some(number) = numbers[value].checked_sub(1).map(|it| it as usize) {
                    named[number] += 1;
                    node.needs.push(number);
                }
            });
            node.needs.sort_unstable();
            node.needs.dedup();
            node.makers = node.needs.iter().filter_map(|&need| makers[need]).collect();
            node.makers.sort_unstable();
            node.makers.dedup();
        }
        for (number, &value) in values.iter().enumerate() {
            if named[number] < uses[value] {
                code.at_end.push(number);
            }
            numbers[value] = 0;
        }
        code
    }

    /// How many values are alive beyond what there are registers for, added up over an order from the end to the beginning.
    fn excess(&self, order: &[usize]) -> i64 {
        let mut alive = Alive::new(self);
        let mut sum = 0;
        for &node in order {
            alive.go_before(self, node);
            sum += excess(alive.counts, self.registers);
        }
        sum
    }

    /// The order in which least is alive, from the end to the beginning.
    fn order(&self) -> Vec<usize> {
        let mut waiting_for = vec![0_u32; self.nodes.len()];
        for node in &self.nodes {
            node.makers.iter().for_each(|&maker| waiting_for[maker] += 1);
        }
        // Those with effects also wait for the next one with effects.
        let effects: Vec<usize> =
            (0..self.nodes.len()).filter(|&node| self.nodes[node].has_effects).collect();
        effects.iter().rev().skip(1).for_each(|&node| waiting_for[node] += 1);
        let mut effects_left = effects.len();
        let mut ready: Vec<usize> =
            (0..self.nodes.len()).filter(|&node| waiting_for[node] == 0).collect();
        let mut alive = Alive::new(self);
        let mut order = Vec::with_capacity(self.nodes.len());
        while !ready.is_empty() {
            let first = ready.len().saturating_sub(MOST_READY);
            let best = (first..ready.len()).min_by_key(|&position| {
                let node = ready[position];
                (alive.growth(self, node), std::cmp::Reverse(node))
            });
            let node = ready.remove(best.expect("there is one"));
            order.push(node);
            alive.go_before(self, node);
            let mut release = |node: usize| {
                waiting_for[node] -= 1;
                if waiting_for[node] == 0 {
                    ready.push(node);
                }
            };
            if self.nodes[node].has_effects {
                effects_left -= 1;
                if let Some(before) = effects_left.checked_sub(1) {
                    release(effects[before]);
                }
            }
            self.nodes[node].makers.iter().for_each(|&maker| release(maker));
        }
        order
    }

    /// Puts the instructions of a block in an order that is given from the end to the beginning.
    fn arrange(&self, func: &mut Function, block: Block, order: &[usize]) {
        let end = func.layout.last_inst(block).expect("a block ends with a branch");
        let insts = order.iter().rev().map(|&node| self.nodes[node].inst);
        for inst in self.constants.iter().copied().chain(insts) {
            func.layout.remove_inst(inst);
            func.layout.insert_inst(inst, end);
        }
    }
}

/// What is alive at a place.
struct Alive {
    is_alive: Vec<bool>,
    counts: [i64; 2],
}

impl Alive {
    /// At the end.
    fn new(code: &Code) -> Alive {
        let mut alive = Alive { is_alive: vec![false; code.kinds.len()], counts: [0; 2] };
        code.at_end.iter().for_each(|&value| alive.set(code, value, true));
        alive
    }

    fn set(&mut self, code: &Code, value: usize, is_alive: bool) {
        if self.is_alive[value] != is_alive {
            self.is_alive[value] = is_alive;
            self.counts[code.kinds[value]] += if is_alive { 1 } else { -1 };
        }
    }

    fn go_before(&mut self, code: &Code, node: usize) {
        let node = &code.nodes[node];
        node.results.iter().for_each(|&value| self.set(code, value, false));
        node.needs.iter().for_each(|&value| self.set(code, value, true));
    }

    /// How many more values are alive before a node.
    fn growth(&self, code: &Code, node: usize) -> i64 {
        let node = &code.nodes[node];
        let dead = node.needs.iter().filter(|&&value| !self.is_alive[value]).count();
        let made = node.results.iter().filter(|&&value| self.is_alive[value]).count();
        dead as i64 - made as i64
    }
}
