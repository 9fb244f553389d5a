//! What debuggers read: DWARF for the native code.
//!
//! In: the module's own debug information, the code with everything that is known about it, and where frames keep what
//! debuggers want to see. Out: sections of DWARF, all but the addresses in them.
//!
//! Always true: a location that is given is right. What cannot be told is absent.

/// Which native code comes from which part of the module.
mod places;
/// Where variables are.
mod expression;
/// The module's own DWARF, looked through.
mod guest;
/// Lines of the source.
mod lines;
/// What is different on big-endian machines.
mod big_endian;
/// Its entries, for native code.
mod entries;
/// Pointers into a wasm memory.
mod pointers;
/// Source maps.
mod source_map;
/// Debug information by the module's text.
mod text;
/// DWARF to bytes.
mod write;
#[cfg(test)]
mod tests;

use gimli::Register;
use target_lexicon::Architecture;

use crate::guest_dwarf;
use crate::link::Code;
use crate::options::DebugInfo;
use crate::plan::Plan;
use crate::target::Target as Machine;
use entries::Translation;
use expression::Expressions;
use places::Places;

pub use text::{source_map_url, text};

/// Sections with DWARF. Their order is that in the file.
#[derive(Default, Debug)]
pub struct Sections {
    /// The sections that are not empty.
    pub sections: Vec<Section>,
}

/// A section with DWARF, which is not loaded with the code.
#[derive(Debug)]
pub struct Section {
    /// Its name in ELF files, such as `.debug_info`.
    pub name: &'static str,
    /// The contents. Where addresses and offsets belong there are zeros.
    pub bytes: Vec<u8>,
    /// What belongs there, in ascending order.
    pub places: Vec<Place>,
}

/// A number that depends on where something is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The offset in the section.
    pub offset: u32,
    /// How many bytes the number has: 8 for addresses, 4 for offsets in sections.
    pub bytes: u8,
    /// What it is about.
    pub target: Target,
    /// What is added to that.
    pub addend: i64,
}

/// What a number in debug information depends on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// The address of the code.
    Code,
    /// The address of the cell that tells debuggers which instance runs: see
    /// [`debug_cell`](wootz_runtime::abi::artifact::Descriptor::debug_cell).
    Cell,
    /// An offset in a section, by its position in [`Sections`].
    Section(usize),
}

/// The symbols that addresses are counted from while DWARF is made: the code, and the cell.
const CODE: usize = 0;
/// See [`CODE`].
const CELL: usize = 1;

/// What debuggers read of a module; and what of its own debug information was left out, and why.
pub fn sections(
    plan: &Plan<'_>,
    code: &Code,
    machine: &Machine,
    info: &DebugInfo,
) -> (Sections, Vec<String>) {
    let Some(kept) = &plan.kept else { return Default::default() };
    let places = Places::new(plan.module, code);
    let frame = frame_register(machine);
    let (endianness, debugger) = (machine.isa.endianness(), info.debugger);
    // The convention has results from the third register on there.
    let returns_as_c = !matches!(machine.triple().architecture, Architecture::Aarch64(_));
    let expressions = Expressions { plan, endianness, returns_as_c, debugger };
    let mut budget = guest_dwarf::budget(plan.module);
    let sections = guest_dwarf::sections(plan.module);
    let Ok(units) = guest_dwarf::units(&sections, &mut budget) else {
        return (Sections::default(), vec![TOO_MUCH.to_string()]);
    };
    let guest = guest::read(&sections, &units, &places, &mut budget);
    let mut warnings = guest.warnings.clone();
    if guest_dwarf::lacks_units(&sections, units.len()) {
        warnings.push("a part of the debug information is malformed, and is left out".to_string());
    }
    let mut dwarf = if kept.by_text {
        text::dwarf(&guest, &places, expressions, code, frame, info, &mut budget)
    } else {
        let mut translation = Translation::new(&guest, &places, expressions, code, frame, budget);
        if translation.all().is_err() {
            return (Sections::default(), vec![TOO_MUCH.to_string()]);
        }
        translation.out
    };
    let written = write::sections(&mut dwarf, endianness).unwrap_or_else(|why| {
        warnings.push(format!("the debug information cannot be written ({why}), and is left out"));
        Sections::default()
    });
    (written, warnings)
}

const TOO_MUCH: &str = "the debug information takes too long to read, and is left out";

/// The register from which slots in frames are counted, as DWARF numbers it: the frame pointer; on s390x, which has none, the
/// stack pointer.
fn frame_register(machine: &Machine) -> Register {
    Register(match machine.triple().architecture {
        Architecture::Aarch64(_) => 29,
        Architecture::Riscv64(_) => 8,
        Architecture::S390x => 15,
        _ => 6,
    })
}
