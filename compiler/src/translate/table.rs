//! Tables: single elements inline, everything else by the runtime.

use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};
use wootz_runtime::abi::builtin::Builtin;
use wootz_runtime::abi::index::TableIndex;
use wootz_runtime::abi::trap::TrapCode;
use wootz_runtime::abi::types::{TableType, ValType};
use wootz_runtime::abi::vmctx::VmTable;

use super::state::{Region, Translator, trap};
use crate::convention::{POINTER, clif_type};

/// The place of an element; where there is none, the access faults, and the fault becomes the trap.
pub(super) struct Element {
    pub flags: MemFlagsData,
    pub address: Value,
    ty: Type,
}

impl Translator<'_, '_> {
    /// The place of a table's element.
    pub fn table_element(&mut self, table: TableIndex, index: Value) -> Element {
        let ty = self.plan.module.tables[table.index()];
        let element = clif_type(ValType::Ref(ty.element));
        let own = self.is_own_table(table);
        // A table that cannot grow neither moves nor changes its size.
        let is_fixed = own && ty.limits.max == Some(ty.limits.min);
        let (record, offset) = self.record(self.plan.layout.table(table));
        let base_offset = offset + offset_of!(VmTable, base) as u32;
        let base = match is_fixed {
            true => self.load_constant(POINTER, record, base_offset),
            false => {
                let flags = self.trusted(Region::Bounds);
                self.builder.ins().load(POINTER, flags, record, base_offset as i32)
            }
        };
        let size = match is_fixed {
            true => self.builder.ins().iconst(types::I64, ty.limits.min as i64),
            false => self.table_elements(table),
        };
        let index = self.widen(index, ty.table64);
        let outside = self.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, size);
        let offset =
            self.builder.ins().ishl_imm_u(index, i64::from(element.bytes().trailing_zeros()));
        let address = self.builder.ins().iadd(base, offset);
        let null = self.builder.ins().iconst(POINTER, 0);
        let address = self.builder.ins().select_spectre_guard(outside, null, address);
        let flags = self.trusted(Region::Table(own.then_some(table.0)));
        let flags = flags.with_trap_code(Some(trap(TrapCode::TableOutOfBounds)));
        Element { flags, address, ty: element }
    }

    pub fn table_get(&mut self, table: u32) {
        let index = self.pop();
        let element = self.table_element(TableIndex(table), index);
        let value = self.builder.ins().load(element.ty, element.flags, element.address, 0);
        self.note_reference(value, ValType::Ref(self.table_type(table).element));
        self.push(value);
    }

    pub fn table_set(&mut self, table: u32) {
        let (index, value) = self.pop2();
        let element = self.table_element(TableIndex(table), index);
        self.builder.ins().store(element.flags, value, element.address, 0);
    }

    pub fn table_size(&mut self, table: u32) {
        let size = self.table_elements(TableIndex(table));
        let size = self.narrow(size, self.table_type(table).table64);
        self.push(size);
    }

    pub fn table_grow(&mut self, table: u32) {
        let (init, elements) = self.pop2();
        self.before_bulk(elements);
        let table64 = self.table_type(table).table64;
        let init = self.stored_element(init);
        let elements = self.widen(elements, table64);
        let table = self.number(table);
        let former =
            self.builtin(Builtin::table_grow, &[table, elements, init]).expect("it has a result");
        self.has_been_away();
        let former = self.narrow(former, table64);
        self.push(former);
    }

    pub fn table_fill(&mut self, table: u32) {
        let (dst, value, elements) = self.pop3();
        self.before_bulk(elements);
        let table64 = self.table_type(table).table64;
        let dst = self.widen(dst, table64);
        let value = self.stored_element(value);
        let elements = self.widen(elements, table64);
        let table = self.number(table);
        self.builtin(Builtin::table_fill, &[table, dst, value, elements]);
    }

    pub fn table_copy(&mut self, dst_table: u32, src_table: u32) {
        let (dst, src, elements) = self.pop3();
        self.before_bulk(elements);
        let (dst_64, src_64) =
            (self.table_type(dst_table).table64, self.table_type(src_table).table64);
        let dst = self.widen(dst, dst_64);
        let src = self.widen(src, src_64);
        let elements = self.widen(elements, dst_64 && src_64);
        let (dst_table, src_table) = (self.number(dst_table), self.number(src_table));
        self.builtin(Builtin::table_copy, &[dst_table, src_table, dst, src, elements]);
    }

    pub fn table_init(&mut self, segment: u32, table: u32) {
        let (dst, src, elements) = self.pop3();
        self.before_bulk(elements);
        let dst = self.widen(dst, self.table_type(table).table64);
        let src = self.widen(src, false);
        let elements = self.widen(elements, false);
        let (table, segment) = (self.number(table), self.number(segment));
        self.builtin(Builtin::table_init, &[table, segment, dst, src, elements]);
    }

    pub fn elem_drop(&mut self, segment: u32) {
        let segment = self.number(segment);
        self.builtin(Builtin::elem_drop, &[segment]);
    }

    /// A reference as built-in functions take it: 64 bits, whatever it is.
    fn stored_element(&mut self, value: Value) -> Value {
        match self.builder.func.dfg.value_type(value) {
            POINTER => value,
            _ => self.builder.ins().uextend(types::I64, value),
        }
    }

    fn table_elements(&mut self, table: TableIndex) -> Value {
        let (record, offset) = self.record(self.plan.layout.table(table));
        let flags = self.trusted(Region::Bounds);
        self.builder.ins().load(
            POINTER,
            flags,
            record,
            (offset + offset_of!(VmTable, elements) as u32) as i32,
        )
    }

    fn table_type(&self, table: u32) -> TableType {
        self.plan.module.tables[table as usize]
    }

    fn is_own_table(&self, table: TableIndex) -> bool {
        table.index() >= self.plan.module.imported_tables()
    }
}
