//! Entries of the module's DWARF to entries for the native code.
//!
//! In: the units that were looked through. Out: units to be written, with everything in them that still means something:
//! types, functions, what is inlined into them, variables.
//!
//! Always true: an attribute that cannot be translated is left out. If that would make the entry wrong instead of less
//! telling, the entry is.

use std::collections::HashMap;
use std::path::PathBuf;

use cranelift_codegen::ir::Endianness;
use gimli::write::{
    Address, AttributeValue as Value, DebugInfoRef, Dwarf, Expression, FileId, LineProgram,
    LineString, Location, LocationList, Range, RangeList, Unit, UnitEntryId, UnitId,
};
use gimli::{
    AttributeValue, DebuggingInformationEntry, DwAt, DwTag, Encoding, Format, LineEncoding,
    Register, UnitOffset, UnitRef, constants,
};
use wootz_runtime::abi::index::FuncIndex;

use super::CODE;
use super::expression::{Context, Expressions, Frame, FrameBase};
use super::guest::{Guest, GuestUnit};
use super::lines;
use super::places::Places;
use super::pointers::Pointers;
use crate::budget::{Budget, Fault};
use crate::guest_dwarf::Reader;
use crate::kept::Slot;
use crate::link::Code;
use crate::options::Debugger;

/// How DWARF is written.
pub const ENCODING: Encoding = Encoding { format: Format::Dwarf32, version: 5, address_size: 8 };

/// Where an entry is: its unit, by position, and where in that.
pub type EntryKey = (usize, UnitOffset);

/// Everything that is needed to translate entries.
pub struct Translation<'t, 'd, 'a> {
    /// What was read.
    pub guest: &'t Guest<'d, 'a>,
    /// Where code is.
    pub places: &'t Places,
    /// How expressions are translated.
    pub expressions: Expressions<'t>,
    /// The code.
    pub code: &'t Code,
    /// The register from which slots in frames are counted.
    pub frame_register: Register,
    /// What is written.
    pub out: Dwarf,
    /// What has become of units.
    pub units: Vec<UnitId>,
    /// What has become of entries.
    pub ids: HashMap<EntryKey, UnitEntryId>,
    /// How pointers are written.
    pub pointers: Pointers,
    /// Where the code begins in which frames are complete, of functions whose lines say it.
    begins: HashMap<usize, u32>,
    /// How much work may still be made.
    pub budget: Budget,
    /// The files of each unit that were needed so far, by their numbers.
    files: Vec<HashMap<u64, FileId>>,
}

impl<'t, 'd, 'a> Translation<'t, 'd, 'a> {
    /// Makes units with all entries, none of which has an attribute yet.
    pub fn new(
        guest: &'t Guest<'d, 'a>,
        places: &'t Places,
        expressions: Expressions<'t>,
        code: &'t Code,
        frame_register: Register,
        budget: Budget,
    ) -> Translation<'t, 'd, 'a> {
        let mut out = Dwarf::new();
        let (mut units, mut ids) = (Vec::new(), HashMap::new());
        let pointers = Pointers::new(expressions.debugger, expressions.endianness);
        for (number, GuestUnit { unit, entries }) in guest.units.iter().enumerate() {
            let name = unit.name.map_or(&b"?"[..], |name| name.slice());
            let directory = unit.comp_dir.map_or(&b"."[..], |directory| directory.slice());
            let program = line_program(directory, name);
            let id = out.units.add(Unit::new(ENCODING, program));
            let made = out.units.get_mut(id);
            let mut of_entries: Vec<UnitEntryId> = Vec::with_capacity(entries.len());
            for entry in entries {
                let made = match of_entries.get(entry.parent) {
                    None => made.root(),
                    Some(&parent) => made.add(parent, pointers.tag(entry.tag)),
                };
                of_entries.push(made);
                ids.insert((number, entry.offset), made);
            }
            units.push(id);
        }
        let files = vec![HashMap::new(); units.len()];
        Translation {
            guest,
            places,
            expressions,
            code,
            frame_register,
            out,
            units,
            ids,
            pointers,
            begins: HashMap::new(),
            budget,
            files,
        }
    }

    /// Translates everything.
    ///
    /// # Errors
    /// If that would take too long.
    pub fn all(&mut self) -> Result<(), Fault> {
        for number in 0..self.units.len() {
            self.lines(number)?;
            self.unit(number)?;
            let root = self.out(number).root();
            self.memory(number, root, Context::Maybe);
        }
        Ok(())
    }

    pub fn out(&mut self, number: usize) -> &mut Unit {
        self.out.units.get_mut(self.units[number])
    }

    /// Writes the line program of a unit.
    fn lines(&mut self, number: usize) -> Result<(), Fault> {
        let guest = &self.guest.units[number];
        let Some(program) = guest.unit.line_program.clone() else { return Ok(()) };
        let rows = match lines::rows(program, &mut self.budget) {
            Ok(rows) => rows,
            Err(Fault::TooMuch) => return Err(Fault::TooMuch),
            // The unit's types and variables are of use without lines, too.
            Err(Fault::Malformed) => Vec::new(),
        };
        for (position, function) in self.places.functions.iter().enumerate() {
            // What no unit describes has the lines of whoever has some.
            let owner = self.guest.owners.get(&position);
            if owner.is_some_and(|&owner| owner != number) {
                continue;
            }
            let native = lines::of_function(&rows, function);
            if native.is_empty() {
                continue;
            }
            let begin = native.iter().find(|row| row.prologue_end).map(|row| row.at);
            self.begins.extend(begin.map(|begin| (position, begin)));
            let code = function.code.clone();
            let start = Address::Symbol { symbol: CODE, addend: code.start.into() };
            self.out(number).line_program.begin_sequence(Some(start));
            for row in native {
                let file = self.file(number, row.file);
                let program = &mut self.out(number).line_program;
                let made = program.row();
                made.address_offset = u64::from(row.at - code.start);
                if let Some(file) = file {
                    made.file = file;
                }
                made.line = if file.is_some() { row.line } else { 0 };
                made.column = row.column;
                made.discriminator = row.discriminator;
                made.is_statement = row.is_statement;
                made.prologue_end = row.prologue_end;
                program.generate_row();
            }
            self.out(number).line_program.end_sequence(u64::from(code.end - code.start));
        }
        Ok(())
    }

    /// What has become of a file of a unit.
    fn file(&mut self, number: usize, index: u64) -> Option<FileId> {
        if let Some(&file) = self.files[number].get(&index) {
            return Some(file);
        }
        let unit = self.guest.units[number].unit;
        let header = unit.line_program.as_ref()?.header();
        let file = header.file(index)?;
        let bytes = unit.attr_string(file.path_name()).ok()?.slice();
        let name = line_string(bytes)?;
        let directory = file.directory(header).and_then(|name| unit.attr_string(name).ok());
        let program = &mut self.out.units.get_mut(self.units[number]).line_program;
        // The unit's own file is the first one already.
        let whole = |directory: &[u8], name: &[u8]| {
            let path = |bytes: &[u8]| PathBuf::from(String::from_utf8_lossy(bytes).into_owned());
            let unit = unit.comp_dir.map_or(&b""[..], |directory| directory.slice());
            path(unit).join(path(directory)).join(path(name))
        };
        let in_directory = directory.map_or(&b""[..], |directory| directory.slice());
        let own = unit.name.map(|name| whole(b"", name.slice()));
        let is_own = own == Some(whole(in_directory, bytes));
        let file = if is_own {
            program.files().next()?.0
        } else {
            // In version 4 the directory of the unit is not in the list.
            let directory = match line_string(in_directory) {
                Some(directory) => program.add_directory(directory),
                None => program.default_directory(),
            };
            program.add_file(name, directory, None)
        };
        self.files[number].insert(index, file);
        Some(file)
    }

    fn unit(&mut self, number: usize) -> Result<(), Fault> {
        let guest = self.guest;
        let GuestUnit { unit, entries } = &guest.units[number];
        // The frames of functions whose entries are open, by the function.
        let mut frame: Option<(usize, Frame)> = None;
        for entry in entries {
            let read = unit.entry(entry.offset)?;
            if let Some(function) = entry.function
                && frame.as_ref().is_none_or(|(known, _)| *known != function)
            {
                frame = Some((function, self.frame(function, number, entry.tag, &read)));
            }
            let frame = match (&frame, entry.function) {
                (Some((known, frame)), Some(function)) if *known == function => Some(frame),
                _ => None,
            };
            let id = self.ids[&(number, entry.offset)];
            self.attributes(number, &read, id, frame)?;
            let is_unit = entry.parent == 0 && entry.offset == entries[0].offset;
            if is_unit {
                self.cover_unit(number, id);
            } else {
                self.cover(number, id, entry.tag, &entry.code);
            }
            let is_function = entry.tag == constants::DW_TAG_subprogram;
            if let Some(function) = entry.function.filter(|_| is_function)
                && !self.returns_as_c(function)
            {
                let is_lldb = self.expressions.debugger == Debugger::Lldb;
                let made = self.out(number).get_mut(id);
                let unknown = Value::CallingConvention(constants::DW_CC_nocall);
                made.set(constants::DW_AT_calling_convention, unknown);
                if is_lldb {
                    // It looks for a result wherever there is a type of one.
                    made.delete(constants::DW_AT_type);
                }
            }
            if is_function
                && let Some(frame) = frame
                && !frame.slots.is_empty()
            {
                self.frame_base(number, id, entry.function.expect("it has a frame"));
                self.memory(number, id, Context::Frame);
            }
        }
        Ok(())
    }

    /// Whether debuggers find what a function returns where C has it: not if it is in memory, and not if its type has the bytes
    /// in another order than the register.
    fn returns_as_c(&self, function: usize) -> bool {
        let module = self.expressions.plan.module;
        let index = FuncIndex::from_position(module.imported_functions() + function);
        module.function_type(index).results.len() == 1
            && self.expressions.returns_as_c
            && self.expressions.endianness == Endianness::Little
    }

    /// What there is in the frame of a function, whose entry is this or around this.
    fn frame(
        &self,
        function: usize,
        number: usize,
        tag: DwTag,
        entry: &DebuggingInformationEntry<Reader<'a>>,
    ) -> Frame {
        let plan = self.expressions.plan;
        let slots = frame_slots(self.code, function);
        let locals = plan.locals(function);
        let unit = self.guest.units[number].unit;
        let base = entry.attr_value(constants::DW_AT_frame_base);
        let base = match base.filter(|_| tag == constants::DW_TAG_subprogram) {
            Some(AttributeValue::Exprloc(base)) => {
                let mut operations = base.operations(unit.encoding());
                match operations.next() {
                    Ok(Some(gimli::Operation::WasmLocal { index })) => FrameBase::Local(index),
                    // The stack pointer is another one in frames of functions that have called others.
                    _ => FrameBase::Unknown,
                }
            }
            _ => FrameBase::Unknown,
        };
        Frame { function, slots, locals, base }
    }

    /// Says where a function's frame is.
    fn frame_base(&mut self, number: usize, id: UnitEntryId, function: usize) {
        let slots = &self.code.frames[function].as_ref().expect("it was collected").slots;
        let Some(&(_, offset)) = slots.iter().find(|(slot, _)| *slot == Slot::Vmctx) else {
            return;
        };
        let mut base = Expression::new();
        base.op_breg(self.frame_register, offset);
        self.out(number).get_mut(id).set(constants::DW_AT_frame_base, Value::Exprloc(base));
    }

    /// Says which code an entry describes.
    fn cover(&mut self, number: usize, id: UnitEntryId, tag: DwTag, code: &[std::ops::Range<u32>]) {
        let address =
            |offset: u32| Value::Address(Address::Symbol { symbol: CODE, addend: offset.into() });
        let unit = self.out(number);
        match code {
            [] => {}
            [call]
                if matches!(tag, constants::DW_TAG_call_site | constants::DW_TAG_GNU_call_site) =>
            {
                unit.get_mut(id).set(constants::DW_AT_call_return_pc, address(call.start));
            }
            [label] if tag == constants::DW_TAG_label => {
                unit.get_mut(id).set(constants::DW_AT_low_pc, address(label.start));
            }
            [range] => {
                let entry = unit.get_mut(id);
                entry.set(constants::DW_AT_low_pc, address(range.start));
                entry.set(constants::DW_AT_high_pc, Value::Udata((range.end - range.start).into()));
            }
            ranges => {
                let list = unit.ranges.add(range_list(ranges));
                unit.get_mut(id).set(constants::DW_AT_ranges, Value::RangeListRef(list));
            }
        }
    }

    /// Says which code a unit describes: its functions.
    fn cover_unit(&mut self, number: usize, id: UnitEntryId) {
        let owned = self.guest.owners.iter().filter(|(_, owner)| **owner == number);
        let mut code: Vec<_> =
            owned.map(|(&function, _)| self.places.functions[function].code.clone()).collect();
        code.sort_by_key(|range| range.start);
        let unit = self.out(number);
        if !code.is_empty() {
            let list = unit.ranges.add(range_list(&code));
            let entry = unit.get_mut(id);
            entry.set(constants::DW_AT_low_pc, Value::Address(Address::Constant(0)));
            entry.set(constants::DW_AT_ranges, Value::RangeListRef(list));
        }
    }

    /// Translates the attributes of an entry.
    pub fn attributes(
        &mut self,
        number: usize,
        entry: &DebuggingInformationEntry<Reader<'a>>,
        id: UnitEntryId,
        frame: Option<&Frame>,
    ) -> Result<(), Fault> {
        let guest = self.guest;
        let unit = guest.units[number].unit;
        let is_pointer = self.pointers.is_pointer(entry.tag());
        for attribute in entry.attrs() {
            self.budget.charge(1)?;
            let name = attribute.name();
            let made = match name {
                constants::DW_AT_frame_base => None,
                constants::DW_AT_location => {
                    let bytes = self.number_bytes(number, entry)?;
                    self.location(number, attribute.value(), frame, bytes)?
                }
                constants::DW_AT_type if is_pointer => continue,
                constants::DW_AT_decl_file | constants::DW_AT_call_file => {
                    let index = attribute.udata_value();
                    index
                        .and_then(|index| self.file(number, index))
                        .map(|file| Value::FileIndex(Some(file)))
                }
                name if is_left_out(name) => None,
                // Where the object's own contents say where a base is, debuggers would look for them in the wrong memory.
                constants::DW_AT_data_member_location if is_computed(&attribute.value(), unit) => {
                    let made = self.out(number);
                    if let Some(parent) = made.get(id).parent() {
                        made.get_mut(parent).delete_child(id);
                    }
                    return Ok(());
                }
                _ => match attribute.value() {
                    AttributeValue::Exprloc(expression) => {
                        self.expressions.number(expression, unit, frame).map(Value::Exprloc)
                    }
                    AttributeValue::UnitRef(offset) => {
                        self.ids.get(&(number, offset)).map(|&id| Value::UnitRef(id))
                    }
                    AttributeValue::DebugInfoRef(offset) => self.reference(offset),
                    value => self.plain(number, value),
                },
            };
            // What GNU had before version 5 has other names there.
            let name = match (entry.tag(), name) {
                (constants::DW_TAG_GNU_call_site, constants::DW_AT_abstract_origin) => {
                    constants::DW_AT_call_origin
                }
                (_, constants::DW_AT_GNU_all_call_sites) => constants::DW_AT_call_all_calls,
                (_, constants::DW_AT_GNU_all_source_call_sites) => {
                    constants::DW_AT_call_all_source_calls
                }
                (_, constants::DW_AT_GNU_all_tail_call_sites) => {
                    constants::DW_AT_call_all_tail_calls
                }
                (_, name) => name,
            };
            if let Some(made) = made {
                self.out(number).get_mut(id).set(name, made);
            }
        }
        if is_pointer {
            self.pointer(number, entry, id)?;
        } else if self.expressions.endianness == Endianness::Big {
            self.set_endianity(number, entry, id);
        }
        Ok(())
    }

    fn location(
        &mut self,
        number: usize,
        value: AttributeValue<Reader<'a>>,
        frame: Option<&Frame>,
        bytes: Option<u64>,
    ) -> Result<Option<Value>, Fault> {
        let unit = self.guest.units[number].unit;
        if let AttributeValue::Exprloc(expression) = value {
            let Some(location) = self.expressions.location(expression, unit, frame, bytes) else {
                return Ok(None);
            };
            let Some(frame) = frame.filter(|frame| frame.keeps()) else {
                return Ok(Some(Value::Exprloc(location)));
            };
            let code = self.with_frame(frame.function);
            return Ok(Some(in_frame(self.out(number), code, location)));
        }
        let Ok(Some(mut list)) = unit.attr_locations(value) else { return Ok(None) };
        let mut made = Vec::new();
        while let Ok(Some(entry)) = list.next() {
            self.budget.charge(1)?;
            let addresses = entry.range.begin..entry.range.end;
            let Some(function) = self.places.function_at(addresses.start) else { continue };
            let location = self.expressions.location(entry.data, unit, frame, bytes);
            let Some(location) = location else { continue };
            let with_frame = self.with_frame(function);
            let own = &self.places.functions[function];
            for mut code in own.code_of(&addresses, &mut self.budget)? {
                self.budget.charge(1)?;
                code.start = code.start.max(with_frame.start);
                if code.is_empty() {
                    continue;
                }
                made.push(Location::StartLength {
                    begin: Address::Symbol { symbol: CODE, addend: code.start.into() },
                    length: u64::from(code.end - code.start),
                    data: location.clone(),
                });
            }
        }
        if made.is_empty() {
            return Ok(None);
        }
        let list = self.out(number).locations.add(LocationList(made));
        Ok(Some(Value::LocationListRef(list)))
    }

    /// The code in which the frame of a function has what it keeps, and what its own beginning makes of it.
    fn with_frame(&self, function: usize) -> std::ops::Range<u32> {
        let mut code = self.places.functions[function].with_frame();
        if let Some(&begin) = self.begins.get(&function) {
            code.start = code.start.max(begin).min(code.end);
        }
        code
    }

    /// A reference to an entry of any unit.
    fn reference(&self, offset: gimli::DebugInfoOffset) -> Option<Value> {
        let (number, offset) = self.find(offset)?;
        let id = *self.ids.get(&(number, offset))?;
        Some(Value::DebugInfoRef(DebugInfoRef::Entry(self.units[number], id)))
    }

    /// The unit and the place in it that an offset in `.debug_info` means.
    pub fn find(&self, offset: gimli::DebugInfoOffset) -> Option<EntryKey> {
        let units = &self.guest.units;
        let start = |unit: &GuestUnit<'_, '_>| {
            unit.unit.header.debug_info_offset().map_or(usize::MAX, |start| start.0)
        };
        let number = units.partition_point(|unit| start(unit) <= offset.0).checked_sub(1)?;
        offset.to_unit_offset(&units[number].unit.header).map(|offset| (number, offset))
    }

    /// An attribute whose meaning does not depend on where things are.
    fn plain(&mut self, number: usize, value: AttributeValue<Reader<'a>>) -> Option<Value> {
        Some(match value {
            AttributeValue::Block(bytes) => Value::Block(bytes.slice().to_vec()),
            AttributeValue::Data1(value) => Value::Data1(value),
            AttributeValue::Data2(value) => Value::Data2(value),
            AttributeValue::Data4(value) => Value::Data4(value),
            AttributeValue::Data8(value) => Value::Data8(value),
            AttributeValue::Data16(value) => Value::Data16(value),
            AttributeValue::Sdata(value) => Value::Sdata(value),
            AttributeValue::Udata(value) => Value::Udata(value),
            AttributeValue::Flag(true) => Value::FlagPresent,
            AttributeValue::Flag(false) => Value::Flag(false),
            AttributeValue::Encoding(value) => Value::Encoding(value),
            AttributeValue::DecimalSign(value) => Value::DecimalSign(value),
            AttributeValue::Endianity(value) => Value::Endianity(value),
            AttributeValue::Accessibility(value) => Value::Accessibility(value),
            AttributeValue::Visibility(value) => Value::Visibility(value),
            AttributeValue::Virtuality(value) => Value::Virtuality(value),
            AttributeValue::Language(value) => Value::Language(value),
            AttributeValue::IdentifierCase(value) => Value::IdentifierCase(value),
            AttributeValue::CallingConvention(value) => Value::CallingConvention(value),
            AttributeValue::Inline(value) => Value::Inline(value),
            AttributeValue::Ordering(value) => Value::Ordering(value),
            value @ (AttributeValue::String(_)
            | AttributeValue::DebugStrRef(_)
            | AttributeValue::DebugStrOffsetsIndex(_)
            | AttributeValue::DebugLineStrRef(_)) => {
                let unit = self.guest.units[number].unit;
                let text = unit.attr_string(value).ok()?;
                let text = text.slice();
                Value::StringRef(self.out.strings.add(text))
            }
            _ => return None,
        })
    }
}

/// The location of something that a frame keeps, in the code in which it does.
pub fn in_frame(unit: &mut Unit, code: std::ops::Range<u32>, location: Expression) -> Value {
    let list = LocationList(vec![Location::StartLength {
        begin: Address::Symbol { symbol: CODE, addend: code.start.into() },
        length: u64::from(code.end - code.start),
        data: location,
    }]);
    Value::LocationListRef(unit.locations.add(list))
}

/// What the frame of a function keeps, and how far that is from where the vmctx is kept.
pub fn frame_slots(code: &Code, function: usize) -> Vec<(Slot, i64)> {
    let Some(frame) = &code.frames[function] else { return Vec::new() };
    let vmctx = frame.slots.iter().find(|(slot, _)| *slot == Slot::Vmctx);
    let Some(&(_, base)) = vmctx else { return Vec::new() };
    frame.slots.iter().map(|&(slot, offset)| (slot, offset - base)).collect()
}

/// Whether an expression looks at memory.
fn is_computed<'a>(value: &AttributeValue<Reader<'a>>, unit: UnitRef<'_, Reader<'a>>) -> bool {
    let AttributeValue::Exprloc(expression) = value else { return false };
    let mut operations = (*expression).operations(unit.encoding());
    loop {
        match operations.next() {
            Ok(Some(gimli::Operation::PlusConstant { .. }))
            | Ok(Some(gimli::Operation::UnsignedConstant { .. })) => {}
            Ok(None) => return false,
            _ => return true,
        }
    }
}

/// Attributes that say how the module's DWARF is written, or what does not hold for native code.
fn is_left_out(name: DwAt) -> bool {
    matches!(
        name,
        constants::DW_AT_sibling
            | constants::DW_AT_low_pc
            | constants::DW_AT_high_pc
            | constants::DW_AT_ranges
            | constants::DW_AT_entry_pc
            | constants::DW_AT_start_scope
            | constants::DW_AT_call_return_pc
            | constants::DW_AT_call_pc
            | constants::DW_AT_stmt_list
            | constants::DW_AT_macros
            | constants::DW_AT_macro_info
            | constants::DW_AT_GNU_macros
            | constants::DW_AT_str_offsets_base
            | constants::DW_AT_addr_base
            | constants::DW_AT_rnglists_base
            | constants::DW_AT_loclists_base
            | constants::DW_AT_GNU_ranges_base
            | constants::DW_AT_GNU_addr_base
            | constants::DW_AT_GNU_pubnames
            | constants::DW_AT_GNU_pubtypes
            | constants::DW_AT_GNU_dwo_id
            | constants::DW_AT_GNU_dwo_name
            | constants::DW_AT_dwo_name
            | constants::DW_AT_return_addr
            | constants::DW_AT_static_link
            | constants::DW_AT_segment
            | constants::DW_AT_use_location
            | constants::DW_AT_vtable_elem_location
            | constants::DW_AT_address_class
            | constants::DW_AT_call_target
            | constants::DW_AT_call_target_clobbered
            | constants::DW_AT_call_data_location
            | constants::DW_AT_call_data_value
            | constants::DW_AT_call_value
            | constants::DW_AT_GNU_call_site_value
            | constants::DW_AT_GNU_call_site_target
            | constants::DW_AT_call_tail_call
            | constants::DW_AT_GNU_tail_call
    )
}

fn range_list(code: &[std::ops::Range<u32>]) -> RangeList {
    let ranges = code.iter().map(|range| Range::StartLength {
        begin: Address::Symbol { symbol: CODE, addend: range.start.into() },
        length: u64::from(range.end - range.start),
    });
    RangeList(ranges.collect())
}

/// A name that a line program can have.
fn line_string(name: &[u8]) -> Option<LineString> {
    let is_name = !name.is_empty() && !name.contains(&0);
    is_name.then(|| LineString::String(name.to_vec()))
}

/// A line program without rows.
pub fn line_program(directory: &[u8], name: &[u8]) -> LineProgram {
    let directory = line_string(directory).unwrap_or(LineString::String(b".".to_vec()));
    let name = line_string(name).unwrap_or(LineString::String(b"?".to_vec()));
    LineProgram::new(ENCODING, LineEncoding::default(), directory, None, name, None)
}
