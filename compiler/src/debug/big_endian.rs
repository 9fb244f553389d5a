//! What is different on machines whose numbers have their highest byte first: the wasm memory has them the other way round.
//!
//! In: entries of the module's DWARF, and what was made of them. Out: types that say so (`DW_AT_endianity`), and values that fit
//! these types wherever they are.
//!
//! gdb believes it of numbers only. So an enumeration becomes a name for the number that it is; pointers are structures with a
//! number ([`pointers`](super::pointers)); and a function whose result is in a register has no result that gdb could show.

use cranelift_codegen::ir::Endianness;
use gimli::write::{AttributeValue as Value, Expression, Unit, UnitEntryId};
use gimli::{AttributeValue, DebuggingInformationEntry, constants};

use super::entries::Translation;
use super::pointers::{DEEPEST, unsigned};
use crate::budget::Fault;
use crate::guest_dwarf::Reader;

/// Says that a type of numbers has the lowest byte first.
pub fn set_little(unit: &mut Unit, id: UnitEntryId) {
    unit.get_mut(id).set(constants::DW_AT_endianity, Value::Endianity(constants::DW_END_little));
}

/// Reverses the lowest bytes of what is on the stack; what is above them does not count.
pub fn reverse(out: &mut Expression, bytes: u64) -> Option<()> {
    if !matches!(bytes, 1 | 2 | 4 | 8) {
        return None;
    }
    // On the stack are what is left of the number, and above it what it becomes.
    out.op_constu(0);
    for _ in 0..bytes {
        out.op_constu(8);
        out.op(constants::DW_OP_shl);
        out.op_pick(1);
        out.op_constu(0xff);
        out.op(constants::DW_OP_and);
        out.op(constants::DW_OP_or);
        out.op(constants::DW_OP_swap);
        out.op_constu(8);
        out.op(constants::DW_OP_shr);
        out.op(constants::DW_OP_swap);
    }
    Some(())
}

impl<'a> Translation<'_, '_, 'a> {
    /// How many bytes the number has that a variable is, if it is one. Asked on these machines only.
    ///
    /// # Errors
    /// If it takes too long to find out.
    pub fn number_bytes(
        &mut self,
        mut number: usize,
        entry: &DebuggingInformationEntry<Reader<'a>>,
    ) -> Result<Option<u64>, Fault> {
        if self.expressions.endianness == Endianness::Little {
            return Ok(None);
        }
        let mut entry = entry.clone();
        for _ in 0..DEEPEST {
            self.budget.charge(1)?;
            let is_number = matches!(
                entry.tag(),
                constants::DW_TAG_base_type
                    | constants::DW_TAG_enumeration_type
                    | constants::DW_TAG_pointer_type
                    | constants::DW_TAG_reference_type
                    | constants::DW_TAG_rvalue_reference_type
            );
            if is_number {
                let bytes = entry.attr(constants::DW_AT_byte_size).and_then(|it| it.udata_value());
                let is_pointer = self.pointers.is_pointer(entry.tag());
                let address_bytes = if self.expressions.has_wide_addresses() { 8 } else { 4 };
                return Ok(bytes.or(is_pointer.then_some(address_bytes)));
            }
            // A copy of a variable that was inlined has the type of the original.
            let origin = match entry.attr_value(constants::DW_AT_abstract_origin) {
                Some(AttributeValue::UnitRef(offset)) => Some((number, offset)),
                Some(AttributeValue::DebugInfoRef(offset)) => self.find(offset),
                _ => None,
            };
            let Some(next) = self.type_of(number, &entry).or(origin) else { return Ok(None) };
            let Some(read) = self.read(next) else { return Ok(None) };
            (number, entry) = (next.0, read);
        }
        Ok(None)
    }

    /// Makes an entry right for these machines.
    pub fn set_endianity(
        &mut self,
        number: usize,
        entry: &DebuggingInformationEntry<Reader<'a>>,
        id: UnitEntryId,
    ) {
        let unit = self.out(number);
        match entry.tag() {
            constants::DW_TAG_base_type => set_little(unit, id),
            constants::DW_TAG_enumeration_type => {
                let made = unit.get_mut(id);
                let bytes = entry.attr(constants::DW_AT_byte_size).and_then(|it| it.udata_value());
                for name in [constants::DW_AT_byte_size, constants::DW_AT_enum_class] {
                    made.delete(name);
                }
                if made.get(constants::DW_AT_type).is_none() {
                    let ty = unsigned(unit, "enumeration", bytes.unwrap_or(4));
                    set_little(unit, ty);
                    unit.get_mut(id).set(constants::DW_AT_type, Value::UnitRef(ty));
                }
            }
            constants::DW_TAG_enumerator => {
                if let Some(parent) = unit.get(id).parent() {
                    unit.get_mut(parent).delete_child(id);
                }
            }
            _ => {}
        }
    }
}
