//! What a module imports and exports, each with its type.
//!
//! In: a manifest, which names things by index. Out: lists in the module's order.

use wootz_runtime::abi::index::SignatureIndex;
use wootz_runtime::abi::manifest::{ExportItem, ImportType, Manifest};
use wootz_runtime::abi::types::{FuncType, GlobalType, MemoryType, TableType};

use crate::error::{Error, Result};

/// What a module imports and exports.
pub struct Interface<'a> {
    /// Imports, in the order of the import section. The same names may occur several times, also with different types.
    pub imports: Vec<Import<'a>>,
    /// Exports, in the order of the export section. All names are different.
    pub exports: Vec<Export<'a>>,
}

/// An import.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Import<'a> {
    /// The first of its two names.
    pub module: &'a str,
    /// The second of its two names.
    pub name: &'a str,
    /// What is imported.
    pub item: Item<'a>,
}

/// An export.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Export<'a> {
    /// Its name.
    pub name: &'a str,
    /// What is exported.
    pub item: Item<'a>,
}

/// What is imported or exported, with its type.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Item<'a> {
    /// A function.
    Function(&'a FuncType),
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
    /// An exception tag, and what it carries.
    Tag(&'a FuncType),
}

impl<'a> Interface<'a> {
    /// What a module imports and exports.
    ///
    /// # Errors
    /// If the manifest mentions something that the module does not have: it comes from a damaged file.
    pub fn new(manifest: &'a Manifest) -> Result<Interface<'a>> {
        let shape = manifest.shape();
        let is_signature = |ty: SignatureIndex| ty.index() < manifest.signatures.len();
        let imports = manifest.imports.iter().all(|import| match import.ty {
            ImportType::Function(ty) | ImportType::Tag(ty) => is_signature(ty),
            ImportType::Table(_) | ImportType::Memory(_) | ImportType::Global(_) => true,
        });
        let within = |index: u32, imported: u32, defined: u32| {
            u64::from(index) < u64::from(imported) + u64::from(defined)
        };
        let exports = manifest.exports.iter().all(|export| match export.item {
            ExportItem::Function(_, ty, _) => is_signature(ty),
            ExportItem::Table(index) => within(index.0, shape.imported_tables, shape.tables),
            ExportItem::Memory(index) => within(index.0, shape.imported_memories, shape.memories),
            ExportItem::Global(index) => within(index.0, shape.imported_globals, shape.globals),
            ExportItem::Tag(index) => within(index.0, shape.imported_tags, shape.tags),
        });
        let tags = manifest.tags.iter().all(|&ty| is_signature(ty));
        match imports && exports && tags {
            true => Ok(Interface::of_checked(manifest)),
            false => Err(Error::Manifest),
        }
    }

    /// What is named by indices that are known to be good.
    fn of_checked(manifest: &'a Manifest) -> Interface<'a> {
        let signature = |index: usize| &manifest.signatures[index];
        let imports = manifest.imports.iter().map(|import| {
            let item = match import.ty {
                ImportType::Function(ty) => Item::Function(signature(ty.index())),
                ImportType::Table(ty) => Item::Table(ty),
                ImportType::Memory(memory) => Item::Memory(memory.ty),
                ImportType::Global(ty) => Item::Global(ty),
                ImportType::Tag(ty) => Item::Tag(signature(ty.index())),
            };
            Import { module: &import.module, name: &import.name, item }
        });
        let imports: Vec<_> = imports.collect();
        // In each index space what is imported comes first.
        let space = |belongs: fn(&Item<'_>) -> bool| {
            imports.iter().map(|import| import.item).filter(belongs)
        };
        let tables = space(|item| matches!(item, Item::Table(_)));
        let tables = tables.chain(manifest.tables.iter().map(|table| Item::Table(table.ty)));
        let memories = space(|item| matches!(item, Item::Memory(_)));
        let memories = memories.chain(manifest.memories.iter().map(|it| Item::Memory(it.ty)));
        let globals = space(|item| matches!(item, Item::Global(_)));
        let globals = globals.chain(manifest.globals.iter().map(|it| Item::Global(it.ty)));
        let tags = space(|item| matches!(item, Item::Tag(_)));
        let tags = tags.chain(manifest.tags.iter().map(|ty| Item::Tag(signature(ty.index()))));
        let [tables, memories, globals, tags]: [Vec<Item<'a>>; 4] =
            [tables.collect(), memories.collect(), globals.collect(), tags.collect()];
        let exports = manifest.exports.iter().map(|export| {
            let item = match export.item {
                ExportItem::Function(_, ty, _) => Item::Function(signature(ty.index())),
                ExportItem::Table(index) => tables[index.index()],
                ExportItem::Memory(index) => memories[index.index()],
                ExportItem::Global(index) => globals[index.index()],
                ExportItem::Tag(index) => tags[index.index()],
            };
            Export { name: &export.name, item }
        });
        let exports = exports.collect();
        Interface { imports, exports }
    }
}

#[cfg(test)]
mod tests {
    use wootz_runtime::abi::types::{FuncType, ValType};

    use super::*;

    #[test]
    fn imports_come_first() {
        let wasm = wat::parse_str(
            r#"(module
                (import "env" "f" (func (param i32)))
                (import "env" "m" (memory 1))
                (memory 2)
                (global (mut f32) (f32.const 0))
                (func (result f64) (f64.const 0))
                (export "one" (memory 1))
                (export "zero" (memory 0))
                (export "g" (global 0))
                (export "f" (func 1)))"#,
        )
        .unwrap();
        let options = wootz_compiler::Options::default();
        let manifest = wootz_compiler::interface(&wasm, &options).unwrap();
        let interface = Interface::new(&manifest).unwrap();
        let pages = |position: usize| match interface.exports[position].item {
            Item::Memory(ty) => ty.limits.min,
            item => panic!("{item:?}"),
        };
        assert_eq!((pages(0), pages(1)), (2, 1));
        let returns = FuncType { params: [].into(), results: [ValType::F64].into() };
        assert_eq!(interface.exports[3], Export { name: "f", item: Item::Function(&returns) });
        assert_eq!((interface.imports[0].module, interface.imports[1].name), ("env", "m"));
    }
}
