//! DWARF to bytes, and to notes about where addresses belong.

use cranelift_codegen::ir::Endianness;
use gimli::RunTimeEndian;
use gimli::write::{
    Dwarf, EndianVec, Error, RelocateWriter, Relocation, RelocationTarget, Sections as Writers,
};

use super::{CELL, Place, Section, Sections, Target};

/// The sections of what was put together.
///
/// # Errors
/// If offsets in them would exceed 4 GiB.
pub fn sections(dwarf: &mut Dwarf, endianness: Endianness) -> Result<Sections, Error> {
    let endian = match endianness {
        Endianness::Little => RunTimeEndian::Little,
        Endianness::Big => RunTimeEndian::Big,
    };
    let mut writers =
        Writers::new(Recorder { bytes: EndianVec::new(endian), relocations: Vec::new() });
    dwarf.write(&mut writers)?;
    let mut written = Vec::new();
    let Ok(()) = writers.for_each_mut(|id, recorder| -> Result<(), std::convert::Infallible> {
        let recorder = std::mem::replace(
            recorder,
            Recorder { bytes: EndianVec::new(endian), relocations: Vec::new() },
        );
        if !recorder.bytes.slice().is_empty() {
            written.push((id, recorder));
        }
        Ok(())
    });
    let ids: Vec<_> = written.iter().map(|(id, _)| *id).collect();
    let sections = written.into_iter().map(|(id, recorder)| {
        let mut places: Vec<Place> = recorder
            .relocations
            .iter()
            .map(|relocation| Place {
                offset: relocation.offset as u32,
                bytes: relocation.size,
                target: match relocation.target {
                    RelocationTarget::Symbol(CELL) => Target::Cell,
                    RelocationTarget::Symbol(_) => Target::Code,
                    RelocationTarget::Section(id) => {
                        let known = ids.iter().position(|known| *known == id);
                        Target::Section(known.expect("what is referred to was written"))
                    }
                },
                addend: relocation.addend,
            })
            .collect();
        places.sort_by_key(|place| place.offset);
        Section { name: id.name(), bytes: recorder.bytes.into_vec(), places }
    });
    Ok(Sections { sections: sections.collect() })
}

/// Writes a section, and notes where addresses belong instead of writing them.
#[derive(Clone)]
struct Recorder {
    bytes: EndianVec<RunTimeEndian>,
    relocations: Vec<Relocation>,
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
