//! What frames must keep, because the module's own debug information speaks of it.
//!
//! In: a module, and whether debug information is wanted. Out: for each function the locals and the places of the operand
//! stack by which its DWARF says where variables are. Debuggers find them in the frame, whatever registers hold meanwhile.
//!
//! A module without DWARF, and one whose DWARF only says which line of its text an operator is from, is debugged by that
//! text: then all locals are kept.

use std::collections::BTreeSet;

use gimli::{AttributeValue, DwTag, Operation, Unit, UnitRef, constants};

use crate::budget::{Budget, Fault};
use crate::guest_dwarf::{self, Reader};
use crate::options::{OptLevel, Options};
use crate::parse::Module;

/// What the frames of a module's functions must keep.
pub struct Kept {
    /// Whether the module is debugged by its text.
    pub by_text: bool,
    /// Whether they keep also what changes in loops, which slows code down.
    pub in_loops: bool,
    /// By the position of the function among those with a body.
    functions: Vec<Keep>,
}

/// What the frame of a function must keep.
#[derive(Clone, Default, Debug)]
pub struct Keep {
    /// The vmctx, which leads to the memory that variables are in.
    pub vmctx: bool,
    /// The local that says where in memory the function's own variables are.
    pub base: Option<u32>,
    /// Locals.
    pub locals: Locals,
    /// Places of the operand stack, counted from its bottom.
    pub operands: BTreeSet<u32>,
}

/// Some of a function's locals.
#[derive(Clone, Debug)]
pub enum Locals {
    /// All of them.
    All,
    /// These.
    Some(BTreeSet<u32>),
}

impl Default for Locals {
    fn default() -> Locals {
        Locals::Some(BTreeSet::new())
    }
}

impl Locals {
    /// Whether a local is one of them.
    pub fn contains(&self, local: u32) -> bool {
        match self {
            Locals::All => true,
            Locals::Some(locals) => locals.contains(&local),
        }
    }
}

impl Kept {
    /// What a function must keep.
    pub fn of(&self, position: usize) -> &Keep {
        &self.functions[position]
    }
}

/// Something that a frame keeps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Slot {
    /// The vmctx.
    Vmctx,
    /// A local.
    Local(u32),
    /// A place of the operand stack, counted from its bottom.
    Operand(u32),
}

impl Slot {
    /// A number of its own.
    pub fn key(self) -> u64 {
        match self {
            Slot::Vmctx => 0,
            Slot::Local(index) => 1 << 32 | u64::from(index),
            Slot::Operand(index) => 2 << 32 | u64::from(index),
        }
    }

    /// The slot with that number.
    pub fn of(key: u64) -> Slot {
        match key >> 32 {
            0 => Slot::Vmctx,
            1 => Slot::Local(key as u32),
            _ => Slot::Operand(key as u32),
        }
    }
}

/// What was noted about keeping while a function was translated.
#[derive(Default, Debug)]
pub struct Notes {
    /// Where something is kept: the offsets in the wasm file of the operators that do it.
    pub stores: Vec<(Slot, u32)>,
    /// What is not kept everywhere, so that debuggers must not look.
    pub lost: BTreeSet<Slot>,
    /// The offsets in the wasm file of operators that change what debuggers can see.
    pub effects: Vec<u32>,
}

/// What frames must keep; `None` if nobody wants to see it.
pub fn find(module: &Module<'_>, options: &Options) -> Option<Kept> {
    options.debug_info.as_ref()?;
    let everything =
        Keep { vmctx: true, base: None, locals: Locals::All, operands: BTreeSet::new() };
    let in_loops = options.opt_level == OptLevel::None;
    let all = |by_text| {
        let functions = vec![everything.clone(); module.bodies.len()];
        Kept { by_text, in_loops, functions }
    };
    if module.dwarf.is_empty() {
        return Some(all(true));
    }
    let mut budget = guest_dwarf::budget(module);
    let sections = guest_dwarf::sections(module);
    // Without a budget for it, there is no debug information either.
    let Ok(units) = guest_dwarf::units(&sections, &mut budget) else { return Some(all(false)) };
    if units.iter().all(|unit| guest_dwarf::is_of_text(unit.unit_ref(&sections))) {
        return Some(all(true));
    }
    let mut functions = vec![Keep::default(); module.bodies.len()];
    for unit in &units {
        let unit = unit.unit_ref(&sections);
        let scan = Scan { unit, module, in_loops, functions: &mut functions };
        if matches!(scan.unit(&mut budget), Err(Fault::TooMuch)) {
            break;
        }
    }
    Some(Kept { by_text: false, in_loops, functions })
}

/// A unit that is looked through.
struct Scan<'d, 'a> {
    unit: UnitRef<'d, Reader<'a>>,
    module: &'d Module<'a>,
    /// Whether code may be slower.
    in_loops: bool,
    functions: &'d mut [Keep],
}

impl<'a> Scan<'_, 'a> {
    fn unit(mut self, budget: &mut Budget) -> Result<(), Fault> {
        let unit: &Unit<_> = self.unit.unit;
        let mut entries = unit.entries_raw(None)?;
        // The functions around an entry: their depth in the tree, and their position.
        let mut enclosing: Vec<(isize, Option<usize>)> = Vec::new();
        while !entries.is_empty() {
            let depth = entries.next_depth();
            budget.charge(1)?;
            let Some(abbreviation) = entries.read_abbreviation()? else { continue };
            while enclosing.pop_if(|(around, _)| *around >= depth).is_some() {}
            let mut begin = None;
            let mut locations = Vec::new();
            for &attribute in abbreviation.attributes() {
                budget.charge(1)?;
                let attribute = entries.read_attribute(attribute)?;
                match attribute.name() {
                    constants::DW_AT_low_pc => {
                        begin = self.unit.attr_address(attribute.value())?;
                    }
                    constants::DW_AT_location | constants::DW_AT_frame_base => {
                        locations.push(attribute.value());
                    }
                    _ => {}
                }
            }
            if abbreviation.tag() == constants::DW_TAG_subprogram {
                let position = begin.and_then(|begin| self.module.body_at(begin));
                if let Some(position) = position {
                    // It leads to the module's globals, whatever else there is to see.
                    self.functions[position].vmctx |= self.in_loops;
                }
                enclosing.push((depth, position));
            }
            let Some(&(_, Some(position))) = enclosing.last() else { continue };
            for location in locations {
                self.location(position, abbreviation.tag(), location, budget)?;
            }
        }
        Ok(())
    }

    fn location(
        &mut self,
        position: usize,
        tag: DwTag,
        location: AttributeValue<Reader<'a>>,
        budget: &mut Budget,
    ) -> Result<(), Fault> {
        // Whatever a variable's location is made of, the way to the memory begins at the vmctx.
        self.functions[position].vmctx |= tag != constants::DW_TAG_subprogram;
        if let AttributeValue::Exprloc(expression) = location {
            let first = expression.operations(self.unit.encoding()).next();
            if tag == constants::DW_TAG_subprogram
                && let Ok(Some(Operation::WasmLocal { index })) = first
            {
                self.functions[position].base = Some(index);
            }
            return self.expression(position, expression, budget);
        }
        // A list may have expressions that cannot be read; what is behind them does not matter.
        let Ok(Some(mut list)) = self.unit.attr_locations(location) else { return Ok(()) };
        while let Ok(Some(entry)) = list.next() {
            budget.charge(1)?;
            self.expression(position, entry.data, budget)?;
        }
        Ok(())
    }

    fn expression(
        &mut self,
        position: usize,
        expression: gimli::Expression<Reader<'a>>,
        budget: &mut Budget,
    ) -> Result<(), Fault> {
        let keep = &mut self.functions[position];
        let mut operations = expression.operations(self.unit.encoding());
        while let Ok(Some(operation)) = operations.next() {
            budget.charge(1)?;
            match (operation, &mut keep.locals) {
                (Operation::WasmLocal { index }, Locals::Some(locals)) => {
                    locals.insert(index);
                }
                (Operation::WasmStack { index }, _) => {
                    keep.operands.insert(index);
                }
                _ => {}
            }
        }
        Ok(())
    }
}
