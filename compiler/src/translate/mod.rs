//! One function body to CLIF: the only room that knows both wasm operators and CLIF instructions.
//!
//! In: one body, validated on the way, and the [`Plan`]. Out: an unoptimised function in the worker's context.
//!
//! Always true: each CLIF instruction carries the offset in the wasm file of the operator it came from; only `bounds`
//! computes native addresses from wasm addresses; every access is tagged with the region of memory it can touch.

/// What debuggers want to see, kept in the frame.
mod keep;
/// The function being translated: its value stack, its control stack, and access to the vmctx.
mod state;
/// Fuel and epochs.
mod interrupt;
/// Blocks, branches, returns.
mod control;
/// Tables of branches.
mod switch;
/// Calls.
mod call;
/// Functions whose bodies are translated where they are called.
mod inline;
/// Locals and globals.
mod variable;
/// Arithmetic and comparisons.
mod numeric;
/// Arithmetic on integers of 128 bits.
mod wide;
/// Conversions between number types.
mod convert;
/// Native addresses of wasm addresses: the gate of the sandbox.
mod bounds;
/// Loads and stores, size and growth of memories.
mod memory;
/// Atomic accesses, and threads that wait for each other.
mod atomic;
/// Bulk operations on memories.
mod bulk;
/// Tables.
mod table;
/// References.
mod reference;
/// Vectors.
mod simd;

use cranelift_codegen::ir::{SourceLoc, UserExternalName, UserFuncName};
use wasmparser::{BinaryReaderError, FuncValidator, Operator, WasmModuleResources};
use wootz_runtime::abi::index::FuncIndex;
use wootz_runtime::abi::trap::TrapCode;

use crate::convention::{Caller, wasm_signature};
use crate::error::{Error, Result};
use crate::idiom::{Half, Product};
use crate::kept::Notes;
use crate::parse::{Body, FunctionHints, check_operator};
use crate::plan::Plan;
use crate::target::Target;
use crate::worker::Worker;
use keep::Keeping;
use state::Translator;

pub use state::{is_epoch, is_fuel, own_memory, trap};

/// Validates and translates the body of a defined function. It may ask at its beginning whether there is enough stack.
///
/// # Errors
/// If the body is invalid.
pub fn body(
    worker: &mut Worker,
    plan: &Plan<'_>,
    target: &Target,
    index: FuncIndex,
    checks_stack: bool,
) -> Result<()> {
    let body = plan.body(index);
    let ty = plan.module.function_type(index);
    let symbol = plan.function(index).expect("only defined functions have a body");

    worker.context.clear();
    worker.places.clear();
    worker.context.func.signature = wasm_signature(ty, Caller::SameModule, target);
    worker.context.func.name =
        UserFuncName::User(UserExternalName { namespace: 0, index: symbol.0 });
    let mut validator = body.validator(std::mem::take(&mut worker.validator));
    let hints = plan.module.branch_hints.of(index, body.reader.range().start);
    let mut translator = Translator::new(
        plan,
        target,
        (index, ty),
        &mut worker.context.func,
        &mut worker.builder,
        &mut worker.places,
    );
    if checks_stack {
        translator.limit_stack();
    }
    let result = keeping(plan, index).and_then(|keeping| {
        translator.keeping = keeping;
        operators(translator, body, hints, plan.products.get(&index), &mut validator)
    });
    worker.validator = validator.into_allocations();
    worker.notes = result.map_err(|error| plan.module.invalid_body(index, error))?;
    Ok(())
}

/// What the function's frame keeps for debuggers.
fn keeping<'a>(plan: &'a Plan<'_>, index: FuncIndex) -> Result<Option<Keeping<'a>>> {
    let Some(kept) = &plan.kept else { return Ok(None) };
    let position = index.index() - plan.module.imported_functions();
    let locals = plan.locals(position).len() as u32;
    Keeping::new(kept.of(position), plan.body(index), locals, kept.in_loops).map(Some)
}

fn operators(
    mut translator: Translator<'_, '_>,
    body: &Body<'_>,
    mut hints: FunctionHints<'_>,
    product: Option<&Product>,
    validator: &mut FuncValidator<impl WasmModuleResources>,
) -> Result<Option<Notes>> {
    let invalid = |error: BinaryReaderError| Error::invalid(&error);
    let mut locals = body.reader.get_locals_reader().map_err(invalid)?;
    for _ in 0..locals.get_count() {
        let offset = locals.original_position();
        let (count, ty) = locals.read().map_err(invalid)?;
        validator.define_locals(offset, count, ty).map_err(invalid)?;
        translator.declare_locals(count, ty);
    }
    let mut reader = body.reader.get_operators_reader().map_err(invalid)?;
    translator.builder.set_srcloc(SourceLoc::new(reader.original_position() as u32));
    translator.begin_keeping(body.reader.range().start as u32);
    translator.begin_interruptible();
    let halves = product.map(|product| translator.product_of_parameters(product.factors));
    while !reader.eof() {
        let offset = reader.original_position();
        let operator = reader.read().map_err(invalid)?;
        validator.op(offset, &operator).map_err(invalid)?;
        check_operator(&operator, offset)?;
        translator.builder.set_srcloc(SourceLoc::new(offset as u32));
        translator.hint = hints.at(offset);
        if let (Some(product), Some([low, high])) = (product, halves) {
            // Nobody needs what was put together.
            match product.half_at(offset) {
                Some(Half::Low) => translator.replace_top(low),
                Some(Half::High) => translator.replace_top(high),
                None => {}
            }
        }
        translator.operator(&operator);
        translator.note_effects(&operator);
    }
    reader.finish().map_err(invalid)?;
    let notes = translator.take_notes();
    translator.finish();
    Ok(notes)
}

impl Translator<'_, '_> {
    /// Translates one operator: names it, and forwards to its family.
    fn operator(&mut self, operator: &Operator<'_>) {
        use Operator as Op;
        if !self.reachable {
            return self.unreachable_operator(operator);
        }
        self.before_operator(operator);
        match *operator {
            // Control.
            Op::Nop => {}
            Op::Unreachable => self.trap_always(TrapCode::UnreachableCodeReached),
            Op::Block { blockty } => self.block(blockty),
            Op::Loop { blockty } => self.loop_(blockty),
            Op::If { blockty } => self.if_(blockty),
            Op::Else => self.else_(),
            Op::End => self.end(),
            Op::Br { relative_depth } => self.br(relative_depth),
            Op::BrIf { relative_depth } => self.br_if(relative_depth),
            Op::BrTable { ref targets } => self.br_table(targets),
            Op::BrOnNull { relative_depth } => self.br_on_null(relative_depth),
            Op::BrOnNonNull { relative_depth } => self.br_on_non_null(relative_depth),
            Op::Return => self.return_(),
            Op::Drop => drop(self.pop()),
            Op::Select => self.select(None),
            Op::TypedSelect { ty } => self.select(Some(ty)),

            // Calls.
            Op::Call { function_index } => self.call(FuncIndex(function_index)),
            Op::CallIndirect { type_index, table_index } => {
                self.call_indirect(type_index, table_index)
            }
            Op::CallRef { type_index } => self.call_ref(type_index),
            Op::ReturnCall { function_index } => self.return_call(FuncIndex(function_index)),
            Op::ReturnCallIndirect { type_index, table_index } => {
                self.return_call_indirect(type_index, table_index)
            }
            Op::ReturnCallRef { type_index } => self.return_call_ref(type_index),

            // Locals and globals.
            Op::LocalGet { local_index } => self.local_get(local_index),
            Op::LocalSet { local_index } => self.local_set(local_index),
            Op::LocalTee { local_index } => self.local_tee(local_index),
            Op::GlobalGet { global_index } => self.global_get(global_index),
            Op::GlobalSet { global_index } => self.global_set(global_index),

            // References and tables.
            Op::RefNull { hty } => self.ref_null(hty),
            Op::RefIsNull => self.ref_is_null(),
            Op::RefAsNonNull => self.ref_as_non_null(),
            Op::RefFunc { function_index } => self.ref_func(FuncIndex(function_index)),
            Op::TableGet { table } => self.table_get(table),
            Op::TableSet { table } => self.table_set(table),
            Op::TableSize { table } => self.table_size(table),
            Op::TableGrow { table } => self.table_grow(table),
            Op::TableFill { table } => self.table_fill(table),
            Op::TableCopy { dst_table, src_table } => self.table_copy(dst_table, src_table),
            Op::TableInit { elem_index, table } => self.table_init(elem_index, table),
            Op::ElemDrop { elem_index } => self.elem_drop(elem_index),

            // Memories.
            Op::MemorySize { mem } => self.memory_size(mem),
            Op::MemoryGrow { mem } => self.memory_grow(mem),
            Op::MemoryCopy { dst_mem, src_mem } => self.memory_copy(dst_mem, src_mem),
            Op::MemoryFill { mem } => self.memory_fill(mem),
            Op::MemoryInit { data_index, mem } => self.memory_init(data_index, mem),
            Op::DataDrop { data_index } => self.data_drop(data_index),

            _ => {
                let known = self.memory_access(operator)
                    || self.atomic(operator)
                    || self.numeric(operator)
                    || self.wide(operator)
                    || self.conversion(operator)
                    || self.vector(operator);
                assert!(
                    known,
                    "validation admits no {operator:?}: its proposal is not implemented"
                );
            }
        }
        if self.reachable {
            self.after_operator(operator);
        }
    }
}
