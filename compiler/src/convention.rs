//! Signatures of compiled code: who passes what to whom.
//!
//! Every wasm function takes the vmctx of its instance first, then, if it has too many results for registers, the
//! address of memory for them, then its parameters, and last the vmctx of its caller. Only trampolines to the host read
//! that last one. Where it surely arrives in a register, all other functions leave it undeclared, and calls within a
//! module do not pass it ([`INTEGER_ARGUMENT_REGISTERS`]); nobody can tell, because an argument register that is not
//! written is only a register with an unknown value.
//!
//! `docs/abi.md` says the same byte for byte.

use cranelift_codegen::ir::{
    AbiParam, ArgumentPurpose, Endianness, MemFlagsData, Signature, Type, types,
};
use cranelift_codegen::isa::CallConv;
use target_lexicon::{Architecture, OperatingSystem};
use wootz_runtime::abi::builtin::{Builtin, BuiltinResult, BuiltinType};
use wootz_runtime::abi::types::{FuncType, RefKind, ValType};
use wootz_runtime::abi::vmctx::{
    INTEGER_ARGUMENT_REGISTERS, RESULT_REGISTERS, RESULT_REGISTERS_RISCV64, has_typed_entry,
};

use crate::target::Target;

/// The type of addresses.
pub const POINTER: Type = types::I64;

/// How vectors are represented, but for operands on their way from one operator to the next.
pub const V128: Type = types::I8X16;

/// How many floats C passes in registers for floats on RISC-V. The next ones are passed like integers, which Cranelift does
/// not do by itself.
const FLOAT_ARGUMENT_REGISTERS_RISCV64: usize = 8;

/// Tables that never change, as code looks at them. An element has eight bytes: first the distance from the table to the code of
/// its function, then the number of its signature in the module, or one of these.
pub mod const_table {
    /// The size of an element.
    pub const ELEMENT_BYTES: i64 = 8;
    /// Where the second number is in an element.
    pub const SIGNATURE: i32 = 4;
    /// There is no such element.
    pub const OUTSIDE: u32 = u32::MAX;
    /// The element is null.
    pub const NULL: u32 = u32::MAX - 1;
    /// It is a function that is imported.
    pub const ELSEWHERE: u32 = u32::MAX - 2;
}

/// Who a signature is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Caller {
    /// Calls within a module, and the functions themselves: the caller's vmctx is declared only where it must be.
    SameModule,
    /// Calls that may leave the module, and what is called there: the caller's vmctx is declared.
    Anyone,
}

/// How a value is represented in registers.
pub fn clif_type(ty: ValType) -> Type {
    match ty {
        ValType::I32 => types::I32,
        ValType::I64 => types::I64,
        ValType::F32 => types::F32,
        ValType::F64 => types::F64,
        ValType::V128 => V128,
        ValType::Ref(ty) => match ty.kind() {
            RefKind::Func => POINTER,
            RefKind::Extern | RefKind::Object => types::I32,
        },
    }
}

/// Whether values of this type travel in integer registers.
fn is_integer(ty: ValType) -> bool {
    match ty {
        ValType::I32 | ValType::I64 | ValType::Ref(_) => true,
        ValType::F32 | ValType::F64 | ValType::V128 => false,
    }
}

/// Flags of an access to memory that cannot fault, and in which a value lies as it does between host and wasm: vectors are
/// little-endian on every machine, everything else is as the machine has it.
pub fn value_flags(ty: Type) -> MemFlagsData {
    in_value_order(MemFlagsData::trusted(), ty)
}

/// Flags of such an access that say more already.
pub fn in_value_order(flags: MemFlagsData, ty: Type) -> MemFlagsData {
    if ty.is_vector() { flags.with_endianness(Endianness::Little) } else { flags }
}

/// Whether results travel through memory instead of registers: 16 bytes for each of them.
pub fn results_in_memory(ty: &FuncType, target: &Target) -> bool {
    let is_riscv64 = matches!(target.triple().architecture, Architecture::Riscv64(_));
    let registers = if is_riscv64 { RESULT_REGISTERS_RISCV64 } else { RESULT_REGISTERS };
    let integers = ty.results.iter().filter(|&&ty| is_integer(ty)).count();
    // And there, no register is for vectors.
    let vectors = is_riscv64 && ty.results.contains(&ValType::V128);
    integers > registers || ty.results.len() - integers > registers || vectors
}

/// Whether the caller's vmctx is declared, and so must be passed, in calls within a module too.
pub fn always_passes_caller(ty: &FuncType, target: &Target) -> bool {
    let integers = ty.params.iter().filter(|&&ty| is_integer(ty)).count();
    let memory = usize::from(results_in_memory(ty, target));
    1 + memory + integers + 1 > INTEGER_ARGUMENT_REGISTERS
}

/// The signature of wasm functions of a type.
pub fn wasm_signature(ty: &FuncType, caller: Caller, target: &Target) -> Signature {
    let mut signature = Signature::new(CallConv::Tail);
    signature.params.push(AbiParam::special(POINTER, ArgumentPurpose::VMContext));
    if results_in_memory(ty, target) {
        signature.params.push(AbiParam::new(POINTER));
    } else {
        signature.returns.extend(ty.results.iter().map(|&ty| AbiParam::new(clif_type(ty))));
    }
    signature.params.extend(ty.params.iter().map(|&ty| AbiParam::new(clif_type(ty))));
    if caller == Caller::Anyone || always_passes_caller(ty, target) {
        signature.params.push(AbiParam::new(POINTER));
    }
    signature
}

/// The signature of entry trampolines: vmctx, code, values; whether it ended well.
pub fn entry_signature(target: &Target) -> Signature {
    c_signature(target, &[POINTER, POINTER, POINTER], Some(types::I8))
}

/// The signature of host functions: their own context, the caller's vmctx, values, count; whether it ended well.
pub fn host_signature(target: &Target) -> Signature {
    c_signature(target, &[POINTER, POINTER, POINTER, POINTER], Some(types::I8))
}

/// The signature with which exit trampolines call a [`TypedHostEntry`](wootz_runtime::abi::vmctx::TypedHostEntry), if functions
/// of this type may have one that is called so: the parameters of the wasm function, its result.
pub fn typed_host_signature(ty: &FuncType, target: &Target) -> Option<Signature> {
    let is_x86_64 = target.triple().architecture == Architecture::X86_64;
    (has_typed_entry(ty) && !is_x86_64).then(|| {
        let mut params = vec![POINTER];
        params.extend(ty.params.iter().map(|&ty| clif_type(ty)));
        params.push(POINTER);
        c_signature(target, &params, ty.results.first().map(|&ty| clif_type(ty)))
    })
}

/// The signature of the C symbol of an exported function: the instance's handle, parameters, addresses for results; an error
/// or null. Vectors are passed by address, and every reference is one. A float may be declared as an integer with the same bits.
pub fn export_signature(ty: &FuncType, target: &Target) -> Signature {
    let mut params = vec![POINTER];
    let mut float_registers = match target.triple().architecture {
        Architecture::Riscv64(_) => FLOAT_ARGUMENT_REGISTERS_RISCV64,
        _ => usize::MAX,
    };
    params.extend(ty.params.iter().map(|&ty| match ty {
        ValType::V128 | ValType::Ref(_) => POINTER,
        ValType::F32 | ValType::F64 if float_registers == 0 => clif_type(ty).as_int(),
        ValType::F32 | ValType::F64 => {
            float_registers -= 1;
            clif_type(ty)
        }
        integer => clif_type(integer),
    }));
    params.extend(ty.results.iter().map(|_| POINTER));
    c_signature(target, &params, Some(POINTER))
}

/// The signature of [`CallExport`](wootz_runtime::abi::c_interface::CallExport): the instance's handle, export, values,
/// count; an error or null.
pub fn call_export_signature(target: &Target) -> Signature {
    c_signature(target, &[POINTER; 4], Some(POINTER))
}

/// The signature of [`FindExport`](wootz_runtime::abi::c_interface::FindExport), and of the C symbols of what is exported and
/// no function: without the second parameter.
pub fn find_export_signature(target: &Target, knows_export: bool) -> Signature {
    let params = if knows_export { 1 } else { 2 };
    c_signature(target, &[POINTER; 2][..params], Some(POINTER))
}

/// The signature with which trampolines call a built-in function.
pub fn builtin_signature(builtin: Builtin, target: &Target) -> Signature {
    let (params, result) = builtin_types(builtin);
    c_signature(target, &params, result)
}

/// The signature with which wasm functions call the trampoline of a built-in function: what it raises is not seen.
pub fn builtin_trampoline_signature(builtin: Builtin) -> Signature {
    let kind = builtin.result();
    let mut signature = Signature::new(match kind {
        BuiltinResult::RareSuccess => CallConv::PreserveAll,
        _ => CallConv::Tail,
    });
    let (params, result) = builtin_types(builtin);
    signature.params.extend(params.into_iter().map(AbiParam::new));
    signature.params[0].purpose = ArgumentPurpose::VMContext;
    if !matches!(kind, BuiltinResult::Success | BuiltinResult::RareSuccess) {
        signature.returns.extend(result.map(AbiParam::new));
    }
    signature
}

fn builtin_types(builtin: Builtin) -> (Vec<Type>, Option<Type>) {
    let mut params = vec![POINTER];
    params.extend(builtin.params().iter().map(|&ty| builtin_type(ty)));
    let result = match builtin.result() {
        BuiltinResult::Nothing | BuiltinResult::Never => None,
        BuiltinResult::Success | BuiltinResult::RareSuccess => Some(types::I8),
        BuiltinResult::I64 | BuiltinResult::I64OrRaised => Some(types::I64),
    };
    (params, result)
}

fn builtin_type(ty: BuiltinType) -> Type {
    match ty {
        BuiltinType::I32 => types::I32,
        BuiltinType::I64 => types::I64,
    }
}

/// The signature of a function in C. Integers are unsigned there: those with 32 bits are `uint32_t`, those with 8 `bool`.
pub fn c_signature(target: &Target, params: &[Type], result: Option<Type>) -> Signature {
    let mut signature = Signature::new(CallConv::triple_default(target.triple()));
    signature.params.extend(params.iter().map(|&ty| c_value(target, ty)));
    signature.returns.extend(result.map(|ty| c_value(target, ty)));
    signature
}

/// How a value is passed to C, or comes from there: some platforms want whoever passes an integer to fill its register.
fn c_value(target: &Target, ty: Type) -> AbiParam {
    let value = AbiParam::new(ty);
    let triple = target.triple();
    let is_macos = matches!(triple.operating_system, OperatingSystem::Darwin(_));
    match (triple.architecture, ty) {
        // Numbers of 32 bits are extended by their sign, whether they have one or not.
        (Architecture::Riscv64(_), types::I32) => value.sext(),
        (Architecture::Riscv64(_), types::I8) => value.uext(),
        (Architecture::S390x, types::I8 | types::I32) => value.uext(),
        (Architecture::Aarch64(_), types::I8) if is_macos => value.uext(),
        (Architecture::X86_64, types::I8) if is_macos => value.uext(),
        _ => value,
    }
}
