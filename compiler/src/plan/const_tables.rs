//! Tables that never change: what calls through them can go to is known.
//!
//! In: a module, and what its bodies do. Out: the elements of each table that nobody can change.
//!
//! Always true: an instance of the module has exactly these elements whenever its code runs.

use std::collections::BTreeMap;

use wootz_runtime::abi::index::{FuncIndex, FuncRefIndex, SignatureIndex, TableIndex};
use wootz_runtime::abi::manifest::{
    ConstExpr, ConstOp, ElementItems, ElementSegment, ExportItem, SegmentMode,
};
use wootz_runtime::abi::types::RefKind;

use crate::parse::Module;
use crate::survey::Survey;

/// Tables with more elements are left alone, and so are those of which segments fill less than a quarter: that a file has eight bytes
/// for each element would be noticed.
const MOST_ELEMENTS: u64 = 1 << 20;
const LEAST_FILLED: u64 = 4;

/// Tables with so few elements may be empty.
const FEW_ELEMENTS: u64 = 64;

/// Of how many elements with its signature a call may choose by comparing the index with theirs.
const MOST_CANDIDATES: usize = 3;

/// The elements of a table that never changes: functions, or null.
pub struct ConstTable {
    /// By their index.
    pub elements: Vec<Option<FuncIndex>>,
    /// The elements that have each signature.
    with: BTreeMap<SignatureIndex, WithSignature>,
}

/// The elements that have one signature.
#[derive(Default)]
struct WithSignature {
    /// Whether any of them is imported.
    has_import: bool,
    /// The first of them, by their indices: as many as a call may choose of, and one more.
    first: Vec<(usize, FuncIndex)>,
}

/// The tables of a module that never change.
pub fn find(module: &Module<'_>, survey: &Survey) -> BTreeMap<TableIndex, ConstTable> {
    let own = (module.imported_tables()..module.tables.len()).map(TableIndex::from_position);
    let exported: Vec<TableIndex> = module
        .exports
        .iter()
        .filter_map(|export| match export.item {
            ExportItem::Table(table) => Some(table),
            _ => None,
        })
        .collect();
    let constant =
        own.filter(|table| !exported.contains(table) && !survey.changed_tables.contains(table));
    constant.filter_map(|table| Some((table, elements(module, table)?))).collect()
}

impl ConstTable {
    /// Whether an element is an imported function of a signature.
    pub fn has_import(&self, signature: SignatureIndex) -> bool {
        self.with.get(&signature).is_some_and(|with| with.has_import)
    }

    /// All elements that have a signature, with their indices, if they are few, and all defined by the module.
    pub fn candidates(&self, signature: SignatureIndex) -> Option<&[(usize, FuncIndex)]> {
        let with = self.with.get(&signature)?;
        let are_few = (1..=MOST_CANDIDATES).contains(&with.first.len());
        (are_few && !with.has_import).then_some(&with.first)
    }
}

/// The elements of a table after instantiation. `None` if they depend on something.
fn elements(module: &Module<'_>, table: TableIndex) -> Option<ConstTable> {
    let ty = module.tables[table.index()];
    if ty.element.kind() != RefKind::Func || ty.limits.min > MOST_ELEMENTS {
        return None;
    }
    let first = match &module.table_inits[table.index() - module.imported_tables()] {
        Some(init) => reference(module, init)?,
        None => None,
    };
    let mut elements = vec![first; ty.limits.min as usize];
    let mut filled = 0;
    for segment in &module.elements {
        let SegmentMode::Active { target, offset } = &segment.mode else { continue };
        if *target != table {
            continue;
        }
        let start = match offset.ops[..] {
            [ConstOp::I32Const(offset)] => u64::from(offset as u32),
            [ConstOp::I64Const(offset)] => offset as u64,
            _ => return None,
        };
        let items = items(module, segment)?;
        let Some(places) = usize::try_from(start)
            .ok()
            .and_then(|start| elements.get_mut(start..)?.get_mut(..items.len()))
        else {
            // There will be no instance.
            return None;
        };
        places.copy_from_slice(&items);
        filled += items.len() as u64;
    }
    let mut with: BTreeMap<_, WithSignature> = BTreeMap::new();
    for (index, function) in elements.iter().enumerate() {
        let Some(function) = *function else { continue };
        let with = with.entry(module.functions[function.index()]).or_default();
        with.has_import |= function.index() < module.imported_functions();
        if with.first.len() <= MOST_CANDIDATES {
            with.first.push((index, function));
        }
    }
    (ty.limits.min <= FEW_ELEMENTS + LEAST_FILLED * filled).then_some(ConstTable { elements, with })
}

fn items(module: &Module<'_>, segment: &ElementSegment) -> Option<Vec<Option<FuncIndex>>> {
    match &segment.items {
        ElementItems::Functions(range) => {
            let bytes = module.element_bytes.get(range.offset as usize..)?;
            let (numbers, _) = bytes.get(..range.bytes as usize)?.as_chunks();
            let functions = numbers.iter().map(|&number| match u32::from_le_bytes(number) {
                u32::MAX => None,
                number => Some(module.funcrefs[FuncRefIndex(number).index()]),
            });
            Some(functions.collect())
        }
        ElementItems::Expressions(items) => {
            items.iter().map(|item| reference(module, item)).collect()
        }
    }
}

/// The function that an expression refers to, or null. `None` if it depends on something.
fn reference(module: &Module<'_>, expression: &ConstExpr) -> Option<Option<FuncIndex>> {
    match expression.ops[..] {
        [ConstOp::RefNull(_)] => Some(None),
        [ConstOp::RefFunc(function)] => Some(Some(module.funcrefs[function.index()])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey;

    fn found(text: &str) -> Option<usize> {
        let wasm = wat::parse_str(format!("(module (func) {text})")).unwrap();
        let module = crate::parse::module(&wasm, &crate::options::Features::default()).unwrap();
        let tables = find(&module, &survey::survey(&module));
        tables.get(&TableIndex(0)).map(|table| table.elements.iter().flatten().count())
    }

    #[test]
    fn elements_are_known_unless_something_can_change_them() {
        assert_eq!(found("(table 4 funcref) (elem (i32.const 1) 0 0)"), Some(2));
        assert_eq!(found("(table (export \"t\") 4 funcref) (elem (i32.const 1) 0)"), None);
        assert_eq!(
            found("(global i32 (i32.const 1)) (table 4 funcref) (elem (global.get 0) 0)"),
            None
        );
        assert_eq!(
            found("(table 4 funcref) (func (table.set (i32.const 0) (ref.null func)))"),
            None
        );
        assert_eq!(found("(table 4 funcref) (elem (i32.const 3) 0 0)"), None, "it does not fit");
    }

    #[test]
    fn a_file_is_not_larger_for_an_empty_table() {
        assert_eq!(found("(table 64 funcref)"), Some(0));
        assert_eq!(found("(table 1000000 funcref) (elem (i32.const 1) 0 0)"), None);
        assert_eq!(found("(table 5000000 funcref)"), None);
    }
}
