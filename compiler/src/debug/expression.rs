//! Where variables are: expressions of the module's DWARF to expressions for the native code.
//!
//! In: an expression whose addresses are those of a wasm memory, and whose "registers" are locals, globals and places of the
//! operand stack. Out: one whose addresses are the process's, and which finds those in frames and in the instance.
//!
//! The base of every native frame is the slot that keeps the vmctx, so `DW_OP_fbreg 0` finds it in any function.
//!
//! Always true: what cannot be expressed gives nothing. A value in a frame is only ever read, not a place to write to: the
//! code would not notice.

use std::mem::offset_of;

use cranelift_codegen::ir::Endianness;
use gimli::write::{Address, Expression};
use gimli::{EndianSlice, LittleEndian, Operation, UnitRef, constants};
use wootz_runtime::abi::index::{GlobalIndex, MemoryIndex};
use wootz_runtime::abi::types::ValType;
use wootz_runtime::abi::vmctx::{Place, VmMemory};

use super::{CELL, big_endian};
use crate::guest_dwarf::Reader;
use crate::kept::Slot;
use crate::options::Debugger;
use crate::plan::Plan;

/// What there is in a function's frame.
pub struct Frame {
    /// The function, by its position among those with a body.
    pub function: usize,
    /// What it keeps, and how far that is from where the vmctx is kept.
    pub slots: Vec<(Slot, i64)>,
    /// The types of locals.
    pub locals: Vec<ValType>,
    /// What the function's own frame base is.
    pub base: FrameBase,
}

/// What a function's own frame base is: the address in memory from which its variables are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameBase {
    /// Not known.
    Unknown,
    /// The value of a local.
    Local(u32),
}

/// What all expressions of a module have in common.
#[derive(Clone, Copy)]
pub struct Expressions<'a> {
    /// The plan.
    pub plan: &'a Plan<'a>,
    /// The order of bytes in frames.
    pub endianness: Endianness,
    /// Whether functions return results in the registers where C has them.
    pub returns_as_c: bool,
    /// Whom it is for.
    pub debugger: Debugger,
}

impl Frame {
    /// Whether it keeps anything.
    pub fn keeps(&self) -> bool {
        !self.slots.is_empty()
    }

    fn offset(&self, slot: Slot) -> Option<i64> {
        self.slots.iter().find(|(kept, _)| *kept == slot).map(|&(_, offset)| offset)
    }
}

/// What an expression is there for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// To find a variable; if it is a number, with so many bytes.
    Variable { bytes: Option<u64> },
    /// To compute a number.
    Number,
}

/// What an expression has left on the stack so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Nothing.
    Nothing,
    /// The address of the variable, in memory 0.
    Address,
    /// Its value.
    Value,
    /// Its address in the process.
    Native,
}

impl Expressions<'_> {
    /// Where a variable is; `None` if that cannot be said. Big-endian machines need to know how many bytes it has if it is a
    /// number.
    pub fn location<'a>(
        self,
        expression: gimli::Expression<Reader<'a>>,
        unit: UnitRef<'_, Reader<'a>>,
        frame: Option<&Frame>,
        bytes: Option<u64>,
    ) -> Option<Expression> {
        self.convert(expression, unit, frame, Wanted::Variable { bytes })
    }

    /// A number, such as the size of an array, that an expression computes.
    pub fn number<'a>(
        self,
        expression: gimli::Expression<Reader<'a>>,
        unit: UnitRef<'_, Reader<'a>>,
        frame: Option<&Frame>,
    ) -> Option<Expression> {
        self.convert(expression, unit, frame, Wanted::Number)
    }

    fn convert<'a>(
        self,
        expression: gimli::Expression<Reader<'a>>,
        unit: UnitRef<'_, Reader<'a>>,
        frame: Option<&Frame>,
        wanted: Wanted,
    ) -> Option<Expression> {
        let mut out = Expression::new();
        let mut left = Left::Nothing;
        let mut operations = expression.operations(unit.encoding());
        let mut count = 0;
        while let Some(operation) = operations.next().ok()? {
            count += 1;
            if matches!(left, Left::Value | Left::Native)
                && !matches!(operation, Operation::Piece { .. })
            {
                // Nothing but a piece may follow.
                return None;
            }
            match operation {
                Operation::StackValue => {
                    if self.endianness == Endianness::Big {
                        // The types of the module are those of numbers with their lowest byte first.
                        let Wanted::Variable { bytes: Some(bytes) } = wanted else { return None };
                        if operations.clone().next().ok()?.is_some() {
                            return None;
                        }
                        big_endian::reverse(&mut out, bytes)?;
                    }
                    out.op(constants::DW_OP_stack_value);
                    left = Left::Value;
                    continue;
                }
                Operation::ImplicitValue { data } => {
                    out.op_implicit_value(data.slice().into());
                    left = Left::Value;
                    continue;
                }
                Operation::Piece { size_in_bits, bit_offset } => {
                    if left == Left::Address {
                        self.native(&mut out, frame)?;
                    }
                    match bit_offset {
                        None => out.op_piece(size_in_bits / 8),
                        Some(offset) => out.op_bit_piece(size_in_bits, offset),
                    }
                    left = Left::Nothing;
                    continue;
                }
                // The whole variable, and too wide for the stack of expressions.
                Operation::WasmLocal { index }
                    if frame.is_some_and(|frame| {
                        frame.locals.get(index as usize) == Some(&ValType::V128)
                    }) =>
                {
                    out.op_fbreg(frame?.offset(Slot::Local(index))?);
                    let mut rest = operations;
                    let is_value = matches!(rest.next(), Ok(Some(Operation::StackValue)));
                    operations = rest;
                    if !is_value || count != 1 || self.endianness == Endianness::Big {
                        return None;
                    }
                    left = Left::Native;
                    continue;
                }
                operation => self.operation(&mut out, operation, unit, frame)?,
            }
            left = Left::Address;
        }
        match left {
            Left::Nothing if count == 0 => return None,
            Left::Address if wanted != Wanted::Number => self.native(&mut out, frame)?,
            _ => {}
        }
        Some(out)
    }

    /// One operation that computes on the stack.
    fn operation<'a>(
        self,
        out: &mut Expression,
        operation: Operation<EndianSlice<'a, LittleEndian>>,
        unit: UnitRef<'_, Reader<'a>>,
        frame: Option<&Frame>,
    ) -> Option<()> {
        match operation {
            Operation::WasmLocal { index } => self.local(out, index, frame?)?,
            Operation::WasmGlobal { index } => self.global(out, index, frame)?,
            Operation::WasmStack { index } => self.operand(out, index, frame?)?,
            Operation::FrameOffset { offset } => {
                let frame = frame?;
                let FrameBase::Local(index) = frame.base else { return None };
                self.local(out, index, frame)?;
                out.op_consts(offset);
                out.op(constants::DW_OP_plus);
            }
            Operation::Address { address } => out.op_constu(address),
            Operation::AddressIndex { index } => out.op_constu(unit.address(index).ok()?),
            Operation::ConstantIndex { index } => out.op_constu(unit.address(index).ok()?),
            Operation::UnsignedConstant { value } => out.op_constu(value),
            Operation::SignedConstant { value } => out.op_consts(value),
            Operation::PlusConstant { value } => out.op_plus_uconst(value),
            Operation::Deref { size, space: false, .. } => {
                self.native(out, frame)?;
                // What lies in memory has its lowest byte first, on every machine.
                if self.endianness == Endianness::Big {
                    return None;
                }
                let whole = if self.has_wide_addresses() { 8 } else { 4 };
                let address_bytes = unit.encoding().address_size;
                out.op_deref_size(if size == address_bytes { whole } else { size });
            }
            Operation::Drop => out.op(constants::DW_OP_drop),
            Operation::Pick { index } => out.op_pick(index),
            Operation::Swap => out.op(constants::DW_OP_swap),
            Operation::Rot => out.op(constants::DW_OP_rot),
            Operation::And => out.op(constants::DW_OP_and),
            Operation::Minus => out.op(constants::DW_OP_minus),
            Operation::Mul => out.op(constants::DW_OP_mul),
            Operation::Neg => out.op(constants::DW_OP_neg),
            Operation::Not => out.op(constants::DW_OP_not),
            Operation::Or => out.op(constants::DW_OP_or),
            Operation::Plus => out.op(constants::DW_OP_plus),
            Operation::Shl => out.op(constants::DW_OP_shl),
            Operation::Xor => out.op(constants::DW_OP_xor),
            Operation::Nop => {}
            // What depends on the width of the stack, or on what is not there.
            _ => return None,
        }
        Some(())
    }

    fn local(self, out: &mut Expression, index: u32, frame: &Frame) -> Option<()> {
        let bytes = match frame.locals.get(index as usize)? {
            ValType::I32 | ValType::F32 => 4,
            ValType::I64 | ValType::F64 => 8,
            ValType::V128 | ValType::Ref(_) => return None,
        };
        out.op_fbreg(frame.offset(Slot::Local(index))?);
        out.op_deref_size(bytes);
        Some(())
    }

    fn operand(self, out: &mut Expression, index: u32, frame: &Frame) -> Option<()> {
        out.op_fbreg(frame.offset(Slot::Operand(index))?);
        // Numbers of 32 bits fill the lower half, which on big-endian machines is not the first.
        if self.endianness == Endianness::Big {
            return None;
        }
        out.op_deref_size(if self.has_wide_addresses() { 8 } else { 4 });
        Some(())
    }

    fn global(self, out: &mut Expression, index: u32, frame: Option<&Frame>) -> Option<()> {
        let bytes = match self.plan.module.globals.get(index as usize)?.value {
            ValType::I32 | ValType::F32 => 4,
            ValType::I64 | ValType::F64 => 8,
            ValType::V128 | ValType::Ref(_) => return None,
        };
        self.global_address(out, GlobalIndex(index), self.context(frame));
        out.op_deref_size(bytes);
        Some(())
    }

    /// Makes of an address in memory 0 the address in the process.
    fn native(self, out: &mut Expression, frame: Option<&Frame>) -> Option<()> {
        if !self.has_wide_addresses() {
            out.op_constu(u32::MAX.into());
            out.op(constants::DW_OP_and);
        }
        self.memory_base(out, self.context(frame))?;
        out.op(constants::DW_OP_plus);
        Some(())
    }

    /// Where a variable of a function with this frame, or of none, is looked at.
    fn context(self, frame: Option<&Frame>) -> Context {
        match (frame.is_some_and(Frame::keeps), self.debugger) {
            (true, _) => Context::Frame,
            (false, Debugger::Gdb) => Context::Anywhere,
            (false, Debugger::Lldb) => Context::Maybe,
        }
    }

    /// Pushes the address of memory 0; or 0, where it cannot be said whose.
    pub fn memory_base(self, out: &mut Expression, context: Context) -> Option<()> {
        self.base_of_memory(out, MemoryIndex(0), context)
    }

    /// Pushes the address of any memory; or 0, where it cannot be said whose.
    pub fn base_of_memory(
        self,
        out: &mut Expression,
        index: MemoryIndex,
        context: Context,
    ) -> Option<()> {
        let memory = self.plan.module.memories.get(index.index())?;
        let base = offset_of!(VmMemory, base) as u64;
        let place = self.plan.layout.memory(index, memory.shared);
        with_vmctx(out, context, |out| {
            match place {
                Place::Record(offset) => out.op_plus_uconst(u64::from(offset) + base),
                Place::Pointer(offset) => {
                    out.op_plus_uconst(offset.into());
                    out.op_deref();
                    out.op_plus_uconst(base);
                }
            }
            out.op_deref();
        });
        Some(())
    }

    /// Pushes the address of a global; or 0, where it cannot be said whose.
    pub fn global_address(self, out: &mut Expression, index: GlobalIndex, context: Context) {
        let place = self.plan.layout.global(index);
        with_vmctx(out, context, |out| match place {
            Place::Record(offset) => out.op_plus_uconst(offset.into()),
            Place::Pointer(offset) => {
                out.op_plus_uconst(offset.into());
                out.op_deref();
            }
        });
    }

    /// Whether addresses in memory 0 have 64 bits.
    pub fn has_wide_addresses(self) -> bool {
        self.plan.module.memories.first().is_some_and(|memory| memory.memory64)
    }
}

/// Where an expression is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Context {
    /// In a frame of a function that keeps its vmctx.
    Frame,
    /// Anywhere, maybe without any frame.
    Anywhere,
    /// Where a frame may be selected, or may not.
    Maybe,
}

/// Pushes what follows from the vmctx.
///
/// The cell has it if there is only one instance, and 0 with several: then the frame that is being looked at decides; or where
/// there need not be one, the result is 0, and nothing more is read: expressions that fail take watchpoints with them. (Of a
/// variable that could need a frame, gdb believes that it goes with the frame, and so a watchpoint for it.)
fn with_vmctx(out: &mut Expression, context: Context, then: impl FnOnce(&mut Expression)) {
    if context == Context::Frame {
        out.op_fbreg(0);
        out.op_deref();
        return then(out);
    }
    out.op_addr(Address::Symbol { symbol: CELL, addend: 0 });
    out.op_deref();
    out.op(constants::DW_OP_dup);
    let found = out.op_bra();
    if context == Context::Maybe {
        out.op(constants::DW_OP_drop);
        out.op_fbreg(0);
        out.op_deref();
        let known = out.next_index();
        out.set_target(found, known);
        return then(out);
    }
    let unknown = out.op_skip();
    let known = out.next_index();
    out.set_target(found, known);
    then(out);
    let end = out.next_index();
    out.set_target(unknown, end);
}
