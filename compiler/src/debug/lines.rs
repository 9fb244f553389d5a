//! Lines of the source, for native code.
//!
//! In: the line program of a unit, and the regions of the functions that it describes. Out: rows for a native line program.
//!
//! Always true: a row is where one begins to execute what comes from a line, so that a breakpoint there sees the effects of
//! everything before it.

use gimli::ColumnType;

use super::places::FunctionPlaces;
use crate::budget::{Budget, Fault};
use crate::guest_dwarf::Reader;

/// A row of a line program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// Its address in the module; or in what becomes of it, the offset in the text.
    pub at: u32,
    /// The number of its file in the module's line program.
    pub file: u64,
    /// The line from 1, or 0.
    pub line: u64,
    /// The column from 1, or 0.
    pub column: u64,
    /// Tells rows of the same line apart.
    pub discriminator: u64,
    /// Whether a statement begins here.
    pub is_statement: bool,
    /// Whether the function's own code begins here.
    pub prologue_end: bool,
    /// Whether this is the end of a sequence, where nothing is known.
    pub is_end: bool,
}

impl Row {
    /// A row where a statement begins.
    pub fn statement(at: u32, file: u64, line: u64, column: u64) -> Row {
        let (discriminator, prologue_end, is_end) = (0, false, false);
        Row { at, file, line, column, discriminator, is_statement: true, prologue_end, is_end }
    }
}

/// The rows of a line program, in the order of their addresses.
///
/// # Errors
/// If it is malformed, or takes too long to read.
pub fn rows(
    program: gimli::IncompleteLineProgram<Reader<'_>>,
    budget: &mut Budget,
) -> Result<Vec<Row>, Fault> {
    let mut rows = program.rows();
    let mut all = Vec::new();
    let mut sequence: Vec<Row> = Vec::new();
    while let Some((_, row)) = rows.next_row()? {
        budget.charge(1)?;
        let line = row.line().map_or(0, |line| line.get());
        let column = match row.column() {
            ColumnType::Column(column) if line != 0 => column.get(),
            _ => 0,
        };
        sequence.push(Row {
            at: u32::try_from(row.address()).unwrap_or(u32::MAX),
            file: row.file_index(),
            line,
            column,
            discriminator: row.discriminator(),
            is_statement: row.is_stmt(),
            prologue_end: row.prologue_end(),
            is_end: row.end_sequence(),
        });
        if row.end_sequence() {
            // What the linker has removed is at 0, or at the end of all addresses.
            let is_code =
                sequence.first().is_some_and(|first| first.at != 0 && first.at != u32::MAX);
            if is_code && sequence.is_sorted_by_key(|row| row.at) {
                all.append(&mut sequence);
            }
            sequence.clear();
        }
    }
    // Of rows with the same address the last counts.
    all.sort_by_key(|row: &Row| (row.at, !row.is_end));
    all.dedup_by(|next, last| {
        let same = next.at == last.at;
        if same {
            let prologue_end = next.prologue_end || last.prologue_end && !last.is_end;
            *last = Row { prologue_end, ..*next };
        }
        same
    });
    Ok(all)
}

/// The rows for the code of a function, of those of its unit.
pub fn of_function(rows: &[Row], function: &FunctionPlaces) -> Vec<Row> {
    let first = rows.partition_point(|row| row.at < function.body.start);
    let end = rows.partition_point(|row| row.at < function.body.end);
    let rows = &rows[first..end];
    if rows.iter().all(|row| row.is_end) {
        return Vec::new();
    }
    let prologue_end = rows.iter().position(|row| row.prologue_end);
    let mut awaited = prologue_end;
    // Whether statements have begun, by the row that they begin at.
    let mut begun: Vec<Option<u32>> = vec![None; rows.len()];
    let mut native: Vec<Row> = Vec::new();
    let mut last = None;
    for region in &function.regions {
        let position = rows.partition_point(|row| row.at <= region.at).checked_sub(1);
        let Some(position) = position.filter(|_| region.at > function.body.start) else {
            // A body begins with its locals, for which the frame is made.
            let prologue_end = false;
            native.push(Row { at: region.start, is_statement: true, prologue_end, ..rows[0] });
            last = position.filter(|&position| !rows[position].prologue_end);
            continue;
        };
        if last == Some(position) {
            continue;
        }
        last = Some(position);
        let row = rows[position];
        // Of a statement's first operators there may be no code left.
        let is_statement = statement(rows, position).is_some_and(|statement| {
            let begins = begun[statement].is_none_or(|at| region.at <= at);
            begun[statement].get_or_insert(region.at);
            begins
        });
        let prologue_end = awaited.take_if(|awaited| position >= *awaited).is_some();
        let line = if row.is_end { 0 } else { row.line };
        native.push(Row { at: region.start, is_statement, line, prologue_end, ..row });
    }
    native
}

/// The row at which the statement begins that a row belongs to: the last one before it on the same line that begins one.
fn statement(rows: &[Row], position: usize) -> Option<usize> {
    let row = rows[position];
    let same = rows[..=position]
        .iter()
        .rev()
        .take_while(|other| !other.is_end && (other.file, other.line) == (row.file, row.line));
    let behind = same.take_while(|other| !other.is_statement).count();
    let begin = position.checked_sub(behind)?;
    let begins =
        rows[begin].is_statement && (rows[begin].file, rows[begin].line) == (row.file, row.line);
    (begins && !row.is_end).then_some(begin)
}
