//! Calls: to functions of the module, to imports, through tables, and of references; each also as the last thing that a
//! function does, whose frame then makes room.

use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    FuncRef, InstBuilder, MemFlagsData, SigRef, StackSlotData, StackSlotKind, Value, types,
};
use wootz_runtime::abi::index::{FuncIndex, SignatureIndex, TableIndex, TypeIndex};
use wootz_runtime::abi::trap::TrapCode;
use wootz_runtime::abi::types::{FuncType, HeapType};
use wootz_runtime::abi::vmctx::{VmFuncRef, VmFunctionImport};

use super::state::{Region, Translator, trap};
use crate::convention::{
    Caller, POINTER, always_passes_caller, clif_type, const_table, results_in_memory, value_flags,
    wasm_signature,
};
use crate::plan::{Called, Symbol};

/// How many calls of a function go the short way through tables that never change: each has blocks of its own, and registers are
/// allocated in a time that grows with the square of their number.
const MOST_CONST_TABLE_CALLS: u32 = 1000;

/// A function that is about to be called.
struct Callee<'a> {
    ty: &'a FuncType,
    /// The context it runs in.
    vmctx: Value,
    code: Code,
}

/// Where a function's code is.
enum Code {
    /// In this module.
    Here(FuncRef),
    /// In this module, at this address.
    HereAt(SigRef, Value),
    /// At this address: it may belong to anyone.
    At(SigRef, Value),
}

impl<'a> Translator<'a, '_> {
    pub fn call(&mut self, index: FuncIndex) {
        let plan = self.plan;
        // What it costs would have to be counted here.
        if let Some(product) = plan.products.get(&index).filter(|_| !plan.interrupts.fuel) {
            return self.store_product(product);
        }
        if self.inline(index, Called::ByName) {
            return;
        }
        let callee = self.function_to_call(index);
        self.call_and_return(&callee);
    }

    pub fn return_call(&mut self, index: FuncIndex) {
        let callee = self.function_to_call(index);
        self.call_and_leave(&callee);
    }

    pub fn call_indirect(&mut self, type_index: u32, table: u32) {
        if self.call_one_of_few(type_index, TableIndex(table)) {
            return;
        }
        let callee = self.element_to_call(type_index, table);
        self.call_and_return(&callee);
    }

    pub fn return_call_indirect(&mut self, type_index: u32, table: u32) {
        let callee = self.element_to_call(type_index, table);
        self.call_and_leave(&callee);
    }

    pub fn call_ref(&mut self, type_index: u32) {
        let callee = self.reference_to_call(type_index);
        self.call_and_return(&callee);
    }

    pub fn return_call_ref(&mut self, type_index: u32) {
        let callee = self.reference_to_call(type_index);
        self.call_and_leave(&callee);
    }

    fn function_to_call(&mut self, index: FuncIndex) -> Callee<'a> {
        let ty = self.plan.module.function_type(index);
        if let Some(symbol) = self.plan.function(index) {
            let target = self.target;
            let function = self.function(symbol, || wasm_signature(ty, Caller::SameModule, target));
            return Callee { ty, vmctx: self.vmctx, code: Code::Here(function) };
        }
        let import = self.plan.layout.imported_function(index);
        let mut load = |offset: usize| {
            self.load_constant(POINTER, self.vmctx, import + u32::try_from(offset).expect("small"))
        };
        let code = load(offset_of!(VmFunctionImport, code));
        let vmctx = load(offset_of!(VmFunctionImport, vmctx));
        self.anyone(ty, code, vmctx)
    }

    fn element_to_call(&mut self, type_index: u32, table: u32) -> Callee<'a> {
        let signature = self.plan.module.signature_index(TypeIndex(type_index));
        let index = self.pop();
        if let Some(callee) = self.const_element_to_call(signature, TableIndex(table), index) {
            return callee;
        }
        let element = self.table_element(TableIndex(table), index);
        let flags = element.flags.with_trap_code(Some(trap(TrapCode::TableOutOfBounds)));
        let funcref = self.builder.ins().load(POINTER, flags, element.address, 0);
        let mut flags = self.trusted(Region::Bounds);
        if self.plan.module.tables[table as usize].element.heap == HeapType::Signature(signature) {
            // The table holds nothing else, but perhaps null.
            flags = flags.with_trap_code(Some(trap(TrapCode::IndirectCallToNull)));
        } else {
            self.check_signature(funcref, signature);
        }
        self.referred_to(self.plan.signature(signature), funcref, flags)
    }

    /// The function in a table that never changes, unless it may be imported: then there is a context to be looked up.
    fn const_element_to_call(
        &mut self,
        signature: SignatureIndex,
        table: TableIndex,
        index: Value,
    ) -> Option<Callee<'a>> {
        let plan = self.plan;
        let (elements, symbol) = plan.const_table(table)?;
        if elements.has_import(signature) || self.const_table_calls == MOST_CONST_TABLE_CALLS {
            return None;
        }
        self.const_table_calls += 1;
        let (start, element) = self.const_element(table, elements.elements.len(), symbol, index);
        let flags = self.trusted(Region::Constant).with_readonly().with_can_move();
        let found = self.builder.ins().load(types::I32, flags, element, const_table::SIGNATURE);
        let expected = self.builder.ins().iconst(types::I32, i64::from(signature.0));
        let differs = self.builder.ins().icmp(IntCC::NotEqual, found, expected);
        self.unless(differs, |translator| translator.trap_for_element(found));
        let distance = self.builder.ins().sload32(flags, element, 0);
        let code = self.builder.ins().iadd(start, distance);
        let ty = plan.signature(signature);
        let signature = self.import_signature(wasm_signature(ty, Caller::SameModule, self.target));
        Some(Callee { ty, vmctx: self.vmctx, code: Code::HereAt(signature, code) })
    }

    /// Where a table that never changes lies among the code, and the element there.
    fn const_element(
        &mut self,
        table: TableIndex,
        count: usize,
        symbol: Symbol,
        index: Value,
    ) -> (Value, Value) {
        let index = self.widen(index, self.plan.module.tables[table.index()].table64);
        // Of indices that are too great, the element behind the last one says so.
        let last = self.builder.ins().iconst(types::I64, count as i64);
        let index = self.builder.ins().umin(index, last);
        let start = self.address_of(symbol);
        let offset = self.builder.ins().imul_imm_s(index, const_table::ELEMENT_BYTES);
        (start, self.builder.ins().iadd(start, offset))
    }

    /// Traps, because of what an element of a table that never changes says in place of the signature.
    fn trap_for_element(&mut self, found: Value) {
        for (what, code) in [
            (const_table::OUTSIDE, TrapCode::TableOutOfBounds),
            (const_table::NULL, TrapCode::IndirectCallToNull),
        ] {
            let what = self.builder.ins().iconst(types::I32, i64::from(what));
            let is_so = self.builder.ins().icmp(IntCC::Equal, found, what);
            self.trap_if(is_so, code);
        }
        self.builder.ins().trap(trap(TrapCode::BadSignature));
    }

    /// Calls a function in a table that never changes by name, if few can be meant: the index says which. Not where fuel is
    /// counted, or where frames keep something: both are only known of calls in one piece.
    fn call_one_of_few(&mut self, type_index: u32, table: TableIndex) -> bool {
        let plan = self.plan;
        let signature = plan.module.signature_index(TypeIndex(type_index));
        let Some((elements, symbol)) = plan.const_table(table) else { return false };
        let Some(candidates) = elements.candidates(signature) else { return false };
        let is_possible = self.fuel.is_none() && self.keeping.is_none();
        if !plan.calls_candidates
            || !is_possible
            || self.const_table_calls == MOST_CONST_TABLE_CALLS
        {
            return false;
        }
        self.const_table_calls += 1;
        let index = self.pop();
        let ty = plan.signature(signature);
        let arguments = self.top(ty.params.len());
        self.stack.truncate(self.stack.len() - arguments.len());
        let next = self.block_with_params(&ty.results);
        for &(expected, function) in candidates {
            let (here, elsewhere) = (self.new_block(), self.new_block());
            let is_it = self.builder.ins().icmp_imm_u(IntCC::Equal, index, expected as i64);
            self.builder.ins().brif(is_it, here, &[], elsewhere, &[]);
            self.go_on_in(here);
            self.stack.extend_from_slice(&arguments);
            if self.inline(function, Called::ByTable) {
                // Even if this one never returns.
                self.reachable = true;
            } else {
                let callee = self.function_to_call(function);
                self.call_and_return(&callee);
            }
            let results = self.top(ty.results.len());
            self.stack.truncate(self.stack.len() - results.len());
            self.jump(next, &results);
            self.go_on_in(elsewhere);
        }
        if let Some(block) = self.builder.current_block() {
            self.builder.set_cold_block(block);
        }
        let (_, element) = self.const_element(table, elements.elements.len(), symbol, index);
        let flags = self.trusted(Region::Constant).with_readonly();
        let found = self.builder.ins().load(types::I32, flags, element, const_table::SIGNATURE);
        self.trap_for_element(found);
        self.go_on_in(next);
        self.stack.extend_from_slice(self.builder.block_params(next));
        true
    }

    /// Goes on unless a condition holds; then `otherwise`, which ends there, is executed out of the way.
    fn unless(&mut self, condition: Value, otherwise: impl FnOnce(&mut Self)) {
        let rare = self.builder.create_block();
        let go_on = self.new_block();
        self.builder.set_cold_block(rare);
        self.builder.ins().brif(condition, rare, &[], go_on, &[]);
        self.builder.seal_block(rare);
        self.builder.switch_to_block(rare);
        otherwise(self);
        self.builder.seal_block(go_on);
        self.builder.switch_to_block(go_on);
    }

    fn reference_to_call(&mut self, type_index: u32) -> Callee<'a> {
        let signature = self.plan.module.signature_index(TypeIndex(type_index));
        let funcref = self.pop();
        // Null is found by the fault of reading from it.
        let flags =
            self.trusted(Region::Bounds).with_trap_code(Some(trap(TrapCode::NullReference)));
        self.referred_to(self.plan.signature(signature), funcref, flags)
    }

    /// Traps unless `funcref` refers to a function of this signature. Null is found by the fault of reading from it.
    fn check_signature(&mut self, funcref: Value, signature: SignatureIndex) {
        let flags = self.trusted(Region::Constant).with_readonly();
        let flags = flags.with_trap_code(Some(trap(TrapCode::IndirectCallToNull)));
        let offset = offset_of!(VmFuncRef, signature_id) as i32;
        let found = self.builder.ins().load(types::I32, flags, funcref, offset);
        let expected =
            self.load_constant(types::I32, self.vmctx, self.plan.layout.signature_id(signature));
        let differs = self.builder.ins().icmp(IntCC::NotEqual, found, expected);
        self.trap_if(differs, TrapCode::BadSignature);
    }

    /// The function that a reference leads to. `flags` are those of the first access to what it refers to.
    ///
    /// That is not constant: a host function's code is filled in when the first module comes that can call it.
    fn referred_to(&mut self, ty: &'a FuncType, funcref: Value, flags: MemFlagsData) -> Callee<'a> {
        let code =
            self.builder.ins().load(POINTER, flags, funcref, offset_of!(VmFuncRef, code) as i32);
        let flags = self.trusted(Region::Bounds);
        let vmctx =
            self.builder.ins().load(POINTER, flags, funcref, offset_of!(VmFuncRef, vmctx) as i32);
        self.anyone(ty, code, vmctx)
    }

    fn anyone(&mut self, ty: &'a FuncType, code: Value, vmctx: Value) -> Callee<'a> {
        let signature = self.import_signature(wasm_signature(ty, Caller::Anyone, self.target));
        Callee { ty, vmctx, code: Code::At(signature, code) }
    }

    /// Pops the arguments, and adds the hidden ones.
    fn arguments(&mut self, callee: &Callee<'_>, result_memory: Option<Value>) -> Vec<Value> {
        let mut args = vec![callee.vmctx];
        args.extend(result_memory);
        let params = callee.ty.params.len();
        args.extend(self.top(params));
        self.stack.truncate(self.stack.len() - params);
        let passes_caller = match callee.code {
            Code::Here(_) | Code::HereAt(..) => always_passes_caller(callee.ty, self.target),
            Code::At(..) => true,
        };
        args.extend(passes_caller.then_some(self.vmctx));
        args
    }

    /// Calls, and pushes the results.
    fn call_and_return(&mut self, callee: &Callee<'_>) {
        let results = &callee.ty.results;
        let in_memory = results_in_memory(callee.ty, self.target);
        let memory = in_memory.then(|| self.memory_for_results(results.len()));
        let args = self.arguments(callee, memory);
        let call = match callee.code {
            Code::Here(function) => self.builder.ins().call(function, &args),
            Code::HereAt(signature, code) | Code::At(signature, code) => {
                self.builder.ins().call_indirect(signature, code, &args)
            }
        };
        if matches!(callee.code, Code::At(..)) {
            self.has_been_away();
        }
        match memory {
            None => {
                let values = self.builder.inst_results(call).to_vec();
                for (&value, &ty) in values.iter().zip(results) {
                    self.note_reference(value, ty);
                }
                self.stack.extend(values);
            }
            Some(memory) => {
                for (position, &ty) in results.iter().enumerate() {
                    let clif = clif_type(ty);
                    let flags = value_flags(clif);
                    let value = self.builder.ins().load(clif, flags, memory, position as i32 * 16);
                    self.note_reference(value, ty);
                    self.push(value);
                }
            }
        }
    }

    /// Where a callee writes its results: one place for all calls, because they are read before the next one.
    fn memory_for_results(&mut self, count: usize) -> Value {
        let bytes = count as u32 * 16;
        let slot = *self.call_results.get_or_insert_with(|| {
            let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, 4);
            self.builder.create_sized_stack_slot(slot)
        });
        let size = &mut self.builder.func.sized_stack_slots[slot].size;
        *size = bytes.max(*size);
        self.builder.ins().stack_addr(POINTER, slot, 0)
    }

    /// Calls in place of this function: what the callee returns goes to this one's caller, and so does what it writes to
    /// memory for results.
    fn call_and_leave(&mut self, callee: &Callee<'_>) {
        let args = self.arguments(callee, self.result_memory);
        match callee.code {
            Code::Here(function) => self.builder.ins().return_call(function, &args),
            Code::HereAt(signature, code) | Code::At(signature, code) => {
                self.builder.ins().return_call_indirect(signature, code, &args)
            }
        };
        self.reachable = false;
    }
}
