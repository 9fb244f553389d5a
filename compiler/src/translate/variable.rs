//! Locals and globals.

use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};
use wootz_runtime::abi::index::GlobalIndex;
use wootz_runtime::abi::manifest::ConstOp;

use super::state::{Region, Translator};
use crate::convention::{V128, clif_type, in_value_order};

impl Translator<'_, '_> {
    pub fn local_get(&mut self, index: u32) {
        let value = self.builder.use_var(self.locals[index as usize]);
        self.push(value);
    }

    pub fn local_set(&mut self, index: u32) {
        let value = self.pop_canonical();
        self.builder.def_var(self.locals[index as usize], value);
        self.keep_local(index, value);
    }

    pub fn local_tee(&mut self, index: u32) {
        let value = self.pop_canonical();
        self.builder.def_var(self.locals[index as usize], value);
        self.keep_local(index, value);
        self.push(value);
    }

    pub fn global_get(&mut self, index: u32) {
        if let Some(value) = self.constant_global(GlobalIndex(index)) {
            return self.push(value);
        }
        let (ty, flags, base, offset) = self.global(GlobalIndex(index));
        let value = self.builder.ins().load(ty, flags, base, offset as i32);
        self.note_reference(value, self.plan.module.globals[index as usize].value);
        self.push(value);
    }

    pub fn global_set(&mut self, index: u32) {
        let value = self.pop_canonical();
        let (_, flags, base, offset) = self.global(GlobalIndex(index));
        self.builder.ins().store(flags, value, base, offset as i32);
    }

    /// The value of a global that never changes.
    fn constant_global(&mut self, index: GlobalIndex) -> Option<Value> {
        Some(match *self.plan.const_global(index)? {
            ConstOp::I32Const(value) => {
                self.builder.ins().iconst(types::I32, i64::from(value.cast_unsigned()))
            }
            ConstOp::I64Const(value) => self.builder.ins().iconst(types::I64, value),
            ConstOp::F32Const(bits) => self.builder.ins().f32const(Ieee32::with_bits(bits)),
            ConstOp::F64Const(bits) => self.builder.ins().f64const(Ieee64::with_bits(bits)),
            ConstOp::V128Const(bytes) => self.vector_constant(bytes, V128),
            _ => return None,
        })
    }

    fn global(&mut self, index: GlobalIndex) -> (Type, MemFlagsData, Value, u32) {
        let ty = self.plan.module.globals[index.index()];
        let (base, offset) = self.record(self.plan.layout.global(index));
        let own = index.index() >= self.plan.module.imported_globals();
        let mut flags = self.trusted(Region::Global(own.then_some(index.0)));
        if !ty.mutable {
            flags = flags.with_readonly().with_can_move();
        }
        let ty = clif_type(ty.value);
        (ty, in_value_order(flags, ty), base, offset)
    }
}
