//! Unwind information of all functions to what Windows reads: `.pdata`, which has an entry for each function, and `.xdata`,
//! which says what their prologues do.
//!
//! ```text
//!   .pdata of x86-64                          .pdata of AArch64
//!   ┌────────┬───────┬────────┐               ┌────────┬────────┐
//!   │ begins │ ends  │ record │ u32 each      │ begins │ record │ u32 each; the record tells the size
//!   └────────┴───────┴────────┘               └────────┴────────┘
//! ```
//!
//! In: what the prologues do, by ascending offset in the code. Out: the bytes of both tables, without what depends on where
//! the code and the records will be.
//!
//! Always true: entries are sorted by where functions begin, as the system wants them that searches the table.

use target_lexicon::{Architecture, Triple};

use super::prologue;
use crate::codegen::Unwind;

/// Both tables.
#[derive(Default)]
pub struct FunctionTable {
    /// `.pdata`, whose [`fields`](Self::fields) are still 0.
    pub functions: Vec<u8>,
    /// `.xdata`.
    pub records: Vec<u8>,
    /// Where the first names places in the code, or in the second.
    pub fields: Vec<Field>,
}

/// Four bytes in `.pdata` that name a place, as its distance from the beginning of the program or library.
pub struct Field {
    /// Where they are in `.pdata`.
    pub at: u32,
    /// Whether they name a place in the code; otherwise it is one in `.xdata`.
    pub is_code: bool,
    /// Which place, as an offset.
    pub offset: u32,
}

/// The tables for the functions of a target.
pub fn of(unwind: &[(u32, Unwind)], triple: &Triple) -> FunctionTable {
    let mut table = FunctionTable::default();
    let mut last = None;
    for (start, unwind) in unwind {
        let Unwind::Prologue { steps, code_bytes } = unwind else {
            panic!("functions for Windows come with what their prologues do");
        };
        if triple.architecture == Architecture::X86_64 {
            let record = table.record(&mut last, prologue::x86_64(steps));
            table.field(true, *start);
            table.field(true, start + code_bytes);
            table.field(false, record);
            continue;
        }
        // Functions that are larger than one record can be for have several.
        let mut done = 0;
        while done < *code_bytes {
            let bytes = (code_bytes - done).min(prologue::MOST_CODE_BYTES_AARCH64);
            let record = prologue::aarch64(steps, bytes, done == 0);
            let record = table.record(&mut last, record);
            table.field(true, start + done);
            table.field(false, record);
            done += bytes;
        }
    }
    table
}

impl FunctionTable {
    /// Fills in the fields of `.pdata`, when it is known where code and records begin.
    pub fn resolve(&mut self, code: u32, records: u32) {
        for field in &self.fields {
            let start = if field.is_code { code } else { records };
            let place = (start + field.offset).to_le_bytes();
            self.functions[field.at as usize..][..4].copy_from_slice(&place);
        }
    }

    fn field(&mut self, is_code: bool, offset: u32) {
        self.fields.push(Field { at: self.functions.len() as u32, is_code, offset });
        self.functions.extend([0; 4]);
    }

    /// Adds a record, unless the last one was the same: many functions do nothing special.
    fn record(&mut self, last: &mut Option<(u32, Vec<u8>)>, record: Vec<u8>) -> u32 {
        match last {
            Some((offset, known)) if *known == record => *offset,
            _ => {
                let offset = self.records.len() as u32;
                self.records.extend(&record);
                *last = Some((offset, record));
                offset
            }
        }
    }
}
