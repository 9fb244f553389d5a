//! A module in a file: everything its descriptor leads to.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;
use wootz_runtime::abi::artifact::{Descriptor, Span};
use wootz_runtime::abi::compat::{Compatibility, Settings};
use wootz_runtime::abi::index::SignatureIndex;
use wootz_runtime::abi::manifest::{BoundsChecks, ExportItem, ImportType, Manifest, Memory};

use crate::container::{Found, hexadecimal};

/// What is shown of a module.
#[derive(Serialize, Debug)]
pub struct ModuleReport {
    /// The symbol at its descriptor.
    pub descriptor: String,
    /// Its name, from its name section.
    pub name: Option<String>,
    /// The version of the binary interface.
    pub abi_version: u32,
    /// What the host must have.
    pub compatibility: CompatibilityReport,
    /// Imports, in the module's order.
    pub imports: Vec<ImportReport>,
    /// Exports, in the module's order.
    pub exports: Vec<ExportReport>,
    /// Memories, imported ones first.
    pub memories: Vec<MemoryReport>,
    /// How many functions it defines.
    pub functions: u32,
    /// Sizes in bytes: of the code, of images of memories, of all metadata, and of each of its parts.
    pub bytes: BTreeMap<&'static str, u32>,
    /// The names of custom sections that were kept.
    pub custom_sections: Vec<String>,
}

/// What the host must have.
#[derive(Serialize, Debug)]
pub struct CompatibilityReport {
    /// The target triple.
    pub target: String,
    /// CPU features the code uses.
    pub cpu_features: Vec<String>,
    /// Settings that the host must match.
    pub settings: Settings,
    /// The compiler that made it.
    pub compiler: String,
    /// The hash of the wasm it was compiled from, in hexadecimal digits.
    pub wasm_sha256: String,
}

/// An import.
#[derive(Serialize, Debug)]
pub struct ImportReport {
    /// The first of its two names.
    pub module: String,
    /// The second of its two names.
    pub name: String,
    /// Its type, as the text format writes it.
    #[serde(rename = "type")]
    pub ty: String,
}

/// An export.
#[derive(Serialize, Debug)]
pub struct ExportReport {
    /// Its name.
    pub name: String,
    /// Its type, as the text format writes it.
    #[serde(rename = "type")]
    pub ty: String,
}

/// A memory.
#[derive(Serialize, Debug)]
pub struct MemoryReport {
    /// Its type, as the text format writes it.
    #[serde(rename = "type")]
    pub ty: String,
    /// How accesses are kept inside of it.
    pub bounds: String,
}

/// What a module imports, exports and has.
///
/// # Errors
/// If its tables are damaged or of another version.
pub fn manifest(found: &Found<'_>) -> Result<Manifest> {
    Ok(found.tables()?.decode()?.1)
}

/// Everything that is shown of a module.
///
/// # Errors
/// If its tables are damaged or of another version.
pub fn report(found: &Found<'_>) -> Result<ModuleReport> {
    let tables = found.tables()?;
    let (compat, manifest) = tables.decode()?;
    let names = Names::new(&manifest);
    let (imports, exports) = interface(&manifest);
    Ok(ModuleReport {
        descriptor: found.symbol.clone(),
        abi_version: tables.descriptor().abi_version,
        compatibility: compatibility(compat),
        imports,
        exports,
        memories: names.memories.iter().map(memory_report).collect(),
        functions: manifest.functions,
        bytes: bytes(tables.descriptor()),
        custom_sections: manifest.custom_sections.iter().map(|(name, _)| name.clone()).collect(),
        name: manifest.name,
    })
}

/// What a module imports and exports, in its order.
pub fn interface(manifest: &Manifest) -> (Vec<ImportReport>, Vec<ExportReport>) {
    let names = Names::new(manifest);
    let imports = manifest.imports.iter().map(|import| names.import(import)).collect();
    let exports = manifest.exports.iter().map(|export| names.export(export)).collect();
    (imports, exports)
}

fn compatibility(compat: Compatibility) -> CompatibilityReport {
    let Compatibility { target, cpu_features, settings, compiler, wasm_sha256 } = compat;
    CompatibilityReport {
        target,
        cpu_features,
        settings,
        compiler,
        wasm_sha256: hexadecimal(&wasm_sha256),
    }
}

fn bytes(descriptor: &Descriptor) -> BTreeMap<&'static str, u32> {
    let part = |name, span: Span| (name, span.bytes);
    BTreeMap::from([
        ("metadata", descriptor.metadata_bytes),
        part("compatibility", descriptor.compat),
        part("manifest", descriptor.manifest),
        part("functions", descriptor.functions),
        part("signatures", descriptor.signatures),
        part("funcrefs", descriptor.funcrefs),
        part("places", descriptor.places),
        part("inlined calls", descriptor.calls),
        part("names", descriptor.names),
        part("elements", descriptor.elements),
        part("data", descriptor.data),
        part("source lines", descriptor.source_lines),
        part("code", descriptor.text),
        part("images", descriptor.image),
    ])
}

fn memory_report(memory: &Memory) -> MemoryReport {
    let bounds = match memory.checks {
        BoundsChecks::Explicit { guard: 0 } => "every access is checked".to_string(),
        BoundsChecks::Explicit { guard } => {
            format!("every access is checked, guard of {} behind", size(guard))
        }
        BoundsChecks::Guarded { reservation, guard } => {
            format!("{} reserved, guard of {} behind", size(reservation), size(guard))
        }
    };
    MemoryReport { ty: memory.ty.to_string(), bounds }
}

/// A number of bytes in the largest unit that it is a multiple of.
fn size(bytes: u64) -> String {
    match bytes.trailing_zeros() {
        20..64 => format!("{} MiB", bytes >> 20),
        10..20 => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}

/// The types of everything in a module's index spaces, as text.
struct Names<'a> {
    manifest: &'a Manifest,
    tables: Vec<String>,
    memories: Vec<Memory>,
    globals: Vec<String>,
    tags: Vec<SignatureIndex>,
}

impl Names<'_> {
    fn new(manifest: &Manifest) -> Names<'_> {
        let mut names = Names {
            manifest,
            tables: Vec::new(),
            memories: Vec::new(),
            globals: Vec::new(),
            tags: Vec::new(),
        };
        for import in &manifest.imports {
            match &import.ty {
                ImportType::Function(_) => {}
                ImportType::Table(ty) => names.tables.push(ty.to_string()),
                ImportType::Memory(memory) => names.memories.push(*memory),
                ImportType::Global(ty) => names.globals.push(ty.to_string()),
                ImportType::Tag(signature) => names.tags.push(*signature),
            }
        }
        names.tables.extend(manifest.tables.iter().map(|table| table.ty.to_string()));
        names.memories.extend(&manifest.memories);
        names.globals.extend(manifest.globals.iter().map(|global| global.ty.to_string()));
        names.tags.extend(&manifest.tags);
        names
    }

    fn signature(&self, index: SignatureIndex) -> String {
        known(self.manifest.signatures.get(index.index()).map(|signature| signature.to_string()))
    }

    fn tag(&self, signature: SignatureIndex) -> String {
        self.signature(signature).replacen("(func", "(tag", 1)
    }

    fn import(&self, import: &wootz_runtime::abi::manifest::Import) -> ImportReport {
        let ty = match &import.ty {
            ImportType::Function(signature) => self.signature(*signature),
            ImportType::Table(ty) => ty.to_string(),
            ImportType::Memory(memory) => memory.ty.to_string(),
            ImportType::Global(ty) => ty.to_string(),
            ImportType::Tag(signature) => self.tag(*signature),
        };
        ImportReport { module: import.module.clone(), name: import.name.clone(), ty }
    }

    fn export(&self, export: &wootz_runtime::abi::manifest::Export) -> ExportReport {
        let ty = match export.item {
            ExportItem::Function(_, signature, _) => self.signature(signature),
            ExportItem::Table(index) => known(self.tables.get(index.index()).cloned()),
            ExportItem::Memory(index) => {
                known(self.memories.get(index.index()).map(|memory| memory.ty.to_string()))
            }
            ExportItem::Global(index) => known(self.globals.get(index.index()).cloned()),
            ExportItem::Tag(index) => {
                known(self.tags.get(index.index()).map(|signature| self.tag(*signature)))
            }
        };
        ExportReport { name: export.name.clone(), ty }
    }
}

/// What a file claims to exist may not.
fn known(text: Option<String>) -> String {
    text.unwrap_or_else(|| "(unknown)".to_string())
}
