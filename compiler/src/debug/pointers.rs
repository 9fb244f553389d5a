//! Pointers into a wasm memory, which debuggers shall follow.
//!
//! In: the entries of pointer and reference types. Out: what a debugger makes the most of.
//!
//! For gdb, a pointer has as many bytes as in the module, and points to a copy of its type that says where the data of such
//! objects is: at the beginning of the memory plus the pointer's value (`DW_AT_data_location`). gdb takes that for structures,
//! arrays and ranges of integers only. So what a pointer to an integer points to is a range of such integers; to characters, an
//! array of them, which gdb shows as a string; to anything else, an array with one element.
//!
//! lldb does not know about that, and takes every pointer for one of 8 bytes. For it, and for machines on which numbers have
//! their highest byte first, a pointer is a structure `guest_pointer<T>` with a number in it, and a reference one
//! `guest_reference<T>`; the script that `wootz lldb-init` writes follows them. It finds the memory by the variable
//! `wootz_memory`, which every unit has.

use std::collections::HashMap;

use cranelift_codegen::ir::Endianness;
use gimli::write::{AttributeValue as Value, DebugInfoRef, Expression, Unit, UnitEntryId};
use gimli::{AttributeValue, DebuggingInformationEntry, DwTag, EntriesTreeNode, constants};

use super::big_endian;
use super::entries::{EntryKey, Translation};
use super::expression::Context;
use crate::budget::Fault;
use crate::guest_dwarf::Reader;
use crate::options::Debugger;

/// How pointers are written, and what was made for them.
pub struct Pointers {
    are_structures: bool,
    endianness: Endianness,
    /// What pointers to an entry point to instead, in the entry's unit; `None` if to itself.
    targets: HashMap<EntryKey, Option<(usize, UnitEntryId)>>,
    /// The type of addresses, by unit.
    addresses: HashMap<usize, UnitEntryId>,
    /// The type of addresses in the process, by unit.
    host_addresses: HashMap<usize, UnitEntryId>,
    /// The definitions of structures, by kind and name; `None` if there are several.
    definitions: Option<HashMap<(DwTag, Vec<u8>), EntryKey>>,
}

/// How deep types are followed: types made to do harm may refer to themselves.
pub const DEEPEST: usize = 32;

impl Pointers {
    /// For a debugger and a machine.
    pub fn new(debugger: Debugger, endianness: Endianness) -> Pointers {
        Pointers {
            are_structures: debugger == Debugger::Lldb || endianness == Endianness::Big,
            endianness,
            targets: HashMap::new(),
            addresses: HashMap::new(),
            host_addresses: HashMap::new(),
            definitions: None,
        }
    }

    /// What kind of entry becomes of one.
    pub fn tag(&self, tag: DwTag) -> DwTag {
        match tag {
            tag if self.are_structures && self.is_pointer(tag) => constants::DW_TAG_structure_type,
            // Debuggers take the bytes of numbers alone for what is said of them.
            constants::DW_TAG_enumeration_type if self.endianness == Endianness::Big => {
                constants::DW_TAG_typedef
            }
            constants::DW_TAG_GNU_call_site => constants::DW_TAG_call_site,
            tag => tag,
        }
    }

    /// Whether entries of this kind are addresses of something in memory.
    pub fn is_pointer(&self, tag: DwTag) -> bool {
        matches!(
            tag,
            constants::DW_TAG_pointer_type
                | constants::DW_TAG_reference_type
                | constants::DW_TAG_rvalue_reference_type
        )
    }
}

fn is_structure(tag: DwTag) -> bool {
    matches!(
        tag,
        constants::DW_TAG_structure_type
            | constants::DW_TAG_class_type
            | constants::DW_TAG_union_type
            | constants::DW_TAG_interface_type
    )
}

/// Whether an entry is another type by another name, or with a qualifier.
fn is_alias(tag: DwTag) -> bool {
    matches!(
        tag,
        constants::DW_TAG_typedef
            | constants::DW_TAG_const_type
            | constants::DW_TAG_volatile_type
            | constants::DW_TAG_restrict_type
            | constants::DW_TAG_atomic_type
            | constants::DW_TAG_immutable_type
            | constants::DW_TAG_packed_type
    )
}

type Read<'a> = DebuggingInformationEntry<Reader<'a>>;

impl<'a> Translation<'_, '_, 'a> {
    /// Writes a pointer or reference type.
    ///
    /// # Errors
    /// If that would take too long.
    pub fn pointer(
        &mut self,
        number: usize,
        entry: &Read<'a>,
        id: UnitEntryId,
    ) -> Result<(), Fault> {
        let bytes = if self.expressions.has_wide_addresses() { 8 } else { 4 };
        let out = self.out.units.get_mut(self.units[number]);
        out.get_mut(id).set(constants::DW_AT_byte_size, Value::Udata(bytes));
        let target = self.type_of(number, entry);
        if self.pointers.are_structures {
            let is_reference = entry.tag() != constants::DW_TAG_pointer_type;
            return self.structure(number, id, target, is_reference);
        }
        let Some(target) = target else { return Ok(()) };
        let made = match self.target(target, DEEPEST)? {
            Some((unit, made)) if unit == number => Some(Value::UnitRef(made)),
            Some((unit, made)) => {
                Some(Value::DebugInfoRef(DebugInfoRef::Entry(self.units[unit], made)))
            }
            None => self.type_reference(number, target),
        };
        if let Some(made) = made {
            let out = self.out.units.get_mut(self.units[number]);
            out.get_mut(id).set(constants::DW_AT_type, made);
        }
        Ok(())
    }

    /// The entry that an entry's type is.
    pub fn type_of(&self, number: usize, entry: &Read<'a>) -> Option<EntryKey> {
        match entry.attr_value(constants::DW_AT_type)? {
            AttributeValue::UnitRef(offset) => Some((number, offset)),
            AttributeValue::DebugInfoRef(offset) => self.find(offset),
            _ => None,
        }
    }

    /// A reference to what has become of a type.
    fn type_reference(&self, number: usize, (unit, offset): EntryKey) -> Option<Value> {
        let id = *self.ids.get(&(unit, offset))?;
        Some(match unit == number {
            true => Value::UnitRef(id),
            false => Value::DebugInfoRef(DebugInfoRef::Entry(self.units[unit], id)),
        })
    }

    pub fn read(&self, (number, offset): EntryKey) -> Option<Read<'a>> {
        // What was not looked through is not there.
        self.ids.get(&(number, offset))?;
        self.guest.units[number].unit.entry(offset).ok()
    }

    /// What pointers to a type point to, for gdb: a copy that says where the data is. `None` if there is none.
    fn target(
        &mut self,
        key: EntryKey,
        depth: usize,
    ) -> Result<Option<(usize, UnitEntryId)>, Fault> {
        if let Some(known) = self.pointers.targets.get(&key) {
            return Ok(*known);
        }
        self.budget.charge(1)?;
        let Some(entry) = self.read(key).filter(|_| depth > 0) else { return Ok(None) };
        let tag = entry.tag();
        let made = if is_structure(tag) && is_declaration(&entry) {
            match self.definition(tag, &entry, key)? {
                Some(definition) => self.target(definition, depth - 1)?,
                None => None,
            }
        } else if is_structure(tag) || tag == constants::DW_TAG_array_type {
            Some(self.copy(key, &entry)?)
        } else if tag == constants::DW_TAG_subroutine_type {
            None
        } else if is_alias(tag) {
            match self.type_of(key.0, &entry) {
                None => None,
                Some(aliased) if self.is_aggregate(aliased, depth - 1)? => {
                    let target = self.target(aliased, depth - 1)?;
                    Some(self.alias(key, &entry, target)?)
                }
                Some(aliased) if self.is_function(aliased, depth - 1)? => None,
                Some(_) => Some(self.around(key)?),
            }
        } else {
            Some(self.around(key)?)
        };
        self.pointers.targets.insert(key, made);
        Ok(made)
    }

    /// Whether a type is a structure or an array, by whatever name.
    fn is_aggregate(&mut self, key: EntryKey, depth: usize) -> Result<bool, Fault> {
        self.is_ultimately(key, depth, |tag| {
            is_structure(tag) || tag == constants::DW_TAG_array_type
        })
    }

    /// Whether a type is one of functions, by whatever name.
    fn is_function(&mut self, key: EntryKey, depth: usize) -> Result<bool, Fault> {
        self.is_ultimately(key, depth, |tag| tag == constants::DW_TAG_subroutine_type)
    }

    fn is_ultimately(
        &mut self,
        mut key: EntryKey,
        depth: usize,
        is: impl Fn(DwTag) -> bool,
    ) -> Result<bool, Fault> {
        for _ in 0..depth {
            self.budget.charge(1)?;
            let Some(entry) = self.read(key) else { return Ok(false) };
            if !is_alias(entry.tag()) {
                return Ok(is(entry.tag()));
            }
            let Some(next) = self.type_of(key.0, &entry) else { return Ok(false) };
            key = next;
        }
        Ok(false)
    }

    /// The definition of a structure that is only declared, in another unit, if there is one.
    fn definition(
        &mut self,
        tag: DwTag,
        entry: &Read<'a>,
        key: EntryKey,
    ) -> Result<Option<EntryKey>, Fault> {
        if self.pointers.definitions.is_none() {
            let mut definitions = HashMap::new();
            for (number, unit) in self.guest.units.iter().enumerate() {
                for entry in unit.entries.iter().filter(|entry| is_structure(entry.tag)) {
                    self.budget.charge(4)?;
                    let Ok(read) = unit.unit.entry(entry.offset) else { continue };
                    if is_declaration(&read) {
                        continue;
                    }
                    if let Some(name) = self.name(number, &read) {
                        definitions.entry((entry.tag, name)).or_insert((number, entry.offset));
                    }
                }
            }
            self.pointers.definitions = Some(definitions);
        }
        let Some(name) = self.name(key.0, entry) else { return Ok(None) };
        let definitions = self.pointers.definitions.as_ref().expect("made above");
        Ok(definitions.get(&(tag, name)).copied())
    }

    fn name(&self, number: usize, entry: &Read<'a>) -> Option<Vec<u8>> {
        let name = entry.attr_value(constants::DW_AT_name)?;
        Some(self.guest.units[number].unit.attr_string(name).ok()?.slice().to_vec())
    }

    /// A new entry beside what has become of another one.
    fn beside(&mut self, key: EntryKey, tag: DwTag) -> (usize, UnitEntryId) {
        let out = self.out.units.get_mut(self.units[key.0]);
        let parent = self.ids.get(&key).and_then(|&id| out.get(id).parent());
        let parent = parent.unwrap_or(out.root());
        (key.0, out.add(parent, tag))
    }

    /// Where the data of an object is: behind the beginning of the memory.
    fn set_data_location(&mut self, (number, id): (usize, UnitEntryId)) {
        let mut location = Expression::new();
        location.op(constants::DW_OP_push_object_address);
        if self.expressions.memory_base(&mut location, Context::Maybe).is_none() {
            return;
        }
        location.op(constants::DW_OP_plus);
        let out = self.out.units.get_mut(self.units[number]);
        out.get_mut(id).set(constants::DW_AT_data_location, Value::Exprloc(location));
    }

    /// A copy of a structure or an array.
    fn copy(&mut self, key: EntryKey, entry: &Read<'a>) -> Result<(usize, UnitEntryId), Fault> {
        let copy = self.beside(key, entry.tag());
        // What it contains may lead back to it.
        self.pointers.targets.insert(key, Some(copy));
        self.attributes(key.0, entry, copy.1, None)?;
        self.set_data_location(copy);
        let unit = self.guest.units[key.0].unit;
        let mut tree = unit.unit.entries_tree(Some(key.1))?;
        let mut parts = Vec::new();
        self.children(key.0, tree.root()?, copy.1, &mut parts, DEEPEST)?;
        self.ids.extend(parts);
        Ok(copy)
    }

    /// Copies what makes up a structure or an array, but nothing that is only declared in it. Meanwhile the parts stand for
    /// their copies, because some refer to others; what they stood for before is added to `parts`.
    fn children(
        &mut self,
        number: usize,
        node: EntriesTreeNode<'_, '_, Reader<'a>>,
        parent: UnitEntryId,
        parts: &mut Vec<(EntryKey, UnitEntryId)>,
        depth: usize,
    ) -> Result<(), Fault> {
        let mut children = node.children();
        while let Some(child) = children.next()? {
            self.budget.charge(1)?;
            let tag = child.entry().tag();
            let is_part = matches!(
                tag,
                constants::DW_TAG_member
                    | constants::DW_TAG_inheritance
                    | constants::DW_TAG_subrange_type
                    | constants::DW_TAG_variant_part
                    | constants::DW_TAG_variant
                    | constants::DW_TAG_template_type_parameter
                    | constants::DW_TAG_template_value_parameter
            );
            if !is_part || depth == 0 {
                continue;
            }
            let id = self.out.units.get_mut(self.units[number]).add(parent, tag);
            let entry = child.entry().clone();
            let key = (number, entry.offset());
            parts.extend(self.ids.insert(key, id).map(|original| (key, original)));
            self.children(number, child, id, parts, depth - 1)?;
            self.attributes(number, &entry, id, None)?;
        }
        Ok(())
    }

    /// A copy of a name or qualifier for another type.
    fn alias(
        &mut self,
        key: EntryKey,
        entry: &Read<'a>,
        target: Option<(usize, UnitEntryId)>,
    ) -> Result<(usize, UnitEntryId), Fault> {
        let copy = self.beside(key, entry.tag());
        self.attributes(key.0, entry, copy.1, None)?;
        if let Some((unit, id)) = target {
            let target = Value::DebugInfoRef(DebugInfoRef::Entry(self.units[unit], id));
            let out = self.out.units.get_mut(self.units[copy.0]);
            out.get_mut(copy.1).set(constants::DW_AT_type, target);
        }
        Ok(copy)
    }

    /// What a pointer to something points to that gdb cannot be told the place of.
    fn around(&mut self, key: EntryKey) -> Result<(usize, UnitEntryId), Fault> {
        let (is_integer, is_character) = match self.encoding(key, DEEPEST)? {
            Some((constants::DW_ATE_signed | constants::DW_ATE_unsigned, _)) => (true, false),
            Some((_, is_character)) => (false, is_character),
            None => (false, false),
        };
        let tag = match is_integer {
            true => constants::DW_TAG_subrange_type,
            false => constants::DW_TAG_array_type,
        };
        let made = self.beside(key, tag);
        if let Some(element) = self.type_reference(made.0, key) {
            let out = self.out.units.get_mut(self.units[made.0]);
            out.get_mut(made.1).set(constants::DW_AT_type, element);
            if !is_integer {
                let range = out.add(made.1, constants::DW_TAG_subrange_type);
                if !is_character {
                    out.get_mut(range).set(constants::DW_AT_count, Value::Udata(1));
                }
            }
        }
        self.set_data_location(made);
        Ok(made)
    }

    /// How a number is encoded, by whatever name, and whether it is a character.
    fn encoding(
        &mut self,
        mut key: EntryKey,
        depth: usize,
    ) -> Result<Option<(gimli::DwAte, bool)>, Fault> {
        for _ in 0..depth {
            self.budget.charge(1)?;
            let Some(entry) = self.read(key) else { return Ok(None) };
            if entry.tag() == constants::DW_TAG_base_type {
                // Some languages have types of nothing, for which gdb has no ranges.
                let bytes = entry.attr(constants::DW_AT_byte_size).and_then(|it| it.udata_value());
                let encoding = entry.attr_value(constants::DW_AT_encoding);
                let encoding = encoding.filter(|_| bytes.is_some_and(|bytes| bytes > 0));
                let Some(AttributeValue::Encoding(encoding)) = encoding else { return Ok(None) };
                let is_character = matches!(
                    encoding,
                    constants::DW_ATE_signed_char
                        | constants::DW_ATE_unsigned_char
                        | constants::DW_ATE_UTF
                );
                return Ok(Some((encoding, is_character)));
            }
            if !is_alias(entry.tag()) {
                return Ok(None);
            }
            let Some(next) = self.type_of(key.0, &entry) else { return Ok(None) };
            key = next;
        }
        Ok(None)
    }

    /// A pointer as a structure with a number.
    fn structure(
        &mut self,
        number: usize,
        id: UnitEntryId,
        target: Option<EntryKey>,
        is_reference: bool,
    ) -> Result<(), Fault> {
        let name = match target {
            Some(target) => self.readable(target, DEEPEST)?,
            None => "void".to_string(),
        };
        let target = target.and_then(|target| self.type_reference(number, target));
        let address = self.address_type(number);
        let out = self.out.units.get_mut(self.units[number]);
        let entry = out.get_mut(id);
        let kind = if is_reference { "guest_reference" } else { "guest_pointer" };
        entry.set(constants::DW_AT_name, Value::String(format!("{kind}<{name}>").into()));
        let member = out.add(id, constants::DW_TAG_member);
        let entry = out.get_mut(member);
        entry.set(constants::DW_AT_name, Value::String(b"address".to_vec()));
        entry.set(constants::DW_AT_type, Value::UnitRef(address));
        entry.set(constants::DW_AT_data_member_location, Value::Udata(0));
        if let Some(target) = target {
            let parameter = out.add(id, constants::DW_TAG_template_type_parameter);
            let entry = out.get_mut(parameter);
            entry.set(constants::DW_AT_name, Value::String(b"T".to_vec()));
            entry.set(constants::DW_AT_type, target);
        }
        Ok(())
    }

    /// The type of numbers that are addresses in the memory.
    fn address_type(&mut self, number: usize) -> UnitEntryId {
        if let Some(&known) = self.pointers.addresses.get(&number) {
            return known;
        }
        let bytes = if self.expressions.has_wide_addresses() { 8 } else { 4 };
        let big = self.expressions.endianness == Endianness::Big;
        let out = self.out.units.get_mut(self.units[number]);
        let ty = unsigned(out, "guest_address", bytes);
        if big {
            big_endian::set_little(out, ty);
        }
        self.pointers.addresses.insert(number, ty);
        ty
    }

    /// Where the memory begins, for scripts that follow pointers: a number that every unit has, and every function whose frame
    /// leads to it.
    pub fn memory(&mut self, number: usize, parent: UnitEntryId, context: Context) {
        let mut location = Expression::new();
        if !self.pointers.are_structures
            || self.expressions.memory_base(&mut location, context).is_none()
        {
            return;
        }
        location.op(constants::DW_OP_stack_value);
        let out = self.out.units.get_mut(self.units[number]);
        let ty = *self
            .pointers
            .host_addresses
            .entry(number)
            .or_insert_with(|| unsigned(out, "host_address", 8));
        let variable = out.add(parent, constants::DW_TAG_variable);
        let entry = out.get_mut(variable);
        entry.set(constants::DW_AT_name, Value::String(b"wootz_memory".to_vec()));
        entry.set(constants::DW_AT_type, Value::UnitRef(ty));
        entry.set(constants::DW_AT_artificial, Value::FlagPresent);
        entry.set(constants::DW_AT_location, Value::Exprloc(location));
    }

    /// The name of a type as people write it.
    fn readable(&mut self, key: EntryKey, depth: usize) -> Result<String, Fault> {
        self.budget.charge(1)?;
        let Some(entry) = self.read(key).filter(|_| depth > 0) else { return Ok("?".to_string()) };
        if let Some(name) = self.name(key.0, &entry) {
            return Ok(String::from_utf8_lossy(&name).into_owned());
        }
        let inner = match self.type_of(key.0, &entry) {
            Some(inner) => self.readable(inner, depth - 1)?,
            None => "void".to_string(),
        };
        Ok(match entry.tag() {
            constants::DW_TAG_pointer_type => format!("{inner} *"),
            constants::DW_TAG_reference_type => format!("{inner} &"),
            constants::DW_TAG_rvalue_reference_type => format!("{inner} &&"),
            constants::DW_TAG_const_type => format!("const {inner}"),
            constants::DW_TAG_volatile_type => format!("volatile {inner}"),
            constants::DW_TAG_array_type => format!("{inner}[]"),
            constants::DW_TAG_subroutine_type => format!("{inner} ()"),
            tag if is_alias(tag) => inner,
            _ => "(anonymous)".to_string(),
        })
    }
}

/// A new type of numbers without sign.
pub fn unsigned(unit: &mut Unit, name: &str, bytes: u64) -> UnitEntryId {
    let ty = unit.add(unit.root(), constants::DW_TAG_base_type);
    let entry = unit.get_mut(ty);
    entry.set(constants::DW_AT_name, Value::String(name.into()));
    entry.set(constants::DW_AT_byte_size, Value::Udata(bytes));
    entry.set(constants::DW_AT_encoding, Value::Encoding(constants::DW_ATE_unsigned));
    ty
}

fn is_declaration(entry: &Read<'_>) -> bool {
    matches!(entry.attr_value(constants::DW_AT_declaration), Some(AttributeValue::Flag(true)))
}
