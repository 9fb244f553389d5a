//! Tables of branches: which ones are worth a table.
//!
//! In: the targets of a `br_table`. Out: comparisons where few do, a look at a bit where there are two targets, or else a table.
//!
//! Always true: indices are compared as unsigned numbers, and what is not in the table goes where the last target says.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockCall, InstBuilder, JumpTableData, Value, types};
use wasmparser::BrTable;

use super::control::block_args;
use super::state::Translator;

/// How many comparisons are at most made instead of looking into a table.
const MOST_COMPARISONS: usize = 3;
/// How many indices can be looked up in a number.
const MOST_BITS: usize = 64;

/// Indices next to each other that have the same target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Run {
    /// The first index behind them.
    end: u32,
    /// The target, by its depth.
    depth: u32,
}

/// The targets, as runs. Behind the last of them all goes to `default`.
fn runs(targets: &[u32], default: u32) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (end, &depth) in (1..).zip(targets) {
        match runs.last_mut() {
            Some(last) if last.depth == depth => last.end = end,
            _ => runs.push(Run { end, depth }),
        }
    }
    runs.pop_if(|last| last.depth == default);
    runs
}

/// If all targets are this one and one other: the other, and which indices lead there, as bits.
fn bits(targets: &[u32], default: u32) -> Option<(u32, u64)> {
    let other = *targets.iter().find(|&&target| target != default)?;
    let fit = targets.len() <= MOST_BITS;
    let are_two = targets.iter().all(|target| [default, other].contains(target));
    let bit = |(index, &target): (usize, &u32)| u64::from(target == other) << index;
    (fit && are_two).then(|| (other, targets.iter().enumerate().map(bit).sum()))
}

impl Translator<'_, '_> {
    pub fn br_table(&mut self, targets: &BrTable<'_>) {
        let index = self.pop();
        let default = targets.default();
        let targets: Vec<u32> =
            targets.targets().map(|depth| depth.expect("the validator has read it")).collect();
        match self.plan.compares {
            true => self.branch_by_few(index, &targets, default),
            false => self.branch_by_table(index, &targets, default),
        }
        self.reachable = false;
    }

    fn branch_by_few(&mut self, index: Value, targets: &[u32], default: u32) {
        let runs = runs(targets, default);
        if runs.len() <= MOST_COMPARISONS {
            for run in runs {
                let next = self.new_block();
                let is_below = self.is_below(index, run.end);
                self.branch_if(is_below, run.depth, next);
            }
            let (label, arguments) = self.branch(default);
            self.builder.ins().jump(label, &block_args(&arguments));
            return;
        }
        let Some((other, bits)) = bits(targets, default) else {
            return self.branch_by_table(index, targets, default);
        };
        let in_table = self.new_block();
        let is_behind = self.builder.ins().icmp_imm_u(
            IntCC::UnsignedGreaterThanOrEqual,
            index,
            targets.len() as i64,
        );
        self.branch_if(is_behind, default, in_table);
        let bits = self.builder.ins().iconst(types::I64, bits as i64);
        let bits = self.builder.ins().ushr(bits, index);
        let bit = self.builder.ins().band_imm_u(bits, 1);
        let elsewhere = self.new_block();
        self.branch_if(bit, other, elsewhere);
        let (label, arguments) = self.branch(default);
        self.builder.ins().jump(label, &block_args(&arguments));
    }

    fn is_below(&mut self, index: Value, end: u32) -> Value {
        match end {
            1 => self.builder.ins().icmp_imm_u(IntCC::Equal, index, 0),
            _ => self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, index, i64::from(end)),
        }
    }

    /// Branches to a label, or goes on in a new block.
    fn branch_if(&mut self, condition: Value, depth: u32, next: Block) {
        let (label, arguments) = self.branch(depth);
        let arguments = block_args(&arguments);
        self.builder.ins().brif(condition, label, &arguments, next, &[]);
        self.go_on_in(next);
    }

    fn branch_by_table(&mut self, index: Value, targets: &[u32], default: u32) {
        let mut call = |depth: u32| {
            let (label, arguments) = self.branch(depth);
            let arguments = block_args(&arguments);
            BlockCall::new(label, arguments, &mut self.builder.func.dfg.value_lists)
        };
        let default = call(default);
        let table: Vec<BlockCall> = targets.iter().map(|&depth| call(depth)).collect();
        let table = self.builder.create_jump_table(JumpTableData::new(default, &table));
        self.builder.ins().br_table(index, table);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_next_to_each_other_are_one() {
        let run = |end, depth| Run { end, depth };
        assert_eq!(runs(&[], 7), []);
        assert_eq!(runs(&[7, 7], 7), []);
        assert_eq!(runs(&[1, 1, 2, 7, 7], 7), [run(2, 1), run(3, 2)]);
        assert_eq!(runs(&[7, 1], 7), [run(1, 7), run(2, 1)]);
        assert_eq!(runs(&[0, 1, 2], 3), [run(1, 0), run(2, 1), run(3, 2)]);
    }

    #[test]
    fn two_targets_are_bits() {
        assert_eq!(bits(&[3, 1, 3, 1, 1], 3), Some((1, 0b11010)));
        assert_eq!(bits(&[3, 1, 2], 3), None);
        assert_eq!(bits(&[3, 3], 3), None);
        let all = [0; 64];
        assert_eq!(bits(&all, 1), Some((0, u64::MAX)));
        assert_eq!(bits(&[0; 65], 1), None);
    }
}
