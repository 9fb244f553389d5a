//! Fuel and epochs: where a guest that runs too long can be stopped.
//!
//! Fuel is counted in the store's context, negative while there is some left. A function keeps the count in a variable
//! of its own, and adds what straight-line code costs in one step before control flow: one unit for each operator, and
//! one for the call itself ([`cost`]). Whether it has run out is asked where every long execution must pass: at the
//! beginning of functions, in loops, and before bulk operations, which cost a unit for each byte or element.
//!
//! At the same places the engine's epoch is compared with the store's deadline. When optimising, loops do so once in many turns, and
//! when control may have been outside of the module: what is executed in between takes less than an instant. Otherwise in each turn,
//! with a copy of the deadline that the function keeps.
//!
//! Always true: what a function has consumed is in the store's context whenever control leaves the function.

use std::mem::offset_of;
use std::ops::RangeInclusive;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value, types};
use cranelift_frontend::Variable;
use wasmparser::Operator;
use wootz_runtime::abi::builtin::Builtin;
use wootz_runtime::abi::vmctx::{VmContextHeader, VmStoreContext};

use super::control::block_args;
use super::state::{Epoch, Fuel, Region, Translator};
use crate::convention::POINTER;

/// Below this many units, bulk operations need no check of their own.
const SMALL_BULK_COST: i64 = 128;

/// What being called costs.
const CALL_COST: i64 = 1;

/// About so many bytes of a function's body are executed, at most, before a loop looks at the epoch.
const BYTES_UNASKED: usize = 1 << 18;

/// How many turns a loop makes, at least and at most, before it looks at the epoch.
const TURNS_UNASKED: RangeInclusive<usize> = 16..=1024;

/// What operations cost at most, so that sums do not wrap around. No operation of this size succeeds.
const MOST_UNITS: i64 = i64::MAX / 2;

/// How much fuel an operator costs, apart from what depends on its operands.
fn cost(operator: &Operator<'_>) -> i64 {
    use Operator as Op;
    match operator {
        // Nothing is executed for these, or nothing to speak of.
        Op::Nop
        | Op::Drop
        | Op::Block { .. }
        | Op::Loop { .. }
        | Op::Unreachable
        | Op::Return
        | Op::Else
        | Op::End => 0,
        _ => 1,
    }
}

/// What becomes of the count at an operator.
#[derive(PartialEq, Eq)]
enum Flow {
    /// Control goes on to the next operator.
    Straight,
    /// Control may go elsewhere in the function.
    Branch,
    /// Control leaves the function.
    Leave,
    /// Control leaves the function and comes back.
    Call,
}

fn flow(operator: &Operator<'_>) -> Flow {
    use Operator as Op;
    match operator {
        Op::Call { .. } | Op::CallIndirect { .. } | Op::CallRef { .. } => Flow::Call,
        // The host is asked, if the epoch deadline comes meanwhile.
        Op::MemoryAtomicWait32 { .. } | Op::MemoryAtomicWait64 { .. } => Flow::Call,
        Op::Unreachable
        | Op::Return
        | Op::ReturnCall { .. }
        | Op::ReturnCallIndirect { .. }
        | Op::ReturnCallRef { .. } => Flow::Leave,
        Op::Loop { .. }
        | Op::If { .. }
        | Op::Else
        | Op::End
        | Op::Br { .. }
        | Op::BrIf { .. }
        | Op::BrOnNull { .. }
        | Op::BrOnNonNull { .. }
        | Op::BrTable { .. } => Flow::Branch,
        _ => Flow::Straight,
    }
}

impl Translator<'_, '_> {
    /// At the beginning of the function.
    pub fn begin_interruptible(&mut self) {
        if self.plan.interrupts.fuel {
            let consumed = self.builder.declare_var(types::I64);
            self.fuel = Some(Fuel { consumed, pending: CALL_COST });
            self.load_fuel();
        }
        if self.plan.interrupts.epochs {
            let epoch = if self.plan.skips_turns {
                Epoch::SomeTurns { left: self.builder.declare_var(types::I32) }
            } else {
                let address = self.builder.declare_var(POINTER);
                let epoch = self.epoch_address();
                self.builder.def_var(address, epoch);
                let deadline = self.builder.declare_var(types::I64);
                self.load_copy_of_deadline(deadline);
                Epoch::EachTurn { address, deadline }
            };
            self.epoch = Some(epoch);
        }
        self.check_fuel();
        self.check_epoch();
    }

    /// Before each operator that can be reached.
    pub fn before_operator(&mut self, operator: &Operator<'_>) {
        let Some(fuel) = &mut self.fuel else { return };
        fuel.pending += cost(operator);
        match flow(operator) {
            Flow::Straight => {}
            Flow::Branch => self.settle_fuel(),
            Flow::Leave => self.store_fuel(),
            Flow::Call => {
                self.was_inlined = false;
                self.store_fuel();
            }
        }
    }

    /// After each operator behind which code can be reached.
    pub fn after_operator(&mut self, operator: &Operator<'_>) {
        if self.fuel.is_some() && flow(operator) == Flow::Call && !self.was_inlined {
            self.load_fuel();
        }
    }

    /// At the beginning of a function that is translated in place of a call.
    pub fn begin_inlined(&mut self) {
        if let Some(fuel) = &mut self.fuel {
            fuel.pending += CALL_COST;
        }
    }

    /// Before the function returns.
    pub fn before_return(&mut self) {
        if self.fuel.is_some() {
            self.store_fuel();
        }
    }

    /// At a loop's label: looks at the epoch, and begins another turn.
    pub fn begin_again(&mut self, header: Block) {
        let label = self.builder.current_block().expect("it was switched to");
        let arguments = self.builder.block_params(label).to_vec();
        if let Some(Epoch::SomeTurns { left }) = self.epoch {
            let before = self.builder.use_var(left);
            let after = self.builder.ins().iadd_imm_s(before, -1);
            self.builder.def_var(left, after);
            let none_left = self.builder.create_block();
            self.builder.set_cold_block(none_left);
            self.builder.ins().brif(after, header, &block_args(&arguments), none_left, &[]);
            self.go_on_in(none_left);
        }
        self.ask_for_epoch(header, &arguments);
    }

    /// Behind anything that may have taken long without having asked.
    pub fn has_been_away(&mut self) {
        if let Some(Epoch::SomeTurns { left }) = self.epoch {
            let one = self.builder.ins().iconst(types::I32, 1);
            self.builder.def_var(left, one);
        }
    }

    /// Before an operation on `units` bytes or elements.
    pub fn before_bulk(&mut self, units: Value) {
        if self.fuel.is_none() && self.epoch.is_none() {
            return;
        }
        let known = self.known_constant(units);
        if let Some(fuel) = &mut self.fuel {
            match known {
                Some(units) => fuel.pending = fuel.pending.saturating_add(units),
                None => self.consume(units),
            }
        }
        if known.is_none_or(|units| units > SMALL_BULK_COST) {
            self.check_fuel();
            self.check_epoch();
            self.has_been_away();
        }
    }

    fn consume(&mut self, units: Value) {
        let Some(fuel) = self.fuel else { return };
        self.settle_fuel();
        let units = match self.builder.func.dfg.value_type(units) {
            types::I32 => self.builder.ins().uextend(types::I64, units),
            _ => {
                let most = self.builder.ins().iconst(types::I64, MOST_UNITS);
                self.builder.ins().umin(units, most)
            }
        };
        let consumed = self.builder.use_var(fuel.consumed);
        let consumed = self.builder.ins().iadd(consumed, units);
        self.builder.def_var(fuel.consumed, consumed);
    }

    /// The value, if it is a constant. As an unsigned number, at most [`MOST_UNITS`].
    fn known_constant(&self, value: Value) -> Option<i64> {
        let bits = self.known_integer(value)?;
        Some(match self.builder.func.dfg.value_type(value) {
            types::I32 => i64::from(bits as u32),
            _ => (bits as u64).min(MOST_UNITS as u64) as i64,
        })
    }

    /// Adds what is pending to the variable.
    fn settle_fuel(&mut self) {
        let Some(fuel) = &mut self.fuel else { return };
        let (consumed, pending) = (fuel.consumed, std::mem::take(&mut fuel.pending));
        if pending != 0 {
            let before = self.builder.use_var(consumed);
            let after = self.builder.ins().iadd_imm_s(before, pending);
            self.builder.def_var(consumed, after);
        }
    }

    /// Writes the count to the store's context.
    fn store_fuel(&mut self) {
        self.settle_fuel();
        let Some(fuel) = self.fuel else { return };
        let store = self.store_context();
        let consumed = self.builder.use_var(fuel.consumed);
        let flags = self.trusted(Region::Fuel);
        let offset = offset_of!(VmStoreContext, fuel) as i32;
        self.builder.ins().store(flags, consumed, store, offset);
    }

    /// Reads the count from the store's context.
    fn load_fuel(&mut self) {
        let Some(fuel) = self.fuel else { return };
        let store = self.store_context();
        let flags = self.trusted(Region::Fuel);
        let offset = offset_of!(VmStoreContext, fuel) as i32;
        let consumed = self.builder.ins().load(types::I64, flags, store, offset);
        self.builder.def_var(fuel.consumed, consumed);
    }

    /// Asks for more fuel, if there is none left.
    pub fn check_fuel(&mut self) {
        self.settle_fuel();
        let Some(fuel) = self.fuel else { return };
        let empty = self.builder.create_block();
        let go_on = self.new_block();
        self.builder.set_cold_block(empty);
        let consumed = self.builder.use_var(fuel.consumed);
        let is_empty = self.builder.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, consumed, 0);
        self.builder.ins().brif(is_empty, empty, &[], go_on, &[]);
        self.builder.seal_block(empty);
        self.builder.switch_to_block(empty);
        self.store_fuel();
        self.builtin(Builtin::out_of_fuel, &[]);
        self.load_fuel();
        self.builder.ins().jump(go_on, &[]);
        self.builder.seal_block(go_on);
        self.builder.switch_to_block(go_on);
    }

    /// Asks the host for another deadline, if the one there is has come.
    fn check_epoch(&mut self) {
        if self.epoch.is_some() {
            let go_on = self.new_block();
            self.ask_for_epoch(go_on, &[]);
            self.go_on_in(go_on);
        }
    }

    /// The same, and then goes on in a block.
    fn ask_for_epoch(&mut self, go_on: Block, arguments: &[Value]) {
        let Some(epoch) = self.epoch else { return };
        let is_reached = match epoch {
            Epoch::EachTurn { address, deadline } => {
                let address = self.builder.use_var(address);
                let now = self.load_anew(address, 0);
                let known = self.builder.use_var(deadline);
                self.go_on_before(known, now, go_on, arguments);
                // The copy may be out of date.
                let known = self.load_copy_of_deadline(deadline);
                self.go_on_before(known, now, go_on, arguments)
            }
            Epoch::SomeTurns { left } => {
                // What is needed out of line only is not to be kept for it.
                let store = self.load_anew(self.vmctx, offset_of!(VmContextHeader, store));
                let deadline = self.load_anew(store, offset_of!(VmStoreContext, epoch_deadline));
                let address = self.load_anew(store, offset_of!(VmStoreContext, epoch));
                let now = self.load_anew(address, 0);
                let body = self.plan.body(self.open_functions[0]).reader.range();
                let turns = BYTES_UNASKED / (body.end - body.start).max(1) as usize;
                let turns = turns.clamp(*TURNS_UNASKED.start(), *TURNS_UNASKED.end());
                let turns = self.builder.ins().iconst(types::I32, turns as i64);
                self.builder.def_var(left, turns);
                self.go_on_before(deadline, now, go_on, arguments)
            }
        };
        // The host may look at the fuel, or change it.
        self.store_fuel();
        self.builtin(Builtin::epoch_reached, &[]);
        self.load_fuel();
        match epoch {
            Epoch::EachTurn { deadline, .. } => _ = self.load_copy_of_deadline(deadline),
            Epoch::SomeTurns { left } => {
                // The new one may have come already. It is 1 here, but no constant, which would be kept in a register for all such places.
                let one = self.builder.ins().uextend(types::I32, is_reached);
                self.builder.def_var(left, one);
            }
        }
        self.jump(go_on, arguments);
    }

    /// Where the engine's epoch is.
    fn epoch_address(&mut self) -> Value {
        let store = self.store_context();
        self.load_constant(POINTER, store, offset_of!(VmStoreContext, epoch) as u32)
    }

    /// Loads what another thread may change at any time. The call behind each check keeps such a load from being shared with the one
    /// before.
    fn load_anew(&mut self, address: Value, offset: usize) -> Value {
        let flags = self.trusted(Region::Epoch);
        self.builder.ins().load(types::I64, flags, address, offset as i32)
    }

    /// Makes a variable what the deadline in the store's context is.
    fn load_copy_of_deadline(&mut self, copy: Variable) -> Value {
        let store = self.store_context();
        let deadline = self.load_anew(store, offset_of!(VmStoreContext, epoch_deadline));
        self.builder.def_var(copy, deadline);
        deadline
    }

    /// Goes on if the deadline has not come; what follows is the case that it has. Returns whether it has, as a value.
    fn go_on_before(
        &mut self,
        deadline: Value,
        now: Value,
        go_on: Block,
        arguments: &[Value],
    ) -> Value {
        let reached = self.builder.create_block();
        self.builder.set_cold_block(reached);
        let is_reached = self.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, now, deadline);
        self.builder.ins().brif(is_reached, reached, &[], go_on, &block_args(arguments));
        self.go_on_in(reached);
        is_reached
    }

    fn store_context(&mut self) -> Value {
        self.load_constant(POINTER, self.vmctx, offset_of!(VmContextHeader, store) as u32)
    }
}
