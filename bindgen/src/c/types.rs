//! How values are written in C.

use wootz_runtime::abi::types::{FuncType, RefKind, ValType};

use crate::interface::Item;

/// What C calls the type of a parameter; ends so that a name can follow.
fn parameter(ty: ValType) -> &'static str {
    match ty {
        ValType::I32 => "int32_t ",
        ValType::I64 => "int64_t ",
        ValType::F32 => "float ",
        ValType::F64 => "double ",
        ValType::V128 => "const wootz_v128_t *",
        ValType::Ref(ty) if ty.kind() == RefKind::Func => "wootz_func_t *",
        ValType::Ref(_) => "void *",
    }
}

/// What C calls the type of a result; ends so that a name can follow.
pub fn result(ty: ValType) -> &'static str {
    match ty {
        ValType::V128 => "wootz_v128_t ",
        other => parameter(other),
    }
}

/// The field of a `wootz_value_t` that holds such a value.
pub fn field(ty: ValType) -> &'static str {
    match ty {
        ValType::I32 => "i32",
        ValType::I64 => "i64",
        ValType::F32 => "f32",
        ValType::F64 => "f64",
        ValType::V128 => "v128",
        ValType::Ref(ty) if ty.kind() == RefKind::Func => "funcref",
        ValType::Ref(_) => "externref",
    }
}

/// What stands behind the first parameters of a function: each parameter, and a pointer for each result, with a comma before it.
pub fn parameters(ty: &FuncType) -> String {
    let params = ty.params.iter().enumerate();
    let params = params.map(|(position, &ty)| format!(", {}p{position}", parameter(ty)));
    let results = ty.results.iter().enumerate();
    let results = results.map(|(position, &ty)| format!(", {}*r{position}", result(ty)));
    params.chain(results).collect()
}

/// What C calls a pointer to anything but a function; ends so that a name can follow.
pub fn handle(item: &Item<'_>) -> &'static str {
    match item {
        Item::Function(_) => "wootz_func_t *",
        Item::Table(_) => "wootz_table_t *",
        Item::Memory(_) => "wootz_memory_t *",
        Item::Global(_) => "wootz_global_t *",
        Item::Tag(_) => "wootz_tag_t *",
    }
}

/// The `wootz_kind_t` of something.
pub fn kind(item: &Item<'_>) -> &'static str {
    match item {
        Item::Function(_) => "WOOTZ_FUNC",
        Item::Table(_) => "WOOTZ_TABLE",
        Item::Memory(_) => "WOOTZ_MEMORY",
        Item::Global(_) => "WOOTZ_GLOBAL",
        Item::Tag(_) => "WOOTZ_TAG",
    }
}

/// A type as the text format writes it.
pub fn shown(item: &Item<'_>) -> String {
    match item {
        Item::Function(ty) => ty.to_string(),
        Item::Table(ty) => ty.to_string(),
        Item::Memory(ty) => ty.to_string(),
        Item::Global(ty) => ty.to_string(),
        Item::Tag(ty) => ty.to_string().replacen("(func", "(tag", 1),
    }
}
