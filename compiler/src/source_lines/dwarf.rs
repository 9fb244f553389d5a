//! DWARF to scopes and lines, by offsets in the code section.
//!
//! In: the DWARF sections of a module, which may contain anything. Out: a [`Dwarf`]. Versions 2 to 5.
//!
//! Always true: a unit is read as a whole or not at all. The work is bounded by the size of the sections, whatever they
//! refer to: see [`Budget`]. Functions that the linker has removed have addresses where no code can be (0, or the
//! largest ones), and are left out.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use gimli::{
    Abbreviation, AttributeValue, ColumnType, DebugInfoOffset, EntriesRaw, RangeListsOffset, Unit,
    UnitOffset, UnitRef, constants,
};

use super::paint::{Canvas, Ranged, ScopeId};
use crate::budget::{Budget, Fault};
use crate::guest_dwarf::{self, Reader};
use crate::parse::Module;

/// What the DWARF of a module says about its code.
pub struct Dwarf<'a> {
    /// Functions of the source, and each place where they were inlined.
    pub scopes: Vec<Scope>,
    /// The innermost scope of each part of the code, ascending and disjoint.
    pub segments: Vec<Ranged<ScopeId>>,
    /// The place each part of the code comes from, ascending and disjoint.
    pub lines: Vec<Ranged<Place>>,
    /// Names and files.
    pub texts: Texts<'a>,
}

/// A function of the source, or one place where it was inlined.
pub struct Scope {
    /// Its name, as linkers see it if that is known.
    pub name: Option<TextId>,
    /// The scope that it is inlined into, and where that calls it.
    pub caller: Option<(ScopeId, Place)>,
    /// The line program of its unit.
    program: Option<usize>,
}

/// A place in the source.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Place {
    /// The file.
    pub file: Option<TextId>,
    /// The line from 1, or 0.
    pub line: u32,
    /// The column from 1, or 0; 0 if the line is.
    pub column: u32,
}

/// How deep functions nest at most, the outermost counted; those further inside count as part of their caller.
const MOST_NESTED: u32 = 250;

/// How many references are followed to find a name.
const MOST_REFERENCES: u32 = 16;

/// Reads the DWARF of a module. `None` if it would take too long.
pub fn read<'a>(module: &Module<'a>) -> Option<Dwarf<'a>> {
    let code_offset = |at: u64| (at - module.code_start) as u32;
    let bodies = module.bodies.iter().map(|body| body.reader.range());
    let bodies: Vec<_> =
        bodies.map(|body| code_offset(body.start)..code_offset(body.end)).collect();
    let mut budget = guest_dwarf::budget(module);
    let sections = guest_dwarf::sections(module);
    let units = guest_dwarf::units(&sections, &mut budget).ok()?;
    let skew = |unit: &Unit<_>| guest_dwarf::skew(unit.unit_ref(&sections), bodies.len());
    let skews = units.iter().map(skew).collect();
    let mut reading = Reading {
        sections: &sections,
        units: &units,
        skews,
        code_end: bodies.last()?.end,
        bodies,
        budget,
        scopes: Vec::new(),
        ranges: Vec::new(),
        lines: Vec::new(),
        texts: Texts::default(),
        names: HashMap::new(),
        programs: HashSet::new(),
    };
    reading.all().ok()?;
    reading.finish().ok()
}

/// What was found so far.
struct Reading<'d, 'a> {
    sections: &'d gimli::Dwarf<Reader<'a>>,
    units: &'d [Unit<Reader<'a>>],
    /// How far addresses are from what they should be, by unit.
    skews: Vec<u64>,
    /// The function bodies of the module.
    bodies: Vec<Range<u32>>,
    /// Where the last one ends.
    code_end: u32,
    budget: Budget,
    scopes: Vec<Scope>,
    /// Ranges of scopes, callers before what is inlined into them.
    ranges: Vec<Ranged<ScopeId>>,
    /// Lines, each with the offset of its line program.
    lines: Vec<(usize, Ranged<Place>)>,
    texts: Texts<'a>,
    /// The names of entries that others refer to.
    names: HashMap<(usize, UnitOffset), Option<TextId>>,
    /// The line programs that were read.
    programs: HashSet<usize>,
}

/// Who has a body.
struct Owner {
    /// Whether it covers the body exactly.
    is_exact: bool,
    /// The line program of its unit.
    program: Option<usize>,
}

/// The files of a unit that were needed so far, by their numbers.
type Files = HashMap<u64, Option<TextId>>;

impl<'a> Reading<'_, 'a> {
    fn all(&mut self) -> Result<(), Fault> {
        for unit in 0..self.units.len() {
            let before = (self.scopes.len(), self.ranges.len(), self.lines.len());
            let mut files = Files::new();
            let result = self.lines(unit, &mut files).and_then(|()| self.scopes(unit, &mut files));
            match result {
                Err(Fault::Malformed) => {
                    self.scopes.truncate(before.0);
                    self.ranges.truncate(before.1);
                    self.lines.truncate(before.2);
                }
                result => result?,
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Dwarf<'a>, Fault> {
        let owners = self.owners();
        let mut canvas = Canvas::default();
        for &Ranged { start, end, what } in &self.ranges {
            match self.scopes[what.0 as usize].caller {
                None if !self.is_foreign(&owners, start..end) => {
                    canvas.function(start..end, what, &mut self.budget)?;
                }
                None => {}
                Some((caller, _)) => canvas.inlined(start..end, what, caller, &mut self.budget)?,
            }
        }
        // Lines are those of the unit that has the function.
        let is_own = |program: usize, start: u32| {
            let owner = self.body(start).and_then(|body| owners.get(&body));
            owner.is_none_or(|owner| owner.program == Some(program))
        };
        let rows = self.lines.iter().filter(|(program, row)| is_own(*program, row.start));
        let mut lines: Vec<_> = rows.map(|&(_, row)| row).collect();
        lines.sort_by_key(|line| line.start);
        let mut end = 0;
        lines.retain_mut(|line| {
            line.start = line.start.max(end);
            end = end.max(line.end);
            line.start < line.end
        });
        Ok(Dwarf { scopes: self.scopes, segments: canvas.finish(), lines, texts: self.texts })
    }

    /// Who has each body, by its position: the function that covers it exactly, or else the first one that begins in it.
    /// Where the linker takes one of several functions of the same name, the addresses of all lead to that one.
    fn owners(&self) -> HashMap<usize, Owner> {
        let mut owners: HashMap<usize, Owner> = HashMap::new();
        for &Ranged { start, end, what } in &self.ranges {
            let Scope { caller, program, .. } = self.scopes[what.0 as usize];
            let Some(body) = self.body(start).filter(|_| caller.is_none()) else { continue };
            let is_exact = self.bodies[body] == (start..end);
            let owner = owners.entry(body).or_insert(Owner { is_exact, program });
            if is_exact && !owner.is_exact {
                *owner = Owner { is_exact, program };
            }
        }
        owners
    }

    /// Whether a function claims a body that another one covers exactly.
    fn is_foreign(&self, owners: &HashMap<usize, Owner>, range: Range<u32>) -> bool {
        self.body(range.start).is_some_and(|body| {
            self.bodies[body] != range && owners.get(&body).is_some_and(|owner| owner.is_exact)
        })
    }

    /// The body in which a range begins, by its position.
    fn body(&self, start: u32) -> Option<usize> {
        self.bodies.partition_point(|body| body.start <= start).checked_sub(1)
    }

    /// Reads the line program of a unit.
    fn lines(&mut self, unit: usize, files: &mut Files) -> Result<(), Fault> {
        let Some(lines) = &self.units[unit].line_program else { return Ok(()) };
        let program = lines.header().offset().0;
        if !self.programs.insert(program) {
            return Ok(());
        }
        let skew = self.skews[unit];
        let mut rows = lines.clone().rows();
        let mut sequence: Vec<Ranged<Place>> = Vec::new();
        while let Some((_, row)) = rows.next_row()? {
            self.budget.charge(1)?;
            let (start, is_end) = (offset(row.address().saturating_add(skew)), row.end_sequence());
            let line = row.line().map_or(0, |line| line.get() as u32);
            let column = match row.column() {
                ColumnType::Column(column) if line != 0 => column.get() as u32,
                _ => 0,
            };
            let file = row.file_index();
            if let Some(last) = sequence.last_mut() {
                last.end = start.min(self.code_end);
            }
            if is_end {
                let is_code = sequence.first().is_some_and(|first| self.is_code(first.start));
                let rows = sequence.drain(..).filter(|row| is_code && row.start < row.end);
                self.lines.extend(rows.map(|row| (program, row)));
                continue;
            }
            let what = Place { file: self.file(unit, file, files)?, line, column };
            sequence.push(Ranged { start, end: start, what });
        }
        Ok(())
    }

    /// Reads the functions of a unit, and what is inlined into them.
    fn scopes(&mut self, unit: usize, files: &mut Files) -> Result<(), Fault> {
        let program = self.units[unit].line_program.as_ref();
        let program = program.map(|program| program.header().offset().0);
        let mut entries = self.units[unit].entries_raw(None)?;
        // The functions around an entry: their depth in the tree, and their scope if they have code.
        let mut enclosing: Vec<(isize, Option<ScopeId>)> = Vec::new();
        let mut nested = 0;
        while !entries.is_empty() {
            let depth = entries.next_depth();
            self.budget.charge(1)?;
            let Some(abbreviation) = entries.read_abbreviation()? else { continue };
            while let Some((_, scope)) = enclosing.pop_if(|(around, _)| *around >= depth) {
                nested -= u32::from(scope.is_some());
            }
            let is_inlined = match abbreviation.tag() {
                constants::DW_TAG_subprogram => false,
                constants::DW_TAG_inlined_subroutine => true,
                _ => {
                    self.budget.charge(abbreviation.attributes().len() as u64)?;
                    entries.skip_attributes(abbreviation.attributes())?;
                    continue;
                }
            };
            let entry = self.entry(unit, &mut entries, abbreviation)?;
            let around = enclosing.last().and_then(|&(_, scope)| scope);
            let caller = match (is_inlined, around) {
                (false, _) => None,
                (true, Some(around)) if nested < MOST_NESTED => {
                    let call = self.call(unit, &entry, files)?;
                    Some((around, call))
                }
                // Inlined into what is not there, or too deep.
                (true, around) => {
                    nested += u32::from(around.is_some());
                    enclosing.push((depth, around));
                    continue;
                }
            };
            let scope = ScopeId(self.scopes.len() as u32);
            let has_code = self.cover(unit, &entry, scope)?;
            if has_code {
                let name = self.name(unit, &entry, MOST_REFERENCES)?;
                self.scopes.push(Scope { name, caller, program });
            }
            nested += u32::from(has_code);
            enclosing.push((depth, has_code.then_some(scope)));
        }
        Ok(())
    }

    /// Reads those attributes of an entry that say something about functions.
    fn entry(
        &mut self,
        unit: usize,
        entries: &mut EntriesRaw<'_, Reader<'a>>,
        abbreviation: &Abbreviation,
    ) -> Result<Entry<'a>, Fault> {
        let skew = self.skews[unit];
        let unit = UnitRef::new(self.sections, &self.units[unit]);
        let mut entry = Entry::default();
        self.budget.charge(abbreviation.attributes().len() as u64)?;
        for &attribute in abbreviation.attributes() {
            let attribute = entries.read_attribute(attribute)?;
            let value = attribute.value();
            match attribute.name() {
                constants::DW_AT_low_pc => {
                    let low = unit.attr_address(value)?;
                    entry.low = low.map(|low| low.saturating_add(skew));
                }
                constants::DW_AT_high_pc => match attribute.udata_value() {
                    Some(size) => entry.size = Some(size),
                    None => entry.high = unit.attr_address(value)?,
                },
                constants::DW_AT_ranges => entry.ranges = unit.attr_ranges_offset(value)?,
                constants::DW_AT_linkage_name | constants::DW_AT_MIPS_linkage_name => {
                    entry.linkage_name = unit.attr_string(value).ok();
                }
                constants::DW_AT_name => entry.name = unit.attr_string(value).ok(),
                constants::DW_AT_abstract_origin | constants::DW_AT_specification => {
                    entry.origin = Some(value);
                }
                constants::DW_AT_call_file => {
                    // Before version 5, 0 is no file.
                    if let AttributeValue::FileIndex(file) = value
                        && (file != 0 || unit.header.version() >= 5)
                    {
                        entry.call_file = Some(file);
                    }
                }
                constants::DW_AT_call_line => entry.call_line = attribute.udata_value(),
                constants::DW_AT_call_column => entry.call_column = attribute.udata_value(),
                _ => {}
            }
        }
        Ok(entry)
    }

    /// Notes which code belongs to a scope. Whether there is any.
    fn cover(&mut self, unit: usize, entry: &Entry<'_>, scope: ScopeId) -> Result<bool, Fault> {
        let before = self.ranges.len();
        if let Some(list) = entry.ranges {
            let mut list = self.sections.ranges(&self.units[unit], list)?;
            while let Some(range) = list.next()? {
                self.budget.charge(1)?;
                self.cover_range(range.begin, range.end, scope);
            }
        } else if let Some(low) = entry.low {
            let size = entry.size.map(|size| low.saturating_add(size));
            self.cover_range(low, entry.high.or(size).unwrap_or(low), scope);
        }
        Ok(self.ranges.len() > before)
    }

    fn cover_range(&mut self, start: u64, end: u64, scope: ScopeId) {
        let (start, end) = (offset(start), offset(end).min(self.code_end));
        if self.is_code(start) && start < end {
            self.ranges.push(Ranged { start, end, what: scope });
        }
    }

    /// Whether a function or sequence of lines may begin here. The number of functions stands at the very beginning, so
    /// that 0 means that it was removed.
    fn is_code(&self, start: u32) -> bool {
        start != 0 && start < self.code_end
    }

    /// Where an inlined function is called.
    fn call(&mut self, unit: usize, entry: &Entry<'_>, files: &mut Files) -> Result<Place, Fault> {
        let file = match entry.call_file {
            Some(file) => self.file(unit, file, files)?,
            None => None,
        };
        let number = |number: Option<u64>| number.unwrap_or(0) as u32;
        Ok(Place { file, line: number(entry.call_line), column: number(entry.call_column) })
    }

    /// The name of an entry: that for linkers, or else its own, or else that of the entry it refers to.
    fn name(
        &mut self,
        unit: usize,
        entry: &Entry<'a>,
        references: u32,
    ) -> Result<Option<TextId>, Fault> {
        if let Some(name) = entry.linkage_name.or(entry.name) {
            self.budget.charge(name.len() as u64)?;
            return Ok(Some(self.texts.number(name.to_string_lossy())));
        }
        let origin = match entry.origin {
            Some(AttributeValue::UnitRef(offset)) => (unit, offset),
            Some(AttributeValue::DebugInfoRef(offset)) => match self.unit_of(offset) {
                Some(found) => found,
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        if let Some(&known) = self.names.get(&origin) {
            return Ok(known);
        }
        if references == 0 {
            return Ok(None);
        }
        let mut entries = self.units[origin.0].entries_raw(Some(origin.1))?;
        let name = match entries.read_abbreviation()? {
            Some(abbreviation) => {
                let entry = self.entry(origin.0, &mut entries, abbreviation)?;
                self.name(origin.0, &entry, references - 1)?
            }
            None => None,
        };
        self.names.insert(origin, name);
        Ok(name)
    }

    /// The unit in which an entry lies.
    fn unit_of(&self, offset: DebugInfoOffset) -> Option<(usize, UnitOffset)> {
        let start = |unit: &Unit<Reader<'_>>| unit.header.debug_info_offset();
        let behind = self.units.partition_point(|unit| start(unit) <= Some(offset));
        let unit = behind.checked_sub(1)?;
        Some((unit, offset.to_unit_offset(&self.units[unit].header)?))
    }

    /// A file of a unit, by its number.
    fn file(
        &mut self,
        unit: usize,
        number: u64,
        files: &mut Files,
    ) -> Result<Option<TextId>, Fault> {
        if let Some(&known) = files.get(&number) {
            return Ok(known);
        }
        let path = self.path(unit, number)?;
        let text = path.map(|path| self.texts.number(Cow::Owned(path)));
        files.insert(number, text);
        Ok(text)
    }

    fn path(&mut self, unit: usize, number: u64) -> Result<Option<String>, Fault> {
        let unit = UnitRef::new(self.sections, &self.units[unit]);
        let Some(header) = unit.line_program.as_ref().map(|program| program.header()) else {
            return Ok(None);
        };
        let Some(file) = header.file(number) else { return Ok(None) };
        // Directory 0 is where the compiler was called.
        let directory = match file.directory_index() {
            0 => None,
            _ => file.directory(header),
        };
        let mut path = String::new();
        let parts = [directory, Some(file.path_name())].into_iter().flatten();
        let parts = parts.map(|part| unit.attr_string(part)).collect::<gimli::Result<Vec<_>>>()?;
        for part in unit.comp_dir.into_iter().chain(parts) {
            self.budget.charge(part.len() as u64)?;
            append(&mut path, &part.to_string_lossy());
        }
        Ok(Some(path))
    }
}

/// An address, as an offset in the code. Those beyond all code are one.
fn offset(address: u64) -> u32 {
    u32::try_from(address).unwrap_or(u32::MAX)
}

/// Appends to a path one that is relative to it, or puts an absolute one in its place. The program may have been compiled
/// on another system than this one.
fn append(path: &mut String, part: &str) {
    let is_absolute =
        |part: &str| part.starts_with(['/', '\\']) || matches!(part.get(1..3), Some(":/" | ":\\"));
    if is_absolute(part) {
        path.clear();
    }
    let is_windows = path.starts_with('\\') || path.get(1..3) == Some(":\\");
    let separator = if is_windows { '\\' } else { '/' };
    if !path.is_empty() && !path.ends_with(separator) {
        path.push(separator);
    }
    path.push_str(part);
}

/// What an entry says about a function.
#[derive(Default)]
struct Entry<'a> {
    low: Option<u64>,
    high: Option<u64>,
    size: Option<u64>,
    ranges: Option<RangeListsOffset>,
    linkage_name: Option<Reader<'a>>,
    name: Option<Reader<'a>>,
    origin: Option<AttributeValue<Reader<'a>>>,
    call_file: Option<u64>,
    call_line: Option<u64>,
    call_column: Option<u64>,
}

/// Names and files, each once.
#[derive(Default)]
pub struct Texts<'a> {
    texts: Vec<Cow<'a, str>>,
    numbers: HashMap<Cow<'a, str>, TextId>,
}

/// A position in [`Texts`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TextId(u32);

impl<'a> Texts<'a> {
    /// A text.
    pub fn get(&self, id: TextId) -> &str {
        &self.texts[id.0 as usize]
    }

    fn number(&mut self, text: Cow<'a, str>) -> TextId {
        let texts = &mut self.texts;
        *self.numbers.entry(text).or_insert_with_key(|text| {
            texts.push(text.clone());
            TextId(texts.len() as u32 - 1)
        })
    }
}
