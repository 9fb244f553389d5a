//! Debug information for modules that have none of their own: by the module's text.
//!
//! In: which line of the text each operator is from; either from the module's printed text, or, of a module that was written as
//! text, from the DWARF that the library `wat` makes; or which line of a source, from a source map. Out: a unit with all functions, their parameters and locals, globals and
//! memories, by the names that they have in the text.

use gimli::Register;
use gimli::write::{
    Address, AttributeValue as Value, Dwarf, Expression, FileId, LineString, Range, RangeList,
    Unit, UnitEntryId,
};
use gimli::{DwAte, constants};
use wootz_runtime::abi::index::{FuncIndex, GlobalIndex, MemoryIndex};
use wootz_runtime::abi::types::{RefKind, ValType};

use super::CODE;
use super::entries::{ENCODING, frame_slots, in_frame, line_program};
use super::expression::{Context, Expressions};
use super::guest::Guest;
use super::lines::{self, Row};
use super::places::Places;
use super::source_map;
use crate::budget::Budget;
use crate::convention::clif_type;
use crate::error::{Error, Result};
use crate::guest_dwarf;
use crate::kept::Slot;
use crate::link::Code;
use crate::options::{DebugInfo, Features};
use crate::parse::{self, Module};

/// A module (binary format) as text, as debuggers show it: what belongs into the file that [`DebugInfo::text`] names. `None` if the
/// module has debug information of its own.
///
/// # Errors
/// If it is no valid module.
pub fn text(wasm: &[u8]) -> Result<Option<String>> {
    if !parse::module(wasm, &Features::all())?.dwarf.is_empty() {
        return Ok(None);
    }
    let mut text = String::new();
    printed(wasm, |_, line| text.push_str(line))?;
    Ok(Some(text))
}

/// Where a module (binary format) without debug information says that its source map is: a URL, often a file's name. What is
/// there belongs into [`DebugInfo::source_map`].
pub fn source_map_url(wasm: &[u8]) -> Option<String> {
    let module = parse::module(wasm, &Features::all()).ok()?;
    let url = source_map::url(&module).filter(|_| module.dwarf.is_empty());
    url.map(str::to_string)
}

/// Prints a module: each line, and the offset in the file of what is in it.
fn printed(wasm: &[u8], mut line: impl FnMut(Option<u64>, &str)) -> Result<()> {
    let mut storage = String::new();
    let lines = wasmprinter::Config::new().offsets_and_lines(wasm, &mut storage);
    let lines = lines.map_err(|error| Error::Invalid {
        message: format!("it cannot be printed as text: {error:#}"),
        offset: 0,
        function: None,
        needs: Vec::new(),
    })?;
    lines.for_each(|(offset, text)| line(offset, text));
    Ok(())
}

/// Where lines are counted, and which operator is in which.
struct Lines {
    directory: Vec<u8>,
    /// The files, of which rows have the positions; the first one gives the unit its name.
    files: Vec<Vec<u8>>,
    rows: Vec<Row>,
}

impl Lines {
    /// Of what the library `wat` says about a module in text format.
    fn written(guest: &Guest<'_, '_>, module: &Module<'_>, budget: &mut Budget) -> Option<Lines> {
        let unit = guest.units.first()?.unit;
        let program = unit.line_program.clone()?;
        let mut rows = lines::rows(program, budget).ok()?;
        let skew = guest_dwarf::skew(unit, module.bodies.len()) as u32;
        for row in &mut rows {
            (row.at, row.file) = (row.at.saturating_add(skew), 0);
        }
        let slice = |text: Option<crate::guest_dwarf::Reader<'_>>| {
            text.map(|text| text.slice().to_vec()).unwrap_or_default()
        };
        Some(Lines { directory: slice(unit.comp_dir), files: vec![slice(unit.name)], rows })
    }

    /// Of the module's source map, if there is one.
    fn mapped(module: &Module<'_>, info: &DebugInfo) -> Option<Lines> {
        let source_map = info.source_map.as_ref()?;
        let source_map::Mapped { files, rows } = source_map::read(module, &source_map.contents)?;
        let directory = source_map.directory.clone().into_bytes();
        Some(Lines { directory, files: files.into_iter().map(String::into_bytes).collect(), rows })
    }

    /// Of the printed text.
    fn printed(module: &Module<'_>, path: Option<&str>) -> Lines {
        let mut rows: Vec<Row> = Vec::new();
        let mut number = 0;
        // What cannot be printed has no lines.
        let _ = printed(module.wasm, |offset, line| {
            number += 1;
            let at = offset.and_then(|offset| offset.checked_sub(module.code_start));
            let Some(at) = at else { return };
            let column = line.len() - line.trim_start().len() + 1;
            rows.push(Row::statement(at as u32, 0, number, column as u64));
        });
        rows.sort_by_key(|row| row.at);
        // Of what is on one line, as `end` and the parentheses after it, the first counts.
        rows.dedup_by_key(|row| row.at);
        let path = std::path::Path::new(path.unwrap_or("module.wat"));
        let bytes = |path: Option<&std::ffi::OsStr>| {
            path.map(|path| path.as_encoded_bytes().to_vec()).unwrap_or_default()
        };
        Lines {
            directory: bytes(path.parent().map(std::path::Path::as_os_str)),
            files: vec![bytes(path.file_name())],
            rows,
        }
    }
}

/// DWARF by the text of the module.
pub fn dwarf(
    guest: &Guest<'_, '_>,
    places: &Places,
    expressions: Expressions<'_>,
    code: &Code,
    frame_register: Register,
    info: &DebugInfo,
    budget: &mut Budget,
) -> Dwarf {
    let module = expressions.plan.module;
    let lines = Lines::written(guest, module, budget);
    let lines = lines.or_else(|| Lines::mapped(module, info));
    let lines = lines.unwrap_or_else(|| Lines::printed(module, info.text.as_deref()));
    let mut out = Dwarf::new();
    let program = line_program(&lines.directory, &lines.files[0]);
    let unit = out.units.add(Unit::new(ENCODING, program));
    let unit = out.units.get_mut(unit);
    let directory = unit.line_program.default_directory();
    let files = lines.files.iter().map(|name| {
        let name: Vec<u8> = name.iter().copied().filter(|&byte| byte != 0).collect();
        let name = if name.is_empty() { b"?".to_vec() } else { name };
        unit.line_program.add_file(LineString::String(name), directory, None)
    });
    let files = files.collect();
    let mut writer =
        Writer { unit, files, expressions, code, frame_register, types: Types::default() };
    writer.root(&lines, places);
    for position in 0..places.functions.len() {
        writer.function(position, &lines.rows, places);
    }
    writer.globals();
    writer.memories();
    out
}

/// A unit being written.
struct Writer<'w> {
    unit: &'w mut Unit,
    files: Vec<FileId>,
    expressions: Expressions<'w>,
    code: &'w Code,
    frame_register: Register,
    types: Types,
}

/// The entries of types that were needed so far.
#[derive(Default)]
struct Types {
    known: Vec<(&'static str, UnitEntryId)>,
}

impl Writer<'_> {
    fn root(&mut self, lines: &Lines, places: &Places) {
        let string =
            |bytes: &[u8]| Value::String(bytes.iter().copied().filter(|&byte| byte != 0).collect());
        let ranges = places.functions.iter().map(|function| Range::StartLength {
            begin: Address::Symbol { symbol: CODE, addend: function.code.start.into() },
            length: u64::from(function.code.end - function.code.start),
        });
        let ranges = self.unit.ranges.add(RangeList(ranges.collect()));
        let root = self.unit.get_mut(self.unit.root());
        root.set(constants::DW_AT_producer, string(format!("wootz {}", crate::VERSION).as_bytes()));
        // There is no number for WebAssembly; of those that there are, debuggers print numbers best for C.
        root.set(constants::DW_AT_language, Value::Language(constants::DW_LANG_C11));
        root.set(constants::DW_AT_name, string(&lines.files[0]));
        root.set(constants::DW_AT_comp_dir, string(&lines.directory));
        if !places.functions.is_empty() {
            root.set(constants::DW_AT_low_pc, Value::Address(Address::Constant(0)));
            root.set(constants::DW_AT_ranges, Value::RangeListRef(ranges));
        }
    }

    fn function(&mut self, position: usize, rows: &[Row], places: &Places) {
        let plan = self.expressions.plan;
        let module = plan.module;
        let index = FuncIndex::from_position(module.imported_functions() + position);
        let place = &places.functions[position];
        let mut native = lines::of_function(rows, place);
        // The function's own line is for its beginning; where its operators begin, so does its body.
        if let [_, body, ..] = native.as_mut_slice() {
            body.prologue_end = true;
        }
        let start = Address::Symbol { symbol: CODE, addend: place.code.start.into() };
        if !native.is_empty() {
            let program = &mut self.unit.line_program;
            program.begin_sequence(Some(start));
            for row in &native {
                let made = program.row();
                made.address_offset = u64::from(row.at - place.code.start);
                made.file = self.files[row.file as usize];
                made.line = row.line;
                made.column = row.column;
                made.is_statement = row.is_statement;
                made.prologue_end = row.prologue_end;
                program.generate_row();
            }
            program.end_sequence(u64::from(place.code.end - place.code.start));
        }
        let id = self.unit.add(self.unit.root(), constants::DW_TAG_subprogram);
        let name = module.names.symbol(index);
        let name = name.map_or_else(|| format!("func{}", index.0), str::to_string);
        let signature = plan.signature(module.functions[index.index()]);
        let result = match &signature.results[..] {
            [result] => Some(self.ty(*result)),
            _ => None,
        };
        let entry = self.unit.get_mut(id);
        entry.set(constants::DW_AT_name, text_value(&name));
        entry.set(constants::DW_AT_low_pc, Value::Address(start));
        let bytes = u64::from(place.code.end - place.code.start);
        entry.set(constants::DW_AT_high_pc, Value::Udata(bytes));
        entry.set(constants::DW_AT_external, Value::FlagPresent);
        if let Some(first) = native.first().filter(|row| row.line != 0) {
            let file = self.files[first.file as usize];
            entry.set(constants::DW_AT_decl_file, Value::FileIndex(Some(file)));
            entry.set(constants::DW_AT_decl_line, Value::Udata(first.line));
        }
        if let Some(result) = result {
            entry.set(constants::DW_AT_type, Value::UnitRef(result));
        }
        if !self.expressions.returns_as_c {
            let unknown = Value::CallingConvention(constants::DW_CC_nocall);
            entry.set(constants::DW_AT_calling_convention, unknown);
        }
        let slots = frame_slots(self.code, position);
        let frame = self.code.frames[position].as_ref();
        let base = frame.and_then(|frame| {
            frame.slots.iter().find(|(slot, _)| *slot == Slot::Vmctx).map(|&(_, offset)| offset)
        });
        if let Some(base) = base {
            let mut expression = Expression::new();
            expression.op_breg(self.frame_register, base);
            self.unit.get_mut(id).set(constants::DW_AT_frame_base, Value::Exprloc(expression));
        }
        for (local, ty) in plan.locals(position).into_iter().enumerate() {
            let local = local as u32;
            let is_parameter = (local as usize) < signature.params.len();
            let tag = match is_parameter {
                true => constants::DW_TAG_formal_parameter,
                false => constants::DW_TAG_variable,
            };
            let variable = self.unit.add(id, tag);
            let name = module.names.local(index, local);
            let name = name.map_or_else(|| format!("local{local}"), str::to_string);
            let ty_bytes = clif_type(ty).bytes();
            let ty = self.ty(ty);
            let entry = self.unit.get_mut(variable);
            entry.set(constants::DW_AT_name, text_value(&name));
            entry.set(constants::DW_AT_type, Value::UnitRef(ty));
            let slot = slots.iter().find(|(slot, _)| *slot == Slot::Local(local));
            if let Some(&(_, offset)) = slot {
                let location = self.value_at(offset, ty_bytes);
                let location = in_frame(self.unit, place.with_frame(), location);
                self.unit.get_mut(variable).set(constants::DW_AT_location, location);
            }
        }
    }

    /// The value that is kept at an offset in the frame: to read, because the code would not notice if it changed. Only
    /// vectors, too wide for the stack of expressions, are said to be there.
    fn value_at(&self, offset: i64, bytes: u32) -> Expression {
        let mut location = Expression::new();
        location.op_fbreg(offset);
        if bytes <= 8 {
            location.op_deref_size(bytes as u8);
            location.op(constants::DW_OP_stack_value);
        }
        location
    }

    fn globals(&mut self) {
        let plan = self.expressions.plan;
        for (number, global) in plan.module.globals.iter().enumerate() {
            let index = GlobalIndex::from_position(number);
            let name = plan.module.names.global(index);
            let name = name.map_or_else(|| format!("global{number}"), str::to_string);
            let mut location = Expression::new();
            self.expressions.global_address(&mut location, index, Context::Anywhere);
            let ty = self.ty(global.value);
            self.variable(&name, ty, location);
        }
    }

    fn memories(&mut self) {
        let module = self.expressions.plan.module;
        for number in 0..module.memories.len() {
            let index = MemoryIndex::from_position(number);
            let name = match (number, module.names.memory(index)) {
                // Under the same name in every module, with its own or without; so no other has that.
                (0, _) => "memory".to_string(),
                (_, Some(name)) if name != "memory" => name.to_string(),
                _ => format!("memory{number}"),
            };
            let mut location = Expression::new();
            self.expressions.base_of_memory(&mut location, index, Context::Anywhere);
            let bytes = self.bytes(None);
            self.variable(&name, bytes, location);
        }
    }

    fn variable(&mut self, name: &str, ty: UnitEntryId, location: Expression) {
        let variable = self.unit.add(self.unit.root(), constants::DW_TAG_variable);
        let entry = self.unit.get_mut(variable);
        entry.set(constants::DW_AT_name, text_value(name));
        entry.set(constants::DW_AT_type, Value::UnitRef(ty));
        entry.set(constants::DW_AT_external, Value::FlagPresent);
        entry.set(constants::DW_AT_location, Value::Exprloc(location));
    }

    /// The entry of a type of values.
    fn ty(&mut self, ty: ValType) -> UnitEntryId {
        match ty {
            ValType::I32 => self.number("i32", 4, constants::DW_ATE_signed),
            ValType::I64 => self.number("i64", 8, constants::DW_ATE_signed),
            ValType::F32 => self.number("f32", 4, constants::DW_ATE_float),
            ValType::F64 => self.number("f64", 8, constants::DW_ATE_float),
            ValType::V128 => self.bytes(Some(16)),
            ValType::Ref(ty) => match ty.kind() {
                RefKind::Func => self.number("funcref", 8, constants::DW_ATE_unsigned),
                RefKind::Extern => self.number("externref", 4, constants::DW_ATE_unsigned),
                RefKind::Object => self.number("anyref", 4, constants::DW_ATE_unsigned),
            },
        }
    }

    fn number(&mut self, name: &'static str, bytes: u64, encoding: DwAte) -> UnitEntryId {
        if let Some(&(_, id)) = self.types.known.iter().find(|(known, _)| *known == name) {
            return id;
        }
        let id = self.unit.add(self.unit.root(), constants::DW_TAG_base_type);
        let entry = self.unit.get_mut(id);
        entry.set(constants::DW_AT_name, text_value(name));
        entry.set(constants::DW_AT_byte_size, Value::Udata(bytes));
        entry.set(constants::DW_AT_encoding, Value::Encoding(encoding));
        self.types.known.push((name, id));
        id
    }

    /// Bytes, as many as are said, or as there are.
    fn bytes(&mut self, count: Option<u64>) -> UnitEntryId {
        let name = if count.is_some() { "v128" } else { "memory" };
        if let Some(&(_, id)) = self.types.known.iter().find(|(known, _)| *known == name) {
            return id;
        }
        let byte = self.number("u8", 1, constants::DW_ATE_unsigned);
        let id = self.unit.add(self.unit.root(), constants::DW_TAG_array_type);
        self.unit.get_mut(id).set(constants::DW_AT_type, Value::UnitRef(byte));
        let range = self.unit.add(id, constants::DW_TAG_subrange_type);
        if let Some(count) = count {
            self.unit.get_mut(range).set(constants::DW_AT_count, Value::Udata(count));
        }
        self.types.known.push((name, id));
        id
    }
}

fn text_value(text: &str) -> Value {
    Value::String(text.bytes().filter(|&byte| byte != 0).collect())
}
