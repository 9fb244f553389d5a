//! DWARF to bytes, and to notes about where addresses belong.

use cranelift_codegen::ir::Endianness;
use gimli::RunTimeEndian;
use gimli::write::{Dwarf, Error, RelocationTarget, Sections as Writers};

use super::{CELL, Place, Section, Sections, Target};
use crate::recorder::Recorder;

/// The sections of what was put together.
///
/// # Errors
/// If offsets in them would exceed 4 GiB.
pub fn sections(dwarf: &mut Dwarf, endianness: Endianness) -> Result<Sections, Error> {
    let endian = match endianness {
        Endianness::Little => RunTimeEndian::Little,
        Endianness::Big => RunTimeEndian::Big,
    };
    let mut writers = Writers::new(Recorder::new(endian));
    dwarf.write(&mut writers)?;
    let mut written = Vec::new();
    let Ok(()) = writers.for_each_mut(|id, recorder| -> Result<(), std::convert::Infallible> {
        let recorder = std::mem::replace(recorder, Recorder::new(endian));
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
