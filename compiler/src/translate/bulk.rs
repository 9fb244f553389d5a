//! Bulk operations on memories. The runtime checks bounds and does the work.

use cranelift_codegen::ir::{InstBuilder, Value, types};
use wootz_runtime::abi::builtin::Builtin;

use super::state::Translator;

impl Translator<'_, '_> {
    pub fn memory_copy(&mut self, dst_memory: u32, src_memory: u32) {
        let (dst, src, bytes) = self.pop3();
        self.before_bulk(bytes);
        let (dst_64, src_64) = (self.is_memory64(dst_memory), self.is_memory64(src_memory));
        let dst = self.widen(dst, dst_64);
        let src = self.widen(src, src_64);
        let bytes = self.widen(bytes, dst_64 && src_64);
        let (dst_memory, src_memory) = (self.number(dst_memory), self.number(src_memory));
        self.builtin(Builtin::memory_copy, &[dst_memory, src_memory, dst, src, bytes]);
    }

    pub fn memory_fill(&mut self, memory: u32) {
        let (dst, value, bytes) = self.pop3();
        self.before_bulk(bytes);
        let is_64 = self.is_memory64(memory);
        let dst = self.widen(dst, is_64);
        let bytes = self.widen(bytes, is_64);
        let memory = self.number(memory);
        self.builtin(Builtin::memory_fill, &[memory, dst, value, bytes]);
    }

    pub fn memory_init(&mut self, segment: u32, memory: u32) {
        let (dst, src, bytes) = self.pop3();
        self.before_bulk(bytes);
        let is_64 = self.is_memory64(memory);
        let dst = self.widen(dst, is_64);
        let src = self.widen(src, false);
        let bytes = self.widen(bytes, false);
        let (memory, segment) = (self.number(memory), self.number(segment));
        self.builtin(Builtin::memory_init, &[memory, segment, dst, src, bytes]);
    }

    pub fn data_drop(&mut self, segment: u32) {
        let segment = self.number(segment);
        self.builtin(Builtin::data_drop, &[segment]);
    }

    /// An index as an argument.
    pub fn number(&mut self, index: u32) -> Value {
        self.builder.ins().iconst(types::I32, i64::from(index))
    }

    fn is_memory64(&self, memory: u32) -> bool {
        self.plan.memories[memory as usize].ty.memory64
    }
}
