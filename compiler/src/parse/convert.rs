//! Types and constant expressions, from wasmparser's form to the artifact's.
//!
//! Always true: what is converted has been validated with the features that are implemented, so that nothing else than
//! what is handled here can occur.

use wasmparser::{Operator, UnpackedIndex};
use wootz_runtime::abi::index::{FuncIndex, GlobalIndex};
use wootz_runtime::abi::manifest::{ConstExpr, ConstOp};
use wootz_runtime::abi::types::{
    FuncType, GlobalType, HeapType, Limits, MemoryType, RefType, TableType, ValType,
};

use super::{Module, check_operator};
use crate::error::{Error, Result};

impl Module<'_> {
    pub(super) fn func_type(&self, ty: &wasmparser::FuncType) -> FuncType {
        let all =
            |types: &[wasmparser::ValType]| types.iter().map(|&ty| val_type(self, ty)).collect();
        FuncType { params: all(ty.params()), results: all(ty.results()) }
    }

    pub(super) fn table_type(&self, ty: wasmparser::TableType) -> TableType {
        let limits = Limits { min: ty.initial, max: ty.maximum };
        TableType { element: ref_type(self, ty.element_type), limits, table64: ty.table64 }
    }

    pub(super) fn global_type(&self, ty: wasmparser::GlobalType) -> GlobalType {
        GlobalType { value: val_type(self, ty.content_type), mutable: ty.mutable }
    }

    pub(super) fn const_expr(&mut self, expr: &wasmparser::ConstExpr<'_>) -> Result<ConstExpr> {
        let mut ops = Vec::new();
        let mut reader = expr.get_operators_reader();
        while !reader.eof() {
            let offset = reader.original_position();
            let op = reader.read().map_err(|e| Error::invalid(&e))?;
            check_operator(&op, offset)?;
            ops.push(match op {
                Operator::I32Const { value } => ConstOp::I32Const(value),
                Operator::I64Const { value } => ConstOp::I64Const(value),
                Operator::F32Const { value } => ConstOp::F32Const(value.bits()),
                Operator::F64Const { value } => ConstOp::F64Const(value.bits()),
                Operator::V128Const { value } => ConstOp::V128Const(*value.bytes()),
                Operator::GlobalGet { global_index } => {
                    ConstOp::GlobalGet(GlobalIndex(global_index))
                }
                Operator::RefNull { hty } => {
                    ConstOp::RefNull(RefType { nullable: true, heap: heap_type(self, hty) })
                }
                Operator::RefFunc { function_index } => {
                    ConstOp::RefFunc(self.mention(FuncIndex(function_index)))
                }
                Operator::I32Add => ConstOp::I32Add,
                Operator::I32Sub => ConstOp::I32Sub,
                Operator::I32Mul => ConstOp::I32Mul,
                Operator::I64Add => ConstOp::I64Add,
                Operator::I64Sub => ConstOp::I64Sub,
                Operator::I64Mul => ConstOp::I64Mul,
                Operator::End => break,
                op => unreachable!("validation admits no {op:?} in constant expressions"),
            });
        }
        Ok(ConstExpr { ops })
    }
}

pub(super) fn memory_type(ty: wasmparser::MemoryType) -> MemoryType {
    MemoryType {
        limits: Limits { min: ty.initial, max: ty.maximum },
        memory64: ty.memory64,
        shared: ty.shared,
        page_size_log2: ty.page_size_log2.unwrap_or(16) as u8,
    }
}

/// A value type of the module.
pub fn val_type(module: &Module<'_>, ty: wasmparser::ValType) -> ValType {
    match ty {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        wasmparser::ValType::V128 => ValType::V128,
        wasmparser::ValType::Ref(ty) => ValType::Ref(ref_type(module, ty)),
    }
}

pub(super) fn ref_type(module: &Module<'_>, ty: wasmparser::RefType) -> RefType {
    RefType { nullable: ty.is_nullable(), heap: heap_type(module, ty.heap_type()) }
}

fn heap_type(module: &Module<'_>, ty: wasmparser::HeapType) -> HeapType {
    use wasmparser::AbstractHeapType as Abstract;
    match ty {
        wasmparser::HeapType::Abstract { ty: known, .. } => match known {
            Abstract::Func => HeapType::Func,
            Abstract::NoFunc => HeapType::NoFunc,
            Abstract::Extern => HeapType::Extern,
            Abstract::NoExtern => HeapType::NoExtern,
            Abstract::Any => HeapType::Any,
            Abstract::Eq => HeapType::Eq,
            Abstract::I31 => HeapType::I31,
            Abstract::Struct => HeapType::Struct,
            Abstract::Array => HeapType::Array,
            Abstract::None => HeapType::None,
            Abstract::Exn => HeapType::Exn,
            Abstract::NoExn => HeapType::NoExn,
            Abstract::Cont | Abstract::NoCont => unreachable!("validation admits no {ty:?}"),
        },
        wasmparser::HeapType::Concrete(UnpackedIndex::Module(index)) => {
            module.types[index as usize]
        }
        ty => unreachable!("validation admits no {ty:?}"),
    }
}
