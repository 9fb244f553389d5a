//! Fuel and epochs: where a guest that runs too long can be stopped.
//!
//! Fuel is counted in the store's context, negative while there is some left. A function keeps the count in a variable
//! of its own, and adds what straight-line code costs in one step before control flow: one unit for each operator, and
//! one for the call itself ([`cost`]). Whether it has run out is asked where every long execution must pass: at the
//! beginning of functions, in loops, and before bulk operations, which cost a unit for each byte or element.
//!
//! At the same places the engine's epoch is compared with the store's deadline, of which a function keeps a copy.
//!
//! Always true: what a function has consumed is in the store's context whenever control leaves the function.

use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value, types};
use wasmparser::Operator;
use wootz_runtime::abi::builtin::Builtin;
use wootz_runtime::abi::vmctx::{VmContextHeader, VmStoreContext};

use super::state::{Epoch, Fuel, Region, Translator};
use crate::convention::POINTER;

/// Below this many units, bulk operations need no check of their own.
const SMALL_BULK_COST: i64 = 128;

/// What being called costs.
const CALL_COST: i64 = 1;

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
            let deadline = self.builder.declare_var(types::I64);
            let address = self.builder.declare_var(POINTER);
            let store = self.store_context();
            let epoch =
                self.load_constant(POINTER, store, offset_of!(VmStoreContext, epoch) as u32);
            self.builder.def_var(address, epoch);
            let epoch = Epoch { deadline, address };
            self.epoch = Some(epoch);
            self.load_deadline(epoch);
        }
        self.check_fuel();
        if let Some(epoch) = self.epoch {
            let now = self.now(epoch);
            let go_on = self.new_block();
            self.go_on_before_deadline(epoch, now, go_on);
            self.ask_for_deadline(epoch, go_on);
        }
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

    /// At the beginning of a loop's body, and of anything else that may take long.
    pub fn checkpoint(&mut self) {
        self.check_fuel();
        if let Some(epoch) = self.epoch {
            let now = self.now(epoch);
            let go_on = self.new_block();
            self.go_on_before_deadline(epoch, now, go_on);
            // The copy may be out of date.
            self.load_deadline(epoch);
            self.go_on_before_deadline(epoch, now, go_on);
            self.ask_for_deadline(epoch, go_on);
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
            self.checkpoint();
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

    fn check_fuel(&mut self) {
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

    /// The engine's epoch.
    fn now(&mut self, epoch: Epoch) -> Value {
        let address = self.builder.use_var(epoch.address);
        // Another thread changes it at any time. The call behind each check keeps this load from being shared with the
        // one before.
        let flags = self.trusted(Region::Epoch);
        self.builder.ins().load(types::I64, flags, address, 0)
    }

    /// Copies the deadline from the store's context.
    fn load_deadline(&mut self, epoch: Epoch) {
        let store = self.store_context();
        let flags = self.trusted(Region::Epoch);
        let offset = offset_of!(VmStoreContext, epoch_deadline) as i32;
        let deadline = self.builder.ins().load(types::I64, flags, store, offset);
        self.builder.def_var(epoch.deadline, deadline);
    }

    /// Goes on if the deadline has not come; what follows is the case that it has.
    fn go_on_before_deadline(&mut self, epoch: Epoch, now: Value, go_on: Block) {
        let reached = self.builder.create_block();
        self.builder.set_cold_block(reached);
        let deadline = self.builder.use_var(epoch.deadline);
        let is_reached = self.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, now, deadline);
        self.builder.ins().brif(is_reached, reached, &[], go_on, &[]);
        self.builder.seal_block(reached);
        self.builder.switch_to_block(reached);
    }

    /// Asks the host for another deadline, and goes on if it gives one.
    fn ask_for_deadline(&mut self, epoch: Epoch, go_on: Block) {
        // The host may look at the fuel, or change it.
        self.store_fuel();
        self.builtin(Builtin::epoch_reached, &[]);
        self.load_fuel();
        self.load_deadline(epoch);
        self.builder.ins().jump(go_on, &[]);
        self.builder.seal_block(go_on);
        self.builder.switch_to_block(go_on);
    }

    fn store_context(&mut self) -> Value {
        self.load_constant(POINTER, self.vmctx, offset_of!(VmContextHeader, store) as u32)
    }
}
