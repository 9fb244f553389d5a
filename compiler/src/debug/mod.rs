//! What debuggers read: DWARF for the native code.
//!
//! In: the module's own debug information, the code with everything that is known about it, and where frames keep what
//! debuggers want to see. Out: sections of DWARF, all but the addresses in them.
//!
//! Always true: a location that is given is right. What cannot be told is absent.

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
