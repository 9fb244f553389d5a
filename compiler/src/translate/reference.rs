//! References. Null is zero, whatever is referred to.

use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::condcodes::IntCC;
use wasmparser::HeapType;
use wootz_runtime::abi::index::FuncIndex;
use wootz_runtime::abi::trap::TrapCode;

use super::state::{Translator, trap};
use crate::convention::clif_type;
use crate::parse::val_type;

impl Translator<'_, '_> {
    pub fn ref_null(&mut self, heap: HeapType) {
        let ty = wasmparser::RefType::new(true, heap).expect("validated types fit");
        let ty = clif_type(val_type(self.plan.module, wasmparser::ValType::Ref(ty)));
        let null = self.zero(ty);
        self.push(null);
    }

    pub fn ref_is_null(&mut self) {
        let reference = self.pop();
        let truth = self.builder.ins().icmp_imm_u(IntCC::Equal, reference, 0);
        self.push_truth(truth);
    }

    pub fn ref_as_non_null(&mut self) {
        let reference = *self.stack.last().expect("validated code has an operand");
        self.builder.ins().trapz(reference, trap(TrapCode::NullReference));
    }

    pub fn ref_func(&mut self, index: FuncIndex) {
        let offset = self.plan.layout.funcref(self.plan.module.funcref(index));
        let funcref = self.builder.ins().iadd_imm_u(self.vmctx, i64::from(offset));
        self.push(funcref);
    }
}
