//! The code between wasm and host, as CLIF.
//!
//! - An *entry trampoline* is called by the host with the C calling convention. It notes where execution resumes after a
//!   trap, calls a wasm function with values from memory, and stores the results there.
//! - An *exit trampoline* is called like a wasm function, and calls a host function: as C functions of its type are called,
//!   if there is one and the type allows for it, or else with values in memory. (On x86-64 one trampoline does for all
//!   of the former. The runtime has it.)
//! - A *built-in trampoline* is called like a wasm function, and calls a function of the runtime.
//! - An *export's C function* is called by C code that knows its types, and calls whoever made the instance, with values in
//!   memory.
//!
//! Always true: whoever leaves wasm first notes where it left, so that backtraces can be made; and a failure that the
//! host reports is raised before any wasm instruction runs.

use std::mem::offset_of;

use cranelift_codegen::ir::{
    BlockArg, BlockCall, ExceptionTableData, ExceptionTableItem, InstBuilder, MemFlagsData,
    Signature, StackSlot, StackSlotData, StackSlotKind, TrapCode, Type, UserExternalName,
    UserFuncName, Value, types,
};
use cranelift_frontend::FunctionBuilder;
use target_lexicon::Architecture;
use wootz_runtime::abi::builtin::{Builtin, BuiltinResult, RAISED};
use wootz_runtime::abi::c_interface::InstanceHandle;
use wootz_runtime::abi::manifest::ExportItem;
use wootz_runtime::abi::types::{FuncType, ValType};
use wootz_runtime::abi::vmctx::{POINTER_BYTES, VmContextHeader, VmHostContext, VmStoreContext};

use crate::convention::{
    Caller, POINTER, builtin_signature, builtin_trampoline_signature, call_export_signature,
    clif_type, entry_signature, export_signature, find_export_signature, host_signature,
    results_in_memory, typed_host_signature, value_flags, wasm_signature,
};
use crate::plan::{Plan, Trampoline};
use crate::target::Target;
use crate::worker::Worker;

/// The size of a value in memory.
const VALUE_BYTES: i32 = 16;

/// Builds a trampoline in the worker's context.
pub fn build(worker: &mut Worker, plan: &Plan<'_>, target: &Target, trampoline: Trampoline) {
    let symbol = plan.trampoline(trampoline).expect("it is in the work list");
    worker.context.clear();
    worker.places.clear();
    let func = &mut worker.context.func;
    func.name = UserFuncName::User(UserExternalName { namespace: 0, index: symbol.0 });
    func.signature = match trampoline {
        Trampoline::Entry(_) => entry_signature(target),
        Trampoline::Exit(signature) => {
            wasm_signature(plan.signature(signature), Caller::Anyone, target)
        }
        Trampoline::Builtin(builtin) => builtin_trampoline_signature(builtin),
        Trampoline::Export(export) => match plan.export(export) {
            ExportItem::Function(_, signature, _) => {
                export_signature(plan.signature(signature), target)
            }
            _ => find_export_signature(target, true),
        },
    };

    let mut builder = FunctionBuilder::new(func, &mut worker.builder);
    let block = builder.create_block();
    builder.append_block_params_for_function_params(block);
    builder.switch_to_block(block);
    builder.seal_block(block);
    let params = builder.block_params(block).to_vec();
    let mut body = Body { builder, target };
    match trampoline {
        Trampoline::Entry(signature) => body.entry(plan.signature(signature), &params),
        Trampoline::Exit(signature) => body.exit(plan.signature(signature), &params),
        Trampoline::Builtin(builtin) => body.builtin(builtin, &params),
        Trampoline::Export(export) => match plan.export(export) {
            ExportItem::Function(_, signature, _) => {
                body.call_export(export, plan.signature(signature), &params);
            }
            _ => body.find_export(export, params[0]),
        },
    }
    body.builder.finalize(target.isa.frontend_config());
}

/// Where a value of C code goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// To wasm.
    In,
    /// From wasm.
    Out,
}

struct Body<'f> {
    builder: FunctionBuilder<'f>,
    /// Whose conventions the host has.
    target: &'f Target,
}

impl Body<'_> {
    fn entry(&mut self, ty: &FuncType, params: &[Value]) {
        let &[vmctx, code, values] = params else {
            panic!("entry trampolines have three parameters")
        };

        let mut args = vec![vmctx];
        // Results that travel through memory have the layout of values: they need not be moved.
        args.extend(results_in_memory(ty, self.target).then_some(values));
        args.extend(self.load_values(&ty.params, values));
        let no_caller = self.builder.ins().iconst(POINTER, 0);
        args.push(no_caller);

        let call = self.builder.create_block();
        let returned = self.builder.create_block();
        let trapped = self.builder.create_block();
        self.builder.ins().jump(call, &[]);
        self.builder.switch_to_block(call);
        self.builder.seal_block(call);
        let store = self.store_context(vmctx);
        let fp = self.builder.ins().get_frame_pointer(POINTER);
        let sp = self.builder.ins().get_stack_pointer(POINTER);
        let handler = self.builder.ins().get_exception_handler_address(POINTER, call, 0);
        self.note(store, offset_of!(VmStoreContext, entry_fp), fp);
        self.note(store, offset_of!(VmStoreContext, entry_sp), sp);
        self.note(store, offset_of!(VmStoreContext, entry_handler), handler);

        let signature = wasm_signature(ty, Caller::Anyone, self.target);
        let results: Vec<Type> = signature.returns.iter().map(|result| result.value_type).collect();
        let signature = self.builder.import_signature(signature);
        for &ty in &results {
            self.builder.append_block_param(returned, ty);
        }
        let dfg = &mut self.builder.func.dfg;
        let normal = (0..results.len() as u32).map(BlockArg::TryCallRet);
        let normal = BlockCall::new(returned, normal, &mut dfg.value_lists);
        let exceptional = BlockCall::new(trapped, [], &mut dfg.value_lists);
        let table =
            ExceptionTableData::new(signature, normal, [ExceptionTableItem::Default(exceptional)]);
        let table = dfg.exception_tables.push(table);
        self.builder.ins().try_call_indirect(code, &args, table);
        self.builder.seal_block(returned);
        self.builder.seal_block(trapped);

        self.builder.switch_to_block(returned);
        let results = self.builder.block_params(returned).to_vec();
        self.store_values(&results, values);
        self.return_truth(true);
        self.builder.switch_to_block(trapped);
        self.return_truth(false);
    }

    fn exit(&mut self, ty: &FuncType, params: &[Value]) {
        let (vmctx, caller) = (params[0], params[params.len() - 1]);
        let result_memory = results_in_memory(ty, self.target).then(|| params[1]);
        let arguments = &params[1 + usize::from(result_memory.is_some())..params.len() - 1];
        self.leave_wasm(vmctx);
        if let Some(signature) = typed_host_signature(ty, self.target) {
            self.typed_exit(signature, params);
        }

        let kept = self.keep(vmctx);
        let count = ty.params.len().max(ty.results.len());
        let values = self.values(count);
        self.store_values(arguments, values);
        let entry = self.load(vmctx, offset_of!(VmHostContext, entry));
        let count = self.builder.ins().iconst(POINTER, count as i64);
        let signature = self.builder.import_signature(host_signature(self.target));
        let call =
            self.builder.ins().call_indirect(signature, entry, &[vmctx, caller, values, count]);
        let success = self.builder.inst_results(call)[0];
        self.raise_unless(success, kept);

        let results = self.load_values(&ty.results, values);
        match result_memory {
            None => self.builder.ins().return_(&results),
            Some(memory) => {
                self.store_values(&results, memory);
                self.builder.ins().return_(&[])
            }
        };
    }

    /// Returns what the host function's typed entry does, if it has one; else goes on.
    fn typed_exit(&mut self, signature: Signature, params: &[Value]) {
        let entry = self.load(params[0], offset_of!(VmHostContext, typed_entry));
        let (there, missing) = (self.builder.create_block(), self.builder.create_block());
        self.builder.set_cold_block(missing);
        self.builder.ins().brif(entry, there, &[], missing, &[]);
        self.builder.seal_block(there);
        self.builder.seal_block(missing);
        self.builder.switch_to_block(there);
        let signature = self.builder.import_signature(signature);
        let call = self.builder.ins().call_indirect(signature, entry, params);
        let results = self.builder.inst_results(call).to_vec();
        self.builder.ins().return_(&results);
        self.builder.switch_to_block(missing);
    }

    fn builtin(&mut self, builtin: Builtin, params: &[Value]) {
        let vmctx = params[0];
        self.leave_wasm(vmctx);
        let kept = self.keep(vmctx);
        let code = self.builtin_code(builtin, vmctx);
        let signature = self.builder.import_signature(builtin_signature(builtin, self.target));
        let call = self.builder.ins().call_indirect(signature, code, params);
        let results = self.builder.inst_results(call).to_vec();
        match builtin.result() {
            BuiltinResult::Nothing | BuiltinResult::Never => {
                self.builder.ins().return_(&[]);
            }
            BuiltinResult::Success | BuiltinResult::RareSuccess => {
                self.raise_unless(results[0], kept);
                self.builder.ins().return_(&[]);
            }
            BuiltinResult::I64 => {
                self.builder.ins().return_(&results);
            }
            BuiltinResult::I64OrRaised => {
                let raised = self.builder.ins().iconst(types::I64, RAISED);
                let fine = self.builder.ins().icmp(
                    cranelift_codegen::ir::condcodes::IntCC::NotEqual,
                    results[0],
                    raised,
                );
                self.raise_unless(fine, kept);
                self.builder.ins().return_(&results);
            }
        }
    }

    /// Calls an exported function on behalf of C code.
    fn call_export(&mut self, export: u32, ty: &FuncType, params: &[Value]) {
        let handle = params[0];
        let (arguments, results) = params[1..].split_at(ty.params.len());
        let count = ty.params.len().max(ty.results.len());
        let values = self.values(count);
        for (position, (&ty, &argument)) in ty.params.iter().zip(arguments).enumerate() {
            self.copy_c_value(ty, argument, position, values, Way::In);
        }
        let call = self.load(handle, offset_of!(InstanceHandle, call));
        let export = self.builder.ins().iconst(POINTER, i64::from(export));
        let count = self.builder.ins().iconst(POINTER, count as i64);
        let signature = self.builder.import_signature(call_export_signature(self.target));
        let arguments = [handle, export, values, count];
        let call = self.builder.ins().call_indirect(signature, call, &arguments);
        let error = self.builder.inst_results(call)[0];

        let failed = self.builder.create_block();
        let returned = self.builder.create_block();
        self.builder.set_cold_block(failed);
        self.builder.ins().brif(error, failed, &[], returned, &[]);
        self.builder.seal_block(failed);
        self.builder.seal_block(returned);
        self.builder.switch_to_block(failed);
        self.builder.ins().return_(&[error]);
        self.builder.switch_to_block(returned);
        for (position, (&ty, &result)) in ty.results.iter().zip(results).enumerate() {
            self.copy_c_value(ty, result, position, values, Way::Out);
        }
        self.builder.ins().return_(&[error]);
    }

    /// Moves an argument of C code to its place in `values`, or a result from there to the address that C code gave for it.
    fn copy_c_value(
        &mut self,
        ty: ValType,
        value: Value,
        position: usize,
        values: Value,
        way: Way,
    ) {
        // C code may have a vector anywhere.
        let flags = MemFlagsData::new().with_notrap();
        let offset = position as i32 * VALUE_BYTES;
        let clif_type = match ty {
            ValType::V128 => {
                for half in [0, 8] {
                    let (from, to) = match way {
                        Way::In => ((value, half), (values, offset + half)),
                        Way::Out => ((values, offset + half), (value, half)),
                    };
                    let half = self.builder.ins().load(types::I64, flags, from.0, from.1);
                    self.builder.ins().store(flags, half, to.0, to.1);
                }
                return;
            }
            ValType::Ref(_) => POINTER,
            number => clif_type(number),
        };
        match way {
            Way::In => self.builder.ins().store(flags, value, values, offset),
            Way::Out => {
                let result = self.builder.ins().load(clif_type, flags, values, offset);
                self.builder.ins().store(flags, result, value, 0)
            }
        };
    }

    /// Finds what is exported, and no function, on behalf of C code. Of no instance that is null.
    fn find_export(&mut self, export: u32, handle: Value) {
        let (there, missing) = (self.builder.create_block(), self.builder.create_block());
        self.builder.set_cold_block(missing);
        self.builder.ins().brif(handle, there, &[], missing, &[]);
        self.builder.seal_block(there);
        self.builder.seal_block(missing);
        self.builder.switch_to_block(missing);
        let null = self.builder.ins().iconst(POINTER, 0);
        self.builder.ins().return_(&[null]);
        self.builder.switch_to_block(there);
        let find = self.load(handle, offset_of!(InstanceHandle, export));
        let export = self.builder.ins().iconst(POINTER, i64::from(export));
        let signature = self.builder.import_signature(find_export_signature(self.target, false));
        let call = self.builder.ins().call_indirect(signature, find, &[handle, export]);
        let found = self.builder.inst_results(call)[0];
        self.builder.ins().return_(&[found]);
    }

    /// The address of room for values in the frame.
    fn values(&mut self, count: usize) -> Value {
        let bytes = count as u32 * VALUE_BYTES as u32;
        // Frames on s390x begin at any multiple of 8, whatever is asked for of what is in them.
        let aligned = self.target.triple().architecture != Architecture::S390x;
        let room = if aligned { bytes } else { bytes + 8 };
        let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, room, 4);
        let slot = self.builder.create_sized_stack_slot(slot);
        let address = self.builder.ins().stack_addr(POINTER, slot, 0);
        if aligned {
            return address;
        }
        let end = self.builder.ins().iadd_imm_s(address, 8);
        self.builder.ins().band_imm_s(end, -i64::from(VALUE_BYTES))
    }

    /// Notes where wasm is left.
    fn leave_wasm(&mut self, vmctx: Value) {
        let store = self.store_context(vmctx);
        let fp = self.builder.ins().get_frame_pointer(POINTER);
        let caller = self.load(fp, 0);
        let pc = self.builder.ins().get_return_address(POINTER);
        self.note(store, offset_of!(VmStoreContext, exit_fp), caller);
        self.note(store, offset_of!(VmStoreContext, exit_pc), pc);
    }

    /// Leaves the vmctx in the frame, for after a call. It is seldom needed there, and a register for it would have to be
    /// saved and restored each time.
    fn keep(&mut self, vmctx: Value) -> StackSlot {
        let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, POINTER_BYTES, 3);
        let slot = self.builder.create_sized_stack_slot(slot);
        self.builder.ins().stack_store(POINTER, vmctx, slot, 0);
        slot
    }

    /// Goes on if `success` is not zero; else resumes the host with what was recorded. `kept` has the vmctx.
    fn raise_unless(&mut self, success: Value, kept: StackSlot) {
        let go_on = self.builder.create_block();
        let raise = self.builder.create_block();
        self.builder.set_cold_block(raise);
        self.builder.ins().brif(success, go_on, &[], raise, &[]);
        self.builder.seal_block(go_on);
        self.builder.seal_block(raise);
        self.builder.switch_to_block(raise);
        let vmctx = self.builder.ins().stack_load(POINTER, POINTER, kept, 0);
        let code = self.builtin_code(Builtin::raise, vmctx);
        let signature =
            self.builder.import_signature(builtin_signature(Builtin::raise, self.target));
        self.builder.ins().call_indirect(signature, code, &[vmctx]);
        self.builder.ins().trap(TrapCode::unwrap_user(NEVER_RETURNS));
        self.builder.switch_to_block(go_on);
    }

    fn builtin_code(&mut self, builtin: Builtin, vmctx: Value) -> Value {
        let builtins = self.load(vmctx, offset_of!(VmContextHeader, builtins));
        self.load(builtins, (builtin.number() * POINTER_BYTES) as usize)
    }

    fn store_context(&mut self, vmctx: Value) -> Value {
        self.load(vmctx, offset_of!(VmContextHeader, store))
    }

    fn load(&mut self, base: Value, offset: usize) -> Value {
        self.builder.ins().load(POINTER, MemFlagsData::trusted(), base, offset as i32)
    }

    fn note(&mut self, store: Value, offset: usize, value: Value) {
        self.builder.ins().store(MemFlagsData::trusted(), value, store, offset as i32);
    }

    fn load_values(&mut self, types: &[ValType], values: Value) -> Vec<Value> {
        let builder = &mut self.builder;
        let load = |(position, &ty): (usize, &ValType)| {
            let ty = clif_type(ty);
            builder.ins().load(ty, value_flags(ty), values, position as i32 * VALUE_BYTES)
        };
        types.iter().enumerate().map(load).collect()
    }

    fn store_values(&mut self, from: &[Value], values: Value) {
        for (position, &value) in from.iter().enumerate() {
            let flags = value_flags(self.builder.func.dfg.value_type(value));
            self.builder.ins().store(flags, value, values, position as i32 * VALUE_BYTES);
        }
    }

    fn return_truth(&mut self, truth: bool) {
        let value = self.builder.ins().iconst(types::I8, i64::from(truth));
        self.builder.ins().return_(&[value]);
    }
}

/// The trap code behind calls that never return. It is no code of a guest's: should it ever be executed, the process
/// ends with a plain fault.
pub const NEVER_RETURNS: u8 = 250;
