//! Bulk operations on memories. The runtime checks bounds and does the work, except where so few bytes are concerned, and it is
//! known how many, that single accesses do it sooner.
//!
//! Always true: everything is read before anything is written, and the last bytes are written first. So if anything lies outside,
//! it traps before anything has changed.

use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use target_lexicon::Architecture;
use wootz_runtime::abi::builtin::Builtin;
use wootz_runtime::abi::index::MemoryIndex;

use super::state::Translator;

/// Up to how many bytes are copied by single accesses: four vectors.
const MOST_COPIED: u64 = 64;

/// Up to how many bytes are filled so.
const MOST_FILLED: u64 = 128;

impl Translator<'_, '_> {
    pub fn memory_copy(&mut self, dst_memory: u32, src_memory: u32) {
        let (dst, src, bytes) = self.pop3();
        self.before_bulk(bytes);
        if let Some(bytes) = self.few_bytes(bytes, MOST_COPIED) {
            let memories = (MemoryIndex(dst_memory), MemoryIndex(src_memory));
            return self.copy_few(memories, dst, src, bytes);
        }
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
        if let Some(bytes) = self.few_bytes(bytes, MOST_FILLED) {
            return self.fill_few(MemoryIndex(memory), dst, value, bytes);
        }
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

    /// How many bytes these are, if that is known, and they are few, but some.
    fn few_bytes(&self, bytes: Value, most: u64) -> Option<u64> {
        let number = u64::try_from(self.known_integer(bytes)?).ok()?;
        (self.plan.expands_bulk && (1..=most).contains(&number)).then_some(number)
    }

    fn copy_few(
        &mut self,
        (dst_memory, src_memory): (MemoryIndex, MemoryIndex),
        dst: Value,
        src: Value,
        bytes: u64,
    ) {
        let from = self.address(src_memory, src, 0, bytes, false);
        let to = self.address(dst_memory, dst, 0, bytes, false);
        let parts = self.parts(bytes);
        let values: Vec<Value> = parts
            .iter()
            .map(|&(ty, at)| {
                self.builder.ins().load(ty, from.flags, from.base, from.offset + at as i32)
            })
            .collect();
        for (&(_, at), value) in parts.iter().zip(values).rev() {
            self.builder.ins().store(to.flags, value, to.base, to.offset + at as i32);
        }
    }

    fn fill_few(&mut self, memory: MemoryIndex, dst: Value, value: Value, bytes: u64) {
        let to = self.address(memory, dst, 0, bytes, false);
        let byte = self.builder.ins().ireduce(types::I8, value);
        // Each width is made of the byte once.
        let mut made: Vec<(Type, Value)> = Vec::new();
        for &(ty, at) in self.parts(bytes).iter().rev() {
            let found = made.iter().find(|(made, _)| *made == ty).map(|&(_, value)| value);
            let value = found.unwrap_or_else(|| self.repeated(byte, ty));
            made.push((ty, value));
            self.builder.ins().store(to.flags, value, to.base, to.offset + at as i32);
        }
    }

    /// A byte, as often as it fits.
    fn repeated(&mut self, byte: Value, ty: Type) -> Value {
        match ty {
            types::I8 => byte,
            _ if ty.is_vector() => self.builder.ins().splat(ty, byte),
            _ => {
                let wide = self.builder.ins().uextend(ty, byte);
                let ones = 0x0101_0101_0101_0101_u64 & (u64::MAX >> (64 - ty.bits()));
                let ones = self.builder.ins().iconst(ty, ones as i64);
                self.builder.ins().imul(wide, ones)
            }
        }
    }

    /// Types that have so many bytes together, and where each of them is: the largest first.
    fn parts(&self, bytes: u64) -> Vec<(Type, u64)> {
        // On RISC-V, vectors are an extension, and to change their type costs.
        let has_vectors = !matches!(self.target.triple().architecture, Architecture::Riscv64(_));
        let vector = has_vectors.then_some(types::I8X16);
        let types = vector.into_iter().chain([types::I64, types::I32, types::I16, types::I8]);
        let mut parts = Vec::new();
        let mut at = 0;
        for ty in types {
            while bytes - at >= u64::from(ty.bytes()) {
                parts.push((ty, at));
                at += u64::from(ty.bytes());
            }
        }
        parts
    }

    /// An index as an argument.
    pub fn number(&mut self, index: u32) -> Value {
        self.builder.ins().iconst(types::I32, i64::from(index))
    }

    fn is_memory64(&self, memory: u32) -> bool {
        self.plan.memories[memory as usize].ty.memory64
    }
}
