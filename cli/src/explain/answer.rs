//! What is said of addresses, offsets and functions.
//!
//! In: a compiled module, what it was compiled from if that is there, and a place. Out: text for people.

use std::fmt::Write as _;
use std::ops::Range;

use anyhow::{Context, Result, bail};
use wootz_runtime::abi::artifact::SourceFrame;

use super::origin::Origin;
use super::place::{Place, number};
use crate::compiled::{CodeLine, Compiled, Part, PartKind};
use crate::report;

/// How many places are listed that have an operator in place of calls.
const MOST_COPIES: usize = 10;

/// What is said in place of the code of functions that have none.
const NO_CODE: &str = "none of its own: it is translated wherever it is called, or nobody calls it";

/// What is said where offsets need not be exact.
const INEXACT: &str = "offsets are exact for calls and traps, or with `--address-map all`";

/// How things are looked at.
pub struct View<'a> {
    /// What the code comes from, if that is known.
    pub origin: Option<&'a Origin>,
    /// How many instructions around the one that is meant are shown.
    pub context: usize,
    /// Whether all of them are.
    pub all: bool,
    /// Where the file lies in memory.
    pub base: u64,
}

/// Writes a line `name  what`.
fn field(text: &mut String, name: &str, what: impl std::fmt::Display) {
    writeln!(text, "  {name:<13} {what}").expect("strings can be written to");
}

impl View<'_> {
    /// What is known of a place in a module.
    ///
    /// # Errors
    /// If the module has no such place.
    pub fn answer(&self, module: &Compiled<'_>, place: &Place) -> Result<String> {
        match place {
            Place::Address(address) => self.address(module, *address),
            Place::Wasm(offset) => self.wasm_offset(module, *offset),
            Place::Index(index) => self.index(module, *index),
            Place::Name(name) => self.name(module, name),
        }
    }

    fn address(&self, module: &Compiled<'_>, address: u64) -> Result<String> {
        let found = address.checked_sub(self.base).and_then(|address| module.offset_of(address));
        let Some(offset) = found else {
            let Range { start, end } = module.addresses();
            if start == end {
                bail!("the module has no code at all");
            }
            let mut message = format!("its code is from {start:#x} up to {end:#x}");
            if self.base == 0 && address > end {
                message += "; for an address of a running program, say where the file lies: `--base ADDRESS`";
            } else if address < start {
                message += "; for an offset in the wasm file write `wasm:OFFSET`, for a function `func:INDEX`";
            }
            bail!(message);
        };
        self.place_in_code(module, offset)
    }

    /// An instruction.
    fn place_in_code(&self, module: &Compiled<'_>, offset: u32) -> Result<String> {
        let part = module.part_at(offset).context("nothing is known of it")?;
        let lines = module.instructions(&part)?;
        let at = lines.iter().rposition(|line| line.instruction.offset <= offset).unwrap_or(0);
        let line = lines.get(at).context("there is no instruction")?;
        let inside = offset - line.instruction.offset;

        let mut text = format!("{:#x}", module.address(offset));
        if inside != 0 {
            let start = module.address(line.instruction.offset);
            write!(text, ", inside of the instruction at {start:#x}")?;
        }
        text.push('\n');
        if let Some(label) = module.label(&part) {
            field(&mut text, "symbol", format_args!("{label}+{:#x}", offset - part.range.start));
        }
        self.part(module, &part, &mut text);
        if let PartKind::Function(_) = part.kind {
            // On some machines it is the last byte that traps.
            let end = line.instruction.offset + line.instruction.bytes;
            let mut frames = module.tables.frames_at(end.saturating_sub(1));
            match frames.next() {
                Some((position, Some(wasm))) => {
                    field(&mut text, "wasm offset", self.operator(position, wasm));
                    if !line.is_exact {
                        field(&mut text, "", format_args!("or one close behind it: {INEXACT}"));
                    }
                    let is_exact = line.trap.is_some();
                    self.source(module, position, wasm, is_exact, &mut text);
                    self.inlined(module, position, frames, &mut text);
                }
                _ if line.is_exact => {
                    field(&mut text, "wasm offset", "none: the function's own beginning");
                }
                _ => field(&mut text, "wasm offset", format_args!("none is known: {INEXACT}")),
            }
            let call = at.checked_sub(1).map(|before| &lines[before]);
            if let Some(call) = call.filter(|call| inside == 0 && call.instruction.is_call) {
                let place = module.address(call.instruction.offset);
                let what = format!("as a return address, it is of the call at {place:#x}");
                let wasm = call.wasm_offset.zip(call.function);
                let wasm = wasm.map(|(wasm, position)| self.operator(position, wasm));
                match wasm {
                    Some(wasm) => field(&mut text, "return", format_args!("{what}, {wasm}")),
                    None => field(&mut text, "return", what),
                }
            }
        }
        if let Some(trap) = line.trap {
            field(&mut text, "may trap", trap);
        }
        text.push('\n');
        let shown = match self.all {
            true => 0..lines.len(),
            false => at.saturating_sub(self.context)..lines.len().min(at + self.context + 1),
        };
        self.listing(module, &part, &lines, shown, |line| line == at, &mut text);
        Ok(text)
    }

    /// All code of an operator.
    fn wasm_offset(&self, module: &Compiled<'_>, wasm_offset: u32) -> Result<String> {
        let position = module.function_with(wasm_offset);
        let position = position.context("no function of the wasm file begins in front of it")?;
        let body = module.tables.function(position).map_or(0, |function| function.wasm_offset);
        let part = module.function(position).context("its function is damaged")?;
        let mut wanted = wasm_offset;
        let mut text = format!("wasm offset {wasm_offset:#x}");
        match self.origin {
            Some(origin) => {
                let lines = origin.text.function(position);
                let mut offsets = lines.clone().filter_map(|line| origin.text.wasm_offset(line));
                let last = offsets.by_ref().last().unwrap_or(body);
                if wasm_offset > last {
                    let name = module.readable_name(position);
                    bail!(
                        "the last operator in front of it is at {last:#x}, the end of function `{name}`"
                    );
                }
                let line = origin.text.line_at(position, wasm_offset);
                let start = line.and_then(|line| origin.text.wasm_offset(line)).unwrap_or(body);
                if start != wasm_offset {
                    write!(text, ", inside of the operator at {start:#x}")?;
                    wanted = start;
                }
            }
            None if !module.tables.places_are_complete() || part.range.is_empty() => {}
            None => {
                let last = module.tables.positions_of(position).map(|(_, wasm)| wasm).max();
                if last.is_none_or(|last| wasm_offset > last) {
                    let name = module.readable_name(position);
                    let last = last.unwrap_or(body);
                    bail!(
                        "the last function in front of it is `{name}`, whose code comes from offsets {body:#x} up to {last:#x}"
                    );
                }
            }
        }
        text.push('\n');
        if let Some(label) = module.label(&part) {
            field(&mut text, "symbol", label);
        }
        self.part(module, &part, &mut text);
        if let Some(origin) = self.origin
            && let Some(operator) = origin.text.operator_at(position, wanted)
        {
            field(&mut text, "operator", operator);
        }
        let ranges = module.ranges_of(position, wanted);
        let lines = module.instructions(&part)?;
        let is_of_it = |line: &CodeLine| {
            let end = line.instruction.offset + line.instruction.bytes;
            ranges.iter().any(|range| range.contains(&end.saturating_sub(1)))
        };
        let copies = module.copies_of(position, wanted);
        let traps = lines.iter().filter(|line| is_of_it(line)).filter_map(|line| line.trap);
        let mut traps: Vec<&str> = traps.map(|trap| trap.message()).collect();
        // If it has no code of its own, what there is elsewhere says so.
        for (into, range) in copies.iter().filter(|_| part.range.is_empty()) {
            let places = module.tables.places_of(*into).filter(|it| range.contains(&it.code));
            traps.extend(places.filter_map(|place| place.trap).map(|trap| trap.message()));
        }
        traps.sort_unstable();
        traps.dedup();
        self.source(module, position, wanted, !traps.is_empty(), &mut text);
        if !traps.is_empty() {
            field(&mut text, "may trap", traps.join("; "));
        }
        for (at, (into, range)) in copies.iter().take(MOST_COPIES).enumerate() {
            let (start, end) = (module.address(range.start), module.address(range.end));
            let what = format!("{start:#x}..{end:#x} in {}", module.readable_name(*into));
            field(&mut text, if at == 0 { "inlined" } else { "" }, what);
        }
        if copies.len() > MOST_COPIES {
            field(&mut text, "", format_args!("and {} more", copies.len() - MOST_COPIES));
        }
        if ranges.is_empty() {
            let none = match copies.is_empty() {
                _ if part.range.is_empty() => NO_CODE,
                _ if !module.tables.places_are_complete() => {
                    "none that is known: only that of calls and traps is, or with `--address-map all`"
                }
                true => "none: what it does is done by other instructions, or not needed",
                false => "none of its own",
            };
            field(&mut text, "code", none);
            let before = module.tables.positions_of(position).map(|(_, wasm)| wasm);
            if let Some(before) = before.filter(|&wasm| wasm < wanted).max() {
                field(&mut text, "in front", self.operator(position, before));
            }
            return Ok(text);
        }
        let places = ranges.iter().map(|range| {
            format!("{:#x}..{:#x}", module.address(range.start), module.address(range.end))
        });
        field(&mut text, "code", places.collect::<Vec<_>>().join(", "));
        if !module.tables.places_are_complete() {
            field(
                &mut text,
                "",
                "with that of some operators close behind it, which is not told apart",
            );
        }
        if self.all {
            text.push('\n');
            let marked = |line: usize| is_of_it(&lines[line]);
            self.listing(module, &part, &lines, 0..lines.len(), marked, &mut text);
            return Ok(text);
        }
        let before = |end: u32| lines.partition_point(|line| line.instruction.offset < end);
        let mut windows: Vec<Range<usize>> = Vec::new();
        for range in &ranges {
            let around = self.context / 2;
            let start = before(range.start).saturating_sub(around);
            let end = lines.len().min(before(range.end) + around);
            match windows.last_mut().filter(|last| start <= last.end) {
                Some(last) => last.end = end,
                None => windows.push(start..end),
            }
        }
        for shown in windows {
            text.push('\n');
            let marked = |line: usize| is_of_it(&lines[line]);
            self.listing(module, &part, &lines, shown, marked, &mut text);
        }
        Ok(text)
    }

    fn index(&self, module: &Compiled<'_>, index: u32) -> Result<String> {
        let count = module.tables.function_count();
        let first = if count == 0 { 0 } else { module.index(0) };
        let position = index.checked_sub(first).map(|position| position as usize);
        match position.filter(|&position| position < count) {
            Some(position) => {
                let part = module.function(position).context("the function is damaged")?;
                self.function(module, &part)
            }
            None if index < first => bail!("it is imported"),
            None if count == 0 => bail!("the module defines no function"),
            None => bail!("it defines functions {first} to {}", module.index(count - 1)),
        }
    }

    fn name(&self, module: &Compiled<'_>, name: &str) -> Result<String> {
        let mut found = named(module, name);
        if found.is_empty()
            && let Some((function, distance)) = name.rsplit_once('+')
            && let Ok(distance) = number(distance)
            && let [part] = &named(module, function)[..]
        {
            let end = part.range.end - part.range.start;
            let distance = u32::try_from(distance).ok().filter(|&distance| distance < end);
            let distance = distance.with_context(|| format!("`{function}` has {end:#x} bytes"))?;
            return self.place_in_code(module, part.range.start + distance);
        }
        // `module!function` is how backtraces name functions.
        if found.is_empty()
            && let Some((_, function)) = name.split_once('!')
        {
            found = named(module, function);
        }
        if found.is_empty() {
            let names = (0..module.tables.function_count()).filter_map(|i| module.name(i));
            let similar = report::suggestion(name, names);
            bail!("no symbol, function or export has that name{similar}");
        }
        let texts = found.iter().map(|part| self.function(module, part));
        Ok(texts.collect::<Result<Vec<_>>>()?.join("\n"))
    }

    /// All of a function or trampoline.
    fn function(&self, module: &Compiled<'_>, part: &Part) -> Result<String> {
        let Range { start, end } = part.range;
        let lines = module.instructions(part)?;
        let mut text = match module.label(part) {
            Some(label) => format!("{label}\n"),
            None => format!("{:#x}\n", module.address(start)),
        };
        self.part(module, part, &mut text);
        if let PartKind::Function(position) = part.kind {
            let names: Vec<&str> = module.exported_as(position).collect();
            if !names.is_empty() {
                field(&mut text, "exported as", report::list(&names, "and"));
            }
            if let Some(origin) = self.origin {
                let lines = origin.text.function(position);
                if let Some(first) = lines.clone().next() {
                    field(&mut text, "type", type_in(origin.text.line(first)));
                }
            }
            let body = module.tables.function(position).map_or(0, |function| function.wasm_offset);
            field(&mut text, "wasm offset", format_args!("{body:#x}"));
            let first = lines.iter().find_map(|line| line.wasm_offset);
            let frame = first.and_then(|first| self.frames(module, position, first).pop());
            if let Some(frame) = frame {
                field(&mut text, "source", frame);
            }
        }
        if part.range.is_empty() {
            field(&mut text, "code", NO_CODE);
            return Ok(text);
        }
        let places = format!("{:#x}..{:#x}", module.address(start), module.address(end));
        let what = format!("{places}: {} bytes, {}", end - start, counted(lines.len()));
        field(&mut text, "code", what);
        let mut traps: Vec<(&str, usize)> = Vec::new();
        for trap in lines.iter().filter_map(|line| line.trap) {
            match traps.iter_mut().find(|(message, _)| *message == trap.message()) {
                Some((_, count)) => *count += 1,
                None => traps.push((trap.message(), 1)),
            }
        }
        for (position, (message, count)) in traps.iter().enumerate() {
            let name = if position == 0 { "may trap" } else { "" };
            field(&mut text, name, format_args!("{message} ({})", counted(*count)));
        }
        if self.all {
            text.push('\n');
            self.listing(module, part, &lines, 0..lines.len(), |_| false, &mut text);
        }
        Ok(text)
    }

    /// What a function or trampoline is.
    fn part(&self, module: &Compiled<'_>, part: &Part, text: &mut String) {
        let signature = |index: wootz_runtime::abi::index::SignatureIndex| {
            let signature = module.manifest.signatures.get(index.index());
            signature.map_or_else(|| "(unknown)".to_string(), ToString::to_string)
        };
        match part.kind {
            PartKind::Function(position) => {
                let (index, name) = (module.index(position), module.readable_name(position));
                field(text, "function", format_args!("{index}, {name}"));
            }
            PartKind::Entry(index) => {
                let what = format!("calls functions of type {} for the host", signature(index));
                field(text, "trampoline", what);
            }
            PartKind::Exit(index) => {
                let what = format!("calls the host's functions of type {}", signature(index));
                field(text, "trampoline", what);
            }
            PartKind::Other => {
                field(text, "trampoline", "calls the runtime, or functions for programs in C");
            }
            PartKind::Unknown => {
                field(text, "no function", "between functions, or its symbol was removed");
            }
        }
    }

    /// An offset in the wasm file, and the operator there if the wasm is known.
    fn operator(&self, position: usize, wasm_offset: u32) -> String {
        let operator =
            self.origin.and_then(|origin| origin.text.operator_at(position, wasm_offset));
        match operator {
            Some(operator) => format!("{wasm_offset:#x}  {operator}"),
            None => format!("{wasm_offset:#x}"),
        }
    }

    /// The source lines at an offset in the wasm file, as text, the innermost first.
    fn frames(&self, module: &Compiled<'_>, position: usize, wasm_offset: u32) -> Vec<String> {
        let frames = match self.origin {
            Some(origin) => origin.frames(position, wasm_offset),
            None => module.tables.source_frames(position, wasm_offset).collect(),
        };
        frames.iter().map(frame).collect()
    }

    /// Says which source lines an offset in the wasm file comes from.
    fn source(
        &self,
        module: &Compiled<'_>,
        position: usize,
        wasm_offset: u32,
        is_exact: bool,
        text: &mut String,
    ) {
        let frames = self.frames(module, position, wasm_offset);
        for (depth, frame) in frames.iter().enumerate() {
            match depth {
                0 => field(text, "source", frame),
                _ => field(text, "", format_args!("inlined into {frame}")),
            }
        }
        if !frames.is_empty() && self.origin.is_none() && !is_exact {
            field(
                text,
                "",
                "or close to it: lines are exact for calls and traps, or with `--wasm`",
            );
        }
    }

    /// Says in place of which calls code was translated: `frames` are the functions around the one that it comes from.
    fn inlined(
        &self,
        module: &Compiled<'_>,
        mut called: usize,
        frames: impl Iterator<Item = (usize, Option<u32>)>,
        text: &mut String,
    ) {
        for (depth, (position, wasm)) in frames.enumerate() {
            let place = wasm.map_or_else(String::new, |wasm| format!(" at {wasm:#x}"));
            let (called_name, name) =
                (module.readable_name(called), module.readable_name(position));
            let what = format!("{called_name}, in place of its call in {name}{place}");
            field(text, if depth == 0 { "inlined" } else { "" }, what);
            called = position;
        }
    }

    /// Instructions, some of them marked.
    fn listing(
        &self,
        module: &Compiled<'_>,
        part: &Part,
        lines: &[CodeLine],
        shown: Range<usize>,
        is_marked: impl Fn(usize) -> bool,
        text: &mut String,
    ) {
        let width = format!("{:#x}", module.address(part.range.end)).len();
        let mut last = None;
        for position in shown {
            let line = &lines[position];
            let mark = if is_marked(position) { '>' } else { ' ' };
            let address = format!("{:#x}", module.address(line.instruction.offset));
            let known = line.wasm_offset.filter(|_| line.is_exact);
            let wasm = known.map_or_else(String::new, |wasm| format!("{wasm:#x}"));
            let mut notes = Vec::new();
            if let (Some(wasm), Some(function)) = (known, line.function)
                && known != last
                && let Some(origin) = self.origin
            {
                notes.extend(origin.text.operator_at(function, wasm).map(str::to_string));
            }
            notes.extend(line.trap.map(|trap| format!("may trap: {trap}")));
            last = known.or(last);
            let instruction = module.text(&line.instruction);
            let row = match notes.is_empty() {
                true => format!("{mark} {address:>width$}  {wasm:>8}  {instruction}"),
                false => {
                    let notes = notes.join("; ");
                    format!("{mark} {address:>width$}  {wasm:>8}  {instruction:<40}  ; {notes}")
                }
            };
            text.push_str(&row);
            text.push('\n');
        }
    }
}

/// The functions and trampolines with a name.
fn named(module: &Compiled<'_>, name: &str) -> Vec<Part> {
    let symbols = module.code.symbols.iter().filter(|symbol| symbol.name == name);
    let by_symbol: Vec<Part> =
        symbols.filter_map(|symbol| module.part_at(u32::try_from(symbol.offset).ok()?)).collect();
    if !by_symbol.is_empty() {
        return by_symbol;
    }
    let functions = || 0..module.tables.function_count();
    let parts = |found: Vec<usize>| -> Vec<Part> {
        found.into_iter().filter_map(|position| module.function(position)).collect()
    };
    // The text format has a dollar sign in front of names.
    let plain = name.strip_prefix('$').unwrap_or(name);
    let by_name: Vec<usize> =
        functions().filter(|&position| module.name(position) == Some(plain)).collect();
    if !by_name.is_empty() {
        return parts(by_name);
    }
    let is_called = |&position: &usize| {
        module.tables.readable_name(position).is_some_and(|readable| is_short(name, readable))
            || module.exported_as(position).any(|export| export == name)
    };
    parts(functions().filter(is_called).collect())
}

/// Whether a name is the one that people read, perhaps without the hash that Rust puts behind it.
fn is_short(name: &str, readable: &str) -> bool {
    let rest = readable.strip_prefix(name);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::h") && rest.len() == 19)
}

/// The type in the first line of a function, as the text format writes it.
fn type_in(header: &str) -> String {
    let types = header.find(" (param").or(header.find(" (result"));
    let types = types.map_or("", |at| &header[at..]);
    let mut depth = 0;
    let end = types.bytes().position(|byte| {
        depth += i32::from(byte == b'(') - i32::from(byte == b')');
        depth < 0
    });
    format!("(func{})", &types[..end.unwrap_or(types.len())])
}

fn counted(instructions: usize) -> String {
    match instructions {
        1 => "1 instruction".to_string(),
        more => format!("{more} instructions"),
    }
}

/// A function and a line of the source.
fn frame(frame: &SourceFrame<'_>) -> String {
    let mut text = frame.name.unwrap_or("(unknown function)").to_string();
    if let Some(file) = frame.file {
        text += &format!(" at {file}");
        if let Some(line) = frame.line {
            text += &format!(":{line}");
            if let Some(column) = frame.column {
                text += &format!(":{column}");
            }
        }
    }
    text
}
