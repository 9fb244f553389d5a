//! The sections of a module, one function each. Each is called after the section was validated.

use wasmparser::{
    DataKind, ElementItems, ElementKind, ExternalKind, KnownCustom, Payload, TableInit, TypeRef,
};
use wootz_runtime::abi::index::{
    FuncIndex, GlobalIndex, MemoryIndex, TableIndex, TagIndex, TypeIndex,
};
use wootz_runtime::abi::manifest::{self, ElementSegment, Export, ExportItem, Range, SegmentMode};
use wootz_runtime::abi::types::RefType;

use super::convert::{memory_type, ref_type};
use super::{Data, Import, ImportItem, Module};
use crate::error::{Error, Result};

pub(super) fn read<'a>(module: &mut Module<'a>, payload: Payload<'a>) -> Result<()> {
    match payload {
        Payload::TypeSection(section) => types(module, section),
        Payload::ImportSection(section) => imports(module, section),
        Payload::FunctionSection(section) => functions(module, section),
        Payload::TableSection(section) => tables(module, section),
        Payload::MemorySection(section) => memories(module, section),
        Payload::GlobalSection(section) => globals(module, section),
        Payload::TagSection(section) => tags(module, section),
        Payload::ExportSection(section) => exports(module, section),
        Payload::StartSection { func, .. } => {
            module.start = Some(module.mention(FuncIndex(func)));
            Ok(())
        }
        Payload::ElementSection(section) => elements(module, section),
        Payload::CodeSectionStart { unchecked_range, .. } => {
            module.code_start = unchecked_range.start;
            Ok(())
        }
        Payload::DataSection(section) => data(module, section),
        Payload::CustomSection(section) => {
            custom(module, section);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Items of a section, with errors in our form.
fn items<'a, T: wasmparser::FromReader<'a>>(
    section: wasmparser::SectionLimited<'a, T>,
) -> impl Iterator<Item = Result<T>> {
    section.into_iter().map(|item| item.map_err(|e| Error::invalid(&e)))
}

fn types<'a>(module: &mut Module<'a>, section: wasmparser::TypeSectionReader<'a>) -> Result<()> {
    items(section).try_for_each(|group| super::types::add(module, group?))
}

fn imports<'a>(
    module: &mut Module<'a>,
    section: wasmparser::ImportSectionReader<'a>,
) -> Result<()> {
    for import in section.into_imports() {
        let import = import.map_err(|e| Error::invalid(&e))?;
        let item = match import.ty {
            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                module.functions.push(module.signature_index(TypeIndex(ty)));
                ImportItem::Function(FuncIndex::from_position(module.functions.len() - 1))
            }
            TypeRef::Table(ty) => {
                module.tables.push(module.table_type(ty));
                ImportItem::Table(TableIndex::from_position(module.tables.len() - 1))
            }
            TypeRef::Memory(ty) => {
                module.memories.push(memory_type(ty));
                module.imported_memories += 1;
                ImportItem::Memory(MemoryIndex::from_position(module.memories.len() - 1))
            }
            TypeRef::Global(ty) => {
                module.globals.push(module.global_type(ty));
                ImportItem::Global(GlobalIndex::from_position(module.globals.len() - 1))
            }
            TypeRef::Tag(ty) => {
                module.tags.push(module.signature_index(TypeIndex(ty.func_type_idx)));
                module.imported_tags += 1;
                ImportItem::Tag(TagIndex::from_position(module.tags.len() - 1))
            }
        };
        module.imports.push(Import { module: import.module, name: import.name, item });
    }
    Ok(())
}

fn functions<'a>(
    module: &mut Module<'a>,
    section: wasmparser::FunctionSectionReader<'a>,
) -> Result<()> {
    for ty in items(section) {
        module.functions.push(module.signature_index(TypeIndex(ty?)));
    }
    Ok(())
}

fn tables<'a>(module: &mut Module<'a>, section: wasmparser::TableSectionReader<'a>) -> Result<()> {
    for table in items(section) {
        let table = table?;
        let init = match &table.init {
            TableInit::RefNull => None,
            TableInit::Expr(expr) => Some(module.const_expr(expr)?),
        };
        module.tables.push(module.table_type(table.ty));
        module.table_inits.push(init);
    }
    Ok(())
}

fn memories<'a>(
    module: &mut Module<'a>,
    section: wasmparser::MemorySectionReader<'a>,
) -> Result<()> {
    for ty in items(section) {
        module.memories.push(memory_type(ty?));
    }
    Ok(())
}

fn tags<'a>(module: &mut Module<'a>, section: wasmparser::TagSectionReader<'a>) -> Result<()> {
    for tag in items(section) {
        module.tags.push(module.signature_index(TypeIndex(tag?.func_type_idx)));
    }
    Ok(())
}

fn globals<'a>(
    module: &mut Module<'a>,
    section: wasmparser::GlobalSectionReader<'a>,
) -> Result<()> {
    for global in items(section) {
        let global = global?;
        let init = module.const_expr(&global.init_expr)?;
        module.globals.push(module.global_type(global.ty));
        module.global_inits.push(init);
    }
    Ok(())
}

fn exports<'a>(
    module: &mut Module<'a>,
    section: wasmparser::ExportSectionReader<'a>,
) -> Result<()> {
    for export in items(section) {
        let export = export?;
        let item = match export.kind {
            ExternalKind::Func | ExternalKind::FuncExact => {
                let index = FuncIndex(export.index);
                module.names.exported(index, export.name);
                ExportItem::Function(index, module.functions[index.index()], module.mention(index))
            }
            ExternalKind::Table => ExportItem::Table(TableIndex(export.index)),
            ExternalKind::Memory => ExportItem::Memory(MemoryIndex(export.index)),
            ExternalKind::Global => ExportItem::Global(GlobalIndex(export.index)),
            ExternalKind::Tag => ExportItem::Tag(TagIndex(export.index)),
        };
        module.exports.push(Export { name: export.name.to_string(), item });
    }
    Ok(())
}

fn elements<'a>(
    module: &mut Module<'a>,
    section: wasmparser::ElementSectionReader<'a>,
) -> Result<()> {
    for element in items(section) {
        let element = element?;
        let mode = match &element.kind {
            ElementKind::Passive => SegmentMode::Passive,
            ElementKind::Declared => SegmentMode::Declared,
            ElementKind::Active { table_index, offset_expr } => SegmentMode::Active {
                target: TableIndex(table_index.unwrap_or(0)),
                offset: module.const_expr(offset_expr)?,
            },
        };
        let (ty, items) = match element.items {
            ElementItems::Functions(functions) => {
                let offset = module.element_bytes.len() as u32;
                for function in items(functions) {
                    let funcref = module.mention(FuncIndex(function?));
                    module.element_bytes.extend(funcref.0.to_le_bytes());
                }
                let bytes = module.element_bytes.len() as u32 - offset;
                (RefType::FUNCREF, manifest::ElementItems::Functions(Range { offset, bytes }))
            }
            ElementItems::Expressions(ty, expressions) => {
                let mut all = Vec::new();
                for expression in items(expressions) {
                    all.push(module.const_expr(&expression?)?);
                }
                (ref_type(module, ty), manifest::ElementItems::Expressions(all))
            }
        };
        module.elements.push(ElementSegment { mode, ty, items });
    }
    Ok(())
}

fn data<'a>(module: &mut Module<'a>, section: wasmparser::DataSectionReader<'a>) -> Result<()> {
    for data in items(section) {
        let data = data?;
        let mode = match &data.kind {
            DataKind::Passive => SegmentMode::Passive,
            DataKind::Active { memory_index, offset_expr } => SegmentMode::Active {
                target: MemoryIndex(*memory_index),
                offset: module.const_expr(offset_expr)?,
            },
        };
        module.data.push(Data { mode, bytes: data.data });
    }
    Ok(())
}

fn custom<'a>(module: &mut Module<'a>, section: wasmparser::CustomSectionReader<'a>) {
    match section.as_known() {
        KnownCustom::Name(names) => module.names.read(names),
        KnownCustom::BranchHints(hints) => module.branch_hints.read(hints),
        _ if section.name().starts_with(".debug_") => {
            module.dwarf.push((section.name(), section.data()));
        }
        _ if section.name().starts_with("reloc.") => {}
        _ => module.custom_sections.push((section.name(), section.data())),
    }
}
