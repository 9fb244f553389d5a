//! Blocks, branches, returns.
//!
//! Always true: the value stack holds values of reachable code only. Code that cannot be reached is not translated; of it,
//! only the nesting of blocks is followed.

use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Value};
use wasmparser::{BlockType, Operator};
use wootz_runtime::abi::trap::TrapCode;
use wootz_runtime::abi::types::ValType;

use super::state::{Frame, FrameKind, Translator, trap};
use crate::convention::{clif_type, value_flags};
use crate::parse::val_type;

impl Translator<'_, '_> {
    /// Opens the outermost block, whose label is the return.
    pub fn open_function(&mut self) {
        let results = self.ty.results.to_vec();
        let next = self.block_with_params(&results);
        self.open(FrameKind::Block, next, results.len(), next, results.len(), 0);
    }

    pub fn block(&mut self, ty: BlockType) {
        let (params, results) = self.block_type(ty);
        let next = self.block_with_params(&results);
        self.open(FrameKind::Block, next, results.len(), next, results.len(), params.len());
    }

    pub fn loop_(&mut self, ty: BlockType) {
        let (params, results) = self.block_type(ty);
        let header = self.block_with_params(&params);
        let next = self.block_with_params(&results);
        let label = if self.epoch.is_some() { self.block_with_params(&params) } else { header };
        let arguments = self.top(params.len());
        let entry = self.builder.ins().jump(header, &block_args(&arguments));
        self.builder.switch_to_block(header);
        self.stack.truncate(self.stack.len() - params.len());
        self.stack.extend_from_slice(self.builder.block_params(header));
        let position = self.builder.srcloc();
        let kind = FrameKind::Loop { header, entry, ways_back: 0, position };
        self.open(kind, label, params.len(), next, results.len(), params.len());
        self.check_fuel();
    }

    pub fn if_(&mut self, ty: BlockType) {
        let (params, results) = self.block_type(ty);
        let condition = self.pop();
        let arguments = self.top(params.len());
        let then = self.new_block();
        let otherwise = self.new_block();
        let next = self.block_with_params(&results);
        self.builder.ins().brif(condition, then, &[], otherwise, &[]);
        self.builder.seal_block(then);
        self.builder.seal_block(otherwise);
        self.builder.switch_to_block(then);
        let unlikely = self.hint == Some(true);
        let kind = FrameKind::If { otherwise, params: arguments, unlikely };
        self.open(kind, next, results.len(), next, results.len(), params.len());
        match self.hint {
            Some(true) => self.builder.set_cold_block(otherwise),
            Some(false) => self.begin_cold(then),
            None => {}
        }
    }

    pub fn else_(&mut self) {
        let results = self.frame(0).results;
        if self.reachable {
            let (arguments, next) = (self.top(results), self.frame(0).next);
            self.jump(next, &arguments);
            self.frame(0).next_is_reached = true;
        }
        let frame = self.frame(0);
        let height = frame.height;
        let FrameKind::If { otherwise, params, unlikely } =
            std::mem::replace(&mut frame.kind, FrameKind::Block)
        else {
            unreachable!("validation admits `else` in an `if` only");
        };
        self.stack.truncate(height);
        self.stack.extend(params);
        self.builder.switch_to_block(otherwise);
        self.reachable = true;
        self.end_cold(self.control.len());
        if unlikely {
            self.begin_cold(otherwise);
        }
    }

    pub fn end(&mut self) {
        let mut frame = self.control.pop().expect("validated code has as many `end` as blocks");
        if self.reachable {
            let arguments = self.top(frame.results);
            self.jump(frame.next, &arguments);
            frame.next_is_reached = true;
        }
        match frame.kind {
            FrameKind::Block => {}
            FrameKind::Loop { header, entry, ways_back, position } => {
                if frame.label != header {
                    if ways_back > 1 {
                        // Of several, none could be where what is asked is followed by the turn; so it is asked in front of the first, too.
                        self.builder.change_jump_destination(entry, header, frame.label);
                    }
                    self.builder.seal_block(frame.label);
                    if ways_back > 0 {
                        let end = self.builder.srcloc();
                        self.builder.switch_to_block(frame.label);
                        self.builder.set_srcloc(position);
                        self.begin_again(header);
                        self.builder.set_srcloc(end);
                    }
                }
                self.builder.seal_block(header);
            }
            FrameKind::If { otherwise, params, .. } => {
                self.builder.switch_to_block(otherwise);
                self.jump(frame.next, &params);
                frame.next_is_reached = true;
            }
            FrameKind::Unreachable => return,
        }
        self.end_cold(self.control.len() + 1);
        self.stack.truncate(frame.height);
        self.builder.switch_to_block(frame.next);
        self.builder.seal_block(frame.next);
        self.reachable = frame.next_is_reached;
        self.stack.extend_from_slice(self.builder.block_params(frame.next));
        if self.control.is_empty() {
            self.leave_function();
        }
    }

    /// An operator that cannot be reached: only the nesting of blocks counts.
    pub fn unreachable_operator(&mut self, operator: &Operator<'_>) {
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                let block = Block::from_u32(0);
                self.open(FrameKind::Unreachable, block, 0, block, 0, 0);
            }
            Operator::Else if matches!(self.frame(0).kind, FrameKind::If { .. }) => self.else_(),
            Operator::End => self.end(),
            _ => {}
        }
    }

    /// Traps. What follows cannot be reached.
    pub fn trap_always(&mut self, code: TrapCode) {
        // Otherwise a branch to it would trap itself, where the condition is, and perhaps in another function.
        self.builder.ins().sequence_point();
        if let Some(block) = self.builder.current_block()
            && Some(block) != self.builder.func.layout.entry_block()
        {
            self.builder.set_cold_block(block);
        }
        self.builder.ins().trap(trap(code));
        self.reachable = false;
    }

    pub fn br(&mut self, depth: u32) {
        if self.floor == 0 && depth as usize + 1 == self.control.len() {
            // Each return leaves by itself: a common exit would cost a jump, and registers to carry the results there.
            let results = self.top(self.ty.results.len());
            return self.leave_with(&results);
        }
        let (label, arguments) = self.branch(depth);
        self.jump(label, &arguments);
        self.reachable = false;
    }

    pub fn br_if(&mut self, depth: u32) {
        let condition = self.pop();
        let (label, arguments) = self.branch(depth);
        let arguments = block_args(&arguments);
        let next = self.new_block();
        if self.hint == Some(false) {
            // The label itself may be likely, by way of other branches.
            let taken = self.builder.create_block();
            self.builder.set_cold_block(taken);
            self.builder.ins().brif(condition, taken, &[], next, &[]);
            self.go_on_in(taken);
            self.builder.ins().jump(label, &arguments);
        } else {
            self.builder.ins().brif(condition, label, &arguments, next, &[]);
        }
        self.go_on_in(next);
        if self.hint == Some(true) {
            self.begin_cold(next);
        }
    }

    pub fn br_on_null(&mut self, depth: u32) {
        let reference = self.pop();
        let (label, arguments) = self.branch(depth);
        let arguments = block_args(&arguments);
        let next = self.new_block();
        self.builder.ins().brif(reference, next, &[], label, &arguments);
        self.go_on_in(next);
        self.push(reference);
    }

    pub fn br_on_non_null(&mut self, depth: u32) {
        // The reference is the last of the values that the branch carries.
        let (label, arguments) = self.branch(depth);
        let reference = self.pop();
        let arguments = block_args(&arguments);
        let next = self.new_block();
        self.builder.ins().brif(reference, label, &arguments, next, &[]);
        self.go_on_in(next);
    }

    /// From `block` to the end of the innermost block that is open, code is not likely to be executed.
    fn begin_cold(&mut self, block: Block) {
        self.builder.set_cold_block(block);
        self.cold.get_or_insert(self.control.len());
    }

    /// Where the innermost of `open` blocks ends, or its `else` comes.
    fn end_cold(&mut self, open: usize) {
        if self.cold == Some(open) {
            self.cold = None;
        }
    }

    /// A block, in the course of the code being translated.
    pub fn new_block(&mut self) -> Block {
        let block = self.builder.create_block();
        if self.cold.is_some() {
            self.builder.set_cold_block(block);
        }
        block
    }

    /// What follows is the code of a block that all branches to are known of.
    pub fn go_on_in(&mut self, block: Block) {
        self.builder.seal_block(block);
        self.builder.switch_to_block(block);
    }

    pub fn return_(&mut self) {
        self.br((self.control.len() - self.floor) as u32 - 1);
    }

    pub fn select(&mut self, ty: Option<wasmparser::ValType>) {
        let (then, otherwise, condition) = self.pop3();
        let (then, otherwise) = self.alike(then, otherwise);
        let value = self.builder.ins().select(condition, then, otherwise);
        // Without a type, it is a number.
        if let Some(ty) = ty {
            self.note_reference(value, val_type(self.plan.module, ty));
        }
        self.push(value);
    }

    fn leave_function(&mut self) {
        if !self.reachable {
            // The block is empty and nothing goes there, but every block needs an end.
            self.builder.ins().trap(trap(TrapCode::UnreachableCodeReached));
            return;
        }
        let results = std::mem::take(&mut self.stack);
        self.leave_with(&results);
    }

    fn leave_with(&mut self, results: &[Value]) {
        self.before_return();
        match self.result_memory {
            None => {
                self.builder.ins().return_(results);
            }
            Some(memory) => {
                for (position, &value) in results.iter().enumerate() {
                    let offset = position as i32 * 16;
                    let flags = value_flags(self.builder.func.dfg.value_type(value));
                    self.builder.ins().store(flags, value, memory, offset);
                }
                self.builder.ins().return_(&[]);
            }
        }
        self.reachable = false;
    }

    fn open(
        &mut self,
        kind: FrameKind,
        label: Block,
        label_arity: usize,
        next: Block,
        results: usize,
        params: usize,
    ) {
        let height = self.stack.len() - params;
        self.control.push(Frame {
            kind,
            label,
            label_arity,
            next,
            results,
            height,
            next_is_reached: false,
        });
    }

    fn frame(&mut self, depth: u32) -> &mut Frame {
        let position = self.control.len() - 1 - depth as usize;
        &mut self.control[position]
    }

    /// Where a branch goes, and what it carries.
    pub fn branch(&mut self, depth: u32) -> (Block, Vec<Value>) {
        let frame = self.frame(depth);
        match &mut frame.kind {
            FrameKind::Loop { ways_back, .. } => *ways_back += 1,
            _ => frame.next_is_reached = true,
        }
        let (label, arity) = (frame.label, frame.label_arity);
        (label, self.top(arity))
    }

    pub fn jump(&mut self, block: Block, arguments: &[Value]) {
        self.builder.ins().jump(block, &block_args(arguments));
    }

    pub fn block_with_params(&mut self, types: &[ValType]) -> Block {
        let block = self.new_block();
        for &ty in types {
            let param = self.builder.append_block_param(block, clif_type(ty));
            self.note_reference(param, ty);
        }
        block
    }
}

pub fn block_args(values: &[Value]) -> Vec<BlockArg> {
    values.iter().map(|&value| BlockArg::Value(value)).collect()
}
