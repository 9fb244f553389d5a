//! A section being written whose addresses are not known yet.

use gimli::RunTimeEndian;
use gimli::write::{EndianVec, RelocateWriter, Relocation};

/// Takes the bytes of a section, and notes where addresses and offsets belong instead of writing them.
#[derive(Clone)]
pub struct Recorder {
    /// The bytes, with zeros where something belongs.
    pub bytes: EndianVec<RunTimeEndian>,
    /// What belongs where.
    pub relocations: Vec<Relocation>,
}

impl Recorder {
    /// An empty section, in a byte order.
    pub fn new(endian: RunTimeEndian) -> Recorder {
        Recorder { bytes: EndianVec::new(endian), relocations: Vec::new() }
    }
}

impl RelocateWriter for Recorder {
    type Writer = EndianVec<RunTimeEndian>;

    fn writer(&self) -> &Self::Writer {
        &self.bytes
    }

    fn writer_mut(&mut self) -> &mut Self::Writer {
        &mut self.bytes
    }

    fn relocate(&mut self, relocation: Relocation) {
        self.relocations.push(relocation);
    }
}
