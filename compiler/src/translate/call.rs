//! Calls: to functions of the module, to imports, and through tables.

use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Inst, InstBuilder, MemFlagsData, StackSlotData, StackSlotKind, Value, types,
};
use wootz_runtime::abi::index::{FuncIndex, SignatureIndex, TableIndex, TypeIndex};
use wootz_runtime::abi::trap::TrapCode;
use wootz_runtime::abi::types::FuncType;
use wootz_runtime::abi::vmctx::{VmFuncRef, VmFunctionImport};

use super::state::{Region, Translator, trap};
use crate::convention::{
    Caller, POINTER, always_passes_caller, clif_type, results_in_memory, wasm_signature,
};

impl Translator<'_, '_> {
    pub fn call(&mut self, index: FuncIndex) {
        let ty = self.plan.module.function_type(index);
        match self.plan.function(index) {
            Some(symbol) => {
                let function = self.function(symbol, || wasm_signature(ty, Caller::SameModule));
                self.call_with(ty, self.vmctx, always_passes_caller(ty), |translator, args| {
                    translator.builder.ins().call(function, args)
                });
            }
            None => {
                let import = self.plan.layout.imported_function(index);
                let code = self.load_constant(
                    POINTER,
                    self.vmctx,
                    import + offset_of!(VmFunctionImport, code) as u32,
                );
                let callee = self.load_constant(
                    POINTER,
                    self.vmctx,
                    import + offset_of!(VmFunctionImport, vmctx) as u32,
                );
                self.call_code(ty, code, callee);
            }
        }
    }

    pub fn call_indirect(&mut self, type_index: u32, table: u32) {
        let signature = self.plan.module.signature_index(TypeIndex(type_index));
        let index = self.pop();
        let element = self.table_element(TableIndex(table), index);
        let flags = element.flags.with_trap_code(Some(trap(TrapCode::TableOutOfBounds)));
        let funcref = self.builder.ins().load(POINTER, flags, element.address, 0);
        self.check_signature(funcref, signature);
        self.call_funcref(self.plan.signature(signature), funcref);
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

    fn call_funcref(&mut self, ty: &FuncType, funcref: Value) {
        // Not "constant": a host function's code is filled in when the first module comes that can call it.
        let flags = self.trusted(Region::Bounds);
        let code =
            self.builder.ins().load(POINTER, flags, funcref, offset_of!(VmFuncRef, code) as i32);
        let callee =
            self.builder.ins().load(POINTER, flags, funcref, offset_of!(VmFuncRef, vmctx) as i32);
        self.call_code(ty, code, callee);
    }

    /// Calls a function that may belong to anyone.
    fn call_code(&mut self, ty: &FuncType, code: Value, callee: Value) {
        let signature = self.import_signature(wasm_signature(ty, Caller::Anyone));
        self.call_with(ty, callee, true, |translator, args| {
            translator.builder.ins().call_indirect(signature, code, args)
        });
    }

    /// Pops the arguments, adds the hidden ones, calls, and pushes the results.
    fn call_with(
        &mut self,
        ty: &FuncType,
        callee: Value,
        passes_caller: bool,
        call: impl FnOnce(&mut Self, &[Value]) -> Inst,
    ) {
        let mut args = vec![callee];
        let memory = results_in_memory(ty).then(|| {
            let bytes = ty.results.len() as u32 * 16;
            let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, 4);
            let slot = self.builder.create_sized_stack_slot(slot);
            self.builder.ins().stack_addr(POINTER, slot, 0)
        });
        args.extend(memory);
        args.extend(self.top(ty.params.len()));
        self.stack.truncate(self.stack.len() - ty.params.len());
        if passes_caller {
            args.push(self.vmctx);
        }
        let call = call(self, &args);
        match memory {
            None => {
                let results = self.builder.inst_results(call).to_vec();
                for (&value, &ty) in results.iter().zip(&ty.results) {
                    self.note_reference(value, ty);
                }
                self.stack.extend(results);
            }
            Some(memory) => {
                for (position, &ty) in ty.results.iter().enumerate() {
                    let flags = MemFlagsData::trusted();
                    let value =
                        self.builder.ins().load(clif_type(ty), flags, memory, position as i32 * 16);
                    self.note_reference(value, ty);
                    self.push(value);
                }
            }
        }
    }
}
