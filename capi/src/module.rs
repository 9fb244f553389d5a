//! Loaded modules.

use std::collections::HashMap;
use std::ffi::{c_char, c_int};
use std::sync::Arc;

use anyhow::{Result, ensure, format_err};
use loader::{ExternType, Module, StaticModule};

use crate::engine::EngineHandle;
use crate::error::{ErrorHandle, guarded, guarded_or};
use crate::pointer::{Handle, Out, Tag, delete, give, handle, handles};
use crate::text;

/// `wootz_module_t`
#[repr(C)]
pub struct ModuleHandle {
    tag: Tag,
    pub info: Arc<ModuleInfo>,
    /// Makes it as large as handles have to be.
    _room: u64,
}

impl ModuleHandle {
    fn give(module: &Module, descriptor: *const StaticModule) -> *mut ModuleHandle {
        let info = ModuleInfo::new(module, descriptor);
        give(ModuleHandle { tag: ModuleHandle::TAG, info, _room: 0 })
    }
}

handles! { ModuleHandle: "wootz_module_t", b"wzMODULE"; }

/// A module, and what its instances ask about it.
pub struct ModuleInfo {
    pub module: Module,
    /// The address of the descriptor that it was made from; 0 if it was loaded from a file.
    descriptor: usize,
    /// The positions of the exports.
    exports: HashMap<Box<str>, usize>,
}

impl ModuleInfo {
    pub fn new(module: &Module, descriptor: *const StaticModule) -> Arc<ModuleInfo> {
        let exports = module.exports().enumerate();
        Arc::new(ModuleInfo {
            exports: exports.map(|(position, export)| (export.name().into(), position)).collect(),
            descriptor: descriptor as usize,
            module: module.clone(),
        })
    }

    /// The position of the export of this name.
    pub fn export(&self, name: &str) -> Result<usize> {
        self.exports
            .get(name)
            .copied()
            .ok_or_else(|| format_err!("the module exports nothing named `{name}`"))
    }

    /// The name of the export at a position.
    pub fn export_name(&self, position: usize) -> &str {
        let found = self.exports.iter().find(|&(_, &found)| found == position);
        found.map_or("", |(name, _)| name)
    }

    /// Whether it was made from this descriptor.
    pub fn is_of(&self, descriptor: *const StaticModule) -> bool {
        self.descriptor != 0 && self.descriptor == descriptor as usize
    }
}

/// `wootz_kind_t`, with the numbers that the binary format has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum ItemKind {
    Func = 0,
    Table = 1,
    Memory = 2,
    Global = 3,
    Tag = 4,
}

impl ItemKind {
    /// The kind that has a number of C's.
    pub fn from_number(number: c_int) -> Result<ItemKind> {
        Ok(match number {
            0 => ItemKind::Func,
            1 => ItemKind::Table,
            2 => ItemKind::Memory,
            3 => ItemKind::Global,
            4 => ItemKind::Tag,
            _ => return Err(format_err!("expected a wootz_kind_t, found {number}")),
        })
    }

    pub fn of(ty: &ExternType) -> ItemKind {
        match ty {
            ExternType::Func(_) => ItemKind::Func,
            ExternType::Table(_) => ItemKind::Table,
            ExternType::Memory(_) => ItemKind::Memory,
            ExternType::Global(_) => ItemKind::Global,
            _ => ItemKind::Tag,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            ItemKind::Func => "function",
            ItemKind::Table => "table",
            ItemKind::Memory => "memory",
            ItemKind::Global => "global",
            ItemKind::Tag => "tag",
        }
    }
}

/// `wootz_import_type_t`
#[repr(C)]
pub struct ImportType {
    module: *const c_char,
    module_size: usize,
    name: *const c_char,
    name_size: usize,
    kind: ItemKind,
}

/// `wootz_export_type_t`
#[repr(C)]
pub struct ExportType {
    name: *const c_char,
    name_size: usize,
    kind: ItemKind,
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_module_from_static(
    engine: *const EngineHandle,
    descriptor: *const StaticModule,
    out: *mut *mut ModuleHandle,
) -> *mut ErrorHandle {
    guarded(|| {
        // SAFETY: as the header asks.
        let (out, engine) =
            unsafe { (Out::new(out, std::ptr::null_mut())?, &handle(engine)?.engine) };
        ensure!(!descriptor.is_null(), "expected a wootz_static_module_t, found a null pointer");
        // SAFETY: as the header asks.
        let module = unsafe { Module::from_static(engine, descriptor) }?;
        out.set(ModuleHandle::give(&module, descriptor));
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_module_load(
    engine: *const EngineHandle,
    path: *const c_char,
    out: *mut *mut ModuleHandle,
) -> *mut ErrorHandle {
    guarded(|| {
        // SAFETY: as the header asks.
        let (out, engine, path) = unsafe {
            let out = Out::new(out, std::ptr::null_mut())?;
            (out, &handle(engine)?.engine, text::path(path, "the path of a module")?)
        };
        // SAFETY: as the header asks.
        let module = unsafe { Module::load(engine, path) }?;
        out.set(ModuleHandle::give(&module, std::ptr::null()));
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_module_delete(module: *mut ModuleHandle) {
    // SAFETY: as the header asks.
    unsafe { delete(module) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_module_import_count(module: *const ModuleHandle) -> usize {
    // SAFETY: as the header asks.
    guarded_or(0, || Ok(unsafe { handle(module) }?.info.module.imports().len()))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_module_import(
    module: *const ModuleHandle,
    index: usize,
    out: *mut ImportType,
) -> bool {
    guarded_or(false, || {
        // SAFETY: as the header asks.
        let module = unsafe { handle(module) }?;
        let Some(import) = module.info.module.imports().nth(index) else { return Ok(false) };
        ensure!(!out.is_null(), "there is no place for the result");
        // SAFETY: as the header asks. The names are the module's.
        unsafe {
            out.write(ImportType {
                module: import.module().as_ptr().cast(),
                module_size: import.module().len(),
                name: import.name().as_ptr().cast(),
                name_size: import.name().len(),
                kind: ItemKind::of(&import.ty()),
            });
        }
        Ok(true)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_module_export_count(module: *const ModuleHandle) -> usize {
    // SAFETY: as the header asks.
    guarded_or(0, || Ok(unsafe { handle(module) }?.info.module.exports().len()))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_module_export(
    module: *const ModuleHandle,
    index: usize,
    out: *mut ExportType,
) -> bool {
    guarded_or(false, || {
        // SAFETY: as the header asks.
        let module = unsafe { handle(module) }?;
        let Some(export) = module.info.module.exports().nth(index) else { return Ok(false) };
        ensure!(!out.is_null(), "there is no place for the result");
        // SAFETY: as the header asks. The name is the module's.
        unsafe {
            out.write(ExportType {
                name: export.name().as_ptr().cast(),
                name_size: export.name().len(),
                kind: ItemKind::of(&export.ty()),
            });
        }
        Ok(true)
    })
}
