//! What the loader needs to know: plan and code as the artifact's metadata.

use sha2::{Digest, Sha256};
use wootz_runtime::abi::artifact::{
    Cell, FuncRefRecord, FunctionRecord, Metadata, NO_CODE, SignatureCode, SourceLines,
};
use wootz_runtime::abi::compat::{Compatibility, Settings};
use wootz_runtime::abi::index::SignatureIndex;
use wootz_runtime::abi::manifest::{Global, Import, ImportType, Manifest, Table};

use crate::VERSION;
use crate::link::Code;
use crate::options::Options;
use crate::parse::{ImportItem, Module};
use crate::plan::{Plan, Symbol, Trampoline};
use crate::target::Target;

/// Everything the loader needs to know.
pub fn assemble(
    plan: &Plan<'_>,
    code: &Code,
    source_lines: SourceLines,
    target: &Target,
    options: &Options,
) -> Metadata {
    let module = plan.module;
    let imported = module.imported_functions();
    let start_of =
        |symbol: Option<Symbol>| symbol.map_or(NO_CODE, |symbol| code.symbols[symbol.0 as usize].0);
    Metadata {
        compat: Compatibility {
            target: target.triple().to_string(),
            cpu_features: target.cpu_features.clone(),
            settings: Settings {
                consume_fuel: options.consume_fuel,
                epoch_interruption: options.epoch_interruption,
                signals_based_traps: true,
                relaxed_simd_deterministic: options.relaxed_simd_deterministic
                    || !options.features.contains("relaxed-simd"),
                features: options
                    .features
                    .iter()
                    // What compiled code expects of its host does not depend on hints.
                    .filter(|name| *name != "branch-hinting")
                    .map(str::to_string)
                    .collect(),
            },
            compiler: format!("wootz {VERSION}"),
            wasm_sha256: Sha256::digest(module.wasm).into(),
        },
        manifest: manifest(plan),
        functions: module
            .bodies
            .iter()
            .zip(&code.symbols)
            .enumerate()
            .map(|(position, (body, &(start, bytes)))| FunctionRecord {
                start,
                bytes,
                function: (imported + position) as u32,
                wasm_offset: body.reader.range().start as u32,
            })
            .collect(),
        signatures: (0..module.signatures.len())
            .map(SignatureIndex::from_position)
            .map(|signature| SignatureCode {
                entry: start_of(plan.trampoline(Trampoline::Entry(signature))),
                exit: start_of(plan.trampoline(Trampoline::Exit(signature))),
            })
            .collect(),
        funcrefs: module
            .funcrefs
            .iter()
            .map(|&function| FuncRefRecord {
                code: start_of(plan.function(function)),
                function: function.0,
                signature: module.functions[function.index()].0,
            })
            .collect(),
        places: code.places.clone(),
        inlined_calls: code.inlined_calls.clone(),
        names: (imported..module.functions.len())
            .map(|index| {
                module.names.function(wootz_runtime::abi::index::FuncIndex::from_position(index))
            })
            .map(|name| name.unwrap_or_default().to_string())
            .collect(),
        elements: module.element_bytes.clone(),
        data: plan.contents.data.clone(),
        stack_maps: code.stack_maps.clone(),
        source_lines,
        text_bytes: code.text.len() as u32,
        image_bytes: plan.contents.image.len() as u32,
        cell: match options.debug_info {
            Some(_) => Some(Cell::Debug),
            None => code.trap_cell.map(|_| Cell::Trap),
        },
    }
}

/// What a module imports, exports and needs.
pub fn manifest(plan: &Plan<'_>) -> Manifest {
    let module = plan.module;
    Manifest {
        name: module.names.module.map(str::to_string),
        signatures: module.signatures.clone(),
        object_types: module.object_types.clone(),
        type_groups: module.type_groups.clone(),
        imports: module
            .imports
            .iter()
            .map(|import| Import {
                module: import.module.to_string(),
                name: import.name.to_string(),
                ty: import_type(module, plan, import.item),
            })
            .collect(),
        exports: module.exports.clone(),
        functions: module.bodies.len() as u32,
        funcrefs: module.funcrefs.len() as u32,
        tables: module.tables[module.imported_tables()..]
            .iter()
            .zip(&module.table_inits)
            .map(|(&ty, init)| Table { ty, init: init.clone() })
            .collect(),
        memories: plan.memories[module.imported_memories..].to_vec(),
        globals: module.globals[module.imported_globals()..]
            .iter()
            .zip(&module.global_inits)
            .map(|(&ty, init)| Global { ty, init: init.clone() })
            .collect(),
        tags: module.tags[module.imported_tags..].to_vec(),
        elements: module.elements.clone(),
        data: plan.contents.segments.clone(),
        images: plan.contents.images.clone(),
        start: module.start,
        custom_sections: plan.contents.custom_sections.clone(),
    }
}

fn import_type(module: &Module<'_>, plan: &Plan<'_>, item: ImportItem) -> ImportType {
    match item {
        ImportItem::Function(index) => ImportType::Function(module.functions[index.index()]),
        ImportItem::Table(index) => ImportType::Table(module.tables[index.index()]),
        ImportItem::Memory(index) => ImportType::Memory(plan.memories[index.index()]),
        ImportItem::Global(index) => ImportType::Global(module.globals[index.index()]),
        ImportItem::Tag(index) => ImportType::Tag(module.tags[index.index()]),
    }
}
