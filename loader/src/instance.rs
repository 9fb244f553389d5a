//! Modules with everything they import.
//!
//! In: a module, a store, and what to import. Out: an [`Instance`], after its types were checked, its memories and tables
//! made, its segments applied and its start function run.
//!
//! Always true: when a segment or the start function traps, what was written before stays written, and the half-made
//! instance stays alive in the store, because references to its functions may be in tables already.

use std::ptr::NonNull;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure, format_err};
use wootz_runtime::abi::index::{GlobalIndex, MemoryIndex, TableIndex};
use wootz_runtime::abi::manifest::ImportType as AbiImportType;
use wootz_runtime::abi::vmctx::{ValRaw, VmFuncRef, VmGlobal};
use wootz_runtime::vm;
use wootz_runtime::vm::instance::{Imports, InitError, InstanceMemory};

use crate::artifact::ArtifactError;
use crate::engine::Engine;
use crate::externs::Extern;
use crate::func::{TypedFunc, WasmParams, WasmResults};
use crate::handle::{Func, Instance};
use crate::matching;
use crate::module::Module;
use crate::shared_memory;
use crate::store::{AsContextMut, HostBody, InstanceData, StoreCore, StoreInner};
use crate::trap::Trap;
use crate::types::ExternType;

impl Instance {
    /// An instance of a module that imports `imports`, one for each of its imports, in order.
    ///
    /// # Errors
    /// If the number or types of the imports are wrong, if the store may not have as much, or if the module's segments or
    /// start function trap.
    pub fn new(
        mut store: impl AsContextMut,
        module: &Module,
        imports: &[Extern],
    ) -> Result<Instance> {
        let store = store.as_context_mut().0;
        check_engine(&store.core, module)?;
        let wanted = module.imports().len();
        ensure!(wanted == imports.len(), "expected {wanted} imports, found {}", imports.len());
        for (wanted, found) in module.code().manifest().imports.iter().zip(imports) {
            ensure!(
                found.fits(&store.core),
                "cross-`Store` instantiation is not currently supported"
            );
            check_import(&store.core, module, &wanted.ty, found).with_context(|| {
                format!("incompatible import type for `{}::{}`", wanted.module, wanted.name)
            })?;
        }
        instantiate(store, module, imports)
    }

    /// The exported function of this name, with a type that is known when the program is compiled.
    ///
    /// # Errors
    /// If there is none, or it has another type.
    pub fn get_typed_func<Params: WasmParams, Results: WasmResults>(
        &self,
        mut store: impl AsContextMut,
        name: &str,
    ) -> Result<TypedFunc<Params, Results>> {
        let export = self.get_export(&mut store, name).and_then(Extern::into_func);
        let func = export.ok_or_else(|| format_err!("failed to find function export `{name}`"))?;
        func.typed(&store)
            .with_context(|| format!("failed to convert function `{name}` to given type"))
    }
}

fn check_engine(core: &StoreCore, module: &Module) -> Result<()> {
    ensure!(
        Engine::same(core.engine(), module.engine()),
        "cross-`Engine` instantiation is not currently supported"
    );
    Ok(())
}

/// Whether something may be imported.
pub(crate) fn check_import(
    core: &StoreCore,
    module: &Module,
    wanted: &AbiImportType,
    found: &Extern,
) -> Result<()> {
    let expected = module.import_type(wanted);
    let (actual, size) = found.type_and_size(core);
    matching::import(&expected, &actual, size)?;
    let AbiImportType::Memory(wanted) = wanted else { return Ok(()) };
    let checks = match found {
        // SAFETY: memories live as long as their store, which is borrowed.
        Extern::Memory(found) => unsafe { core.memory(found.index).as_ref() }.checks(),
        Extern::SharedMemory(found) => found.vm().checks(),
        _ => unreachable!("it has just been found to be a memory"),
    };
    matching::bounds_checks(wanted.checks, checks, &wanted.ty)
}

/// The imports by kind, with the store's numbers.
#[derive(Default)]
struct Sorted {
    functions: Vec<NonNull<VmFuncRef>>,
    tables: Vec<NonNull<vm::table::Table>>,
    memories: Vec<InstanceMemory>,
    globals: Vec<NonNull<VmGlobal>>,
    table_numbers: Vec<usize>,
    memory_numbers: Vec<Option<usize>>,
    global_numbers: Vec<usize>,
    tag_numbers: Vec<usize>,
}

fn sort(core: &StoreCore, imports: &[Extern]) -> Sorted {
    let mut sorted = Sorted::default();
    for import in imports {
        match import {
            Extern::Func(func) => sorted.functions.push(func.raw),
            Extern::Table(table) => {
                sorted.tables.push(core.table(table.index).1);
                sorted.table_numbers.push(table.index);
            }
            Extern::Memory(memory) => {
                sorted.memories.push(InstanceMemory::Unshared(core.memory(memory.index)));
                sorted.memory_numbers.push(Some(memory.index));
            }
            Extern::SharedMemory(memory) => {
                sorted.memories.push(InstanceMemory::Shared(memory.vm().clone()));
                sorted.memory_numbers.push(None);
            }
            Extern::Global(global) => {
                sorted.globals.push(core.global(global.index).1);
                sorted.global_numbers.push(global.index);
            }
            Extern::Tag(tag) => sorted.tag_numbers.push(tag.index),
        }
    }
    sorted
}

/// Makes an instance of a module whose imports have been checked.
pub(crate) fn instantiate<T: 'static>(
    store: &mut StoreInner<T>,
    module: &Module,
    imports: &[Extern],
) -> Result<Instance> {
    ask(store, module)?;
    let imports = sort(&store.core, imports);
    store.core.add_module(module);
    instantiate_sorted(store, module, imports)
}

/// As [`instantiate`], after the module was added to the store.
fn instantiate_sorted<T: 'static>(
    store: &mut StoreInner<T>,
    module: &Module,
    imports: Sorted,
) -> Result<Instance> {
    let number = store.core.instance_count();
    let linked = Imports {
        functions: &imports.functions,
        tables: &imports.tables,
        memories: &imports.memories,
        globals: &imports.globals,
    };
    // SAFETY: the imports were checked, and live as long as the store.
    let made = unsafe {
        vm::instance::Instance::new(module.code().clone(), store.core.vm(), number as u32, linked)
    }?;
    let instance = register(&mut store.core, module, NonNull::from(Box::leak(made)), imports);
    // From here on the instance exists, whatever happens.
    let mut vm = store.core.instance(instance.index).vm;
    // SAFETY: it is alive, new, and nobody else uses what it imports while the store is mutably borrowed.
    unsafe { vm.as_mut().initialize() }.map_err(|error| match error {
        InitError::Trap(code) => anyhow::Error::new(Trap::from(code)),
        InitError::Corrupted => ArtifactError::Corrupted { part: "segments" }.into(),
    })?;
    if let Some(start) = module.code().manifest().start {
        // SAFETY: as above.
        let start = Func { store: store.core.id(), raw: unsafe { vm.as_ref() }.funcref(start) };
        let mut none: [ValRaw; 0] = [];
        // SAFETY: start functions have neither parameters nor results.
        unsafe { start.call_raw(store, none.as_mut_ptr(), 0) }?;
    }
    Ok(instance)
}

/// Asks whether the store may have what the module defines.
fn ask<T: 'static>(store: &mut StoreInner<T>, module: &Module) -> Result<()> {
    let manifest = module.code().manifest();
    store.core.check_counts(1, manifest.tables.len(), manifest.memories.len())?;
    for memory in &manifest.memories {
        if memory.ty.shared {
            shared_memory::check_allowed(store.core.engine())?;
        }
        store.ask_for_memory(&memory.ty)?;
    }
    for table in &manifest.tables {
        store.ask_for_table(table.ty.limits.min, table.ty.limits.max)?;
    }
    Ok(())
}

/// Gives an instance and everything it defines a number in the store.
fn register(
    core: &mut StoreCore,
    module: &Module,
    vm: NonNull<vm::instance::Instance>,
    imports: Sorted,
) -> Instance {
    let code = module.code();
    let (manifest, shape) = (code.manifest(), code.layout().shape);
    // SAFETY: just made.
    let instance = unsafe { vm.as_ref() };
    let Sorted {
        mut table_numbers, mut memory_numbers, mut global_numbers, mut tag_numbers, ..
    } = imports;
    for (index, table) in (shape.imported_tables..).zip(&manifest.tables) {
        let ty = module.table_type(table.ty);
        table_numbers.push(core.add_table(ty, instance.table(TableIndex(index))));
    }
    for index in shape.imported_memories..shape.imported_memories + shape.memories {
        memory_numbers.push(match instance.memory(MemoryIndex(index)) {
            InstanceMemory::Unshared(memory) => Some(core.add_memory(*memory)),
            InstanceMemory::Shared(_) => {
                core.count_shared_memory();
                None
            }
        });
    }
    for (index, global) in (shape.imported_globals..).zip(&manifest.globals) {
        let ty = module.global_type(global.ty);
        global_numbers.push(core.add_global(ty, instance.global(GlobalIndex(index))));
    }
    for signature in &manifest.tags {
        tag_numbers.push(core.add_tag(module.tag_type(signature.index())));
    }
    let index = core.add_instance(InstanceData {
        module: module.clone(),
        vm,
        memories: memory_numbers,
        tables: table_numbers,
        globals: global_numbers,
        tags: tag_numbers,
    });
    Instance { store: core.id(), index }
}

/// What an import was resolved to: something in a store, or a host function for any store.
#[derive(Clone)]
pub(crate) enum Resolved {
    Item(Item),
    Host(HostBody),
}

/// Something in a store, as it was when it was defined.
#[derive(Clone)]
pub(crate) struct Item {
    pub(crate) item: Extern,
    engine: Engine,
    ty: ExternType,
    size: Option<u64>,
}

impl Item {
    /// Panics if it belongs to another store.
    pub(crate) fn new(core: &StoreCore, item: Extern) -> Item {
        item.assert_owned_by(core);
        let (ty, size) = item.type_and_size(core);
        Item { item, engine: core.engine().clone(), ty, size }
    }

    /// Whether it may be imported, by its present size if this is its store, or else by the size that it had.
    fn check(&self, wanted: &ExternType, store: Option<&StoreCore>) -> Result<()> {
        let store = store.filter(|core| self.item.fits(core));
        let size = store.map_or(self.size, |core| self.item.type_and_size(core).1);
        matching::import(wanted, &self.ty, size)
    }
}

/// A module with everything it imports, to be instantiated any number of times.
pub struct InstancePre<T: 'static> {
    module: Module,
    imports: Vec<Resolved>,
    /// The imports, if all of them are host functions, and if it is worth its time.
    host_imports: Option<Arc<[HostBody]>>,
    _data: std::marker::PhantomData<fn() -> T>,
}

impl<T: 'static> Clone for InstancePre<T> {
    fn clone(&self) -> InstancePre<T> {
        InstancePre {
            module: self.module.clone(),
            imports: self.imports.clone(),
            host_imports: self.host_imports.clone(),
            _data: std::marker::PhantomData,
        }
    }
}

impl<T: 'static> InstancePre<T> {
    /// Checks all types; with a store, by the sizes that memories and tables have now. Whether things belong to the store
    /// is checked when they are used.
    pub(crate) fn new(
        engine: &Engine,
        module: &Module,
        imports: Vec<Resolved>,
        store: Option<&StoreCore>,
    ) -> Result<InstancePre<T>> {
        const OTHER_ENGINE: &str = "cross-`Engine` instantiation is not currently supported";
        ensure!(Engine::same(engine, module.engine()), OTHER_ENGINE);
        for (wanted, found) in module.code().manifest().imports.iter().zip(&imports) {
            let ty = module.import_type(&wanted.ty);
            let name = || format!("`{}::{}`", wanted.module, wanted.name);
            let checked = match found {
                Resolved::Item(item) => {
                    ensure!(
                        Engine::same(engine, &item.engine),
                        "{OTHER_ENGINE}: the item provided for {} belongs to a different engine than the module being \
                         instantiated",
                        name()
                    );
                    item.check(&ty, store)
                }
                Resolved::Host(body) => matching::import(&ty, &body.ty.clone().into(), None),
            };
            checked.with_context(|| format!("incompatible import type for {}", name()))?;
        }
        let _data = std::marker::PhantomData;
        Ok(InstancePre { module: module.clone(), imports, host_imports: None, _data })
    }

    /// Prepares for being instantiated in many stores.
    pub(crate) fn for_many(mut self) -> InstancePre<T> {
        let bodies = self.imports.iter().map(|import| match import {
            Resolved::Host(body) => Some(body.clone()),
            Resolved::Item(_) => None,
        });
        self.host_imports = bodies.collect();
        self
    }

    /// The module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// An instance.
    ///
    /// # Errors
    /// As [`Instance::new`].
    pub fn instantiate(&self, mut store: impl AsContextMut<Data = T>) -> Result<Instance> {
        let store = store.as_context_mut().0;
        check_engine(&store.core, &self.module)?;
        if let Some(bodies) = &self.host_imports {
            ask(store, &self.module)?;
            store.core.add_module(&self.module);
            let functions = store.core.host_imports(bodies, &self.module);
            let imports = Sorted { functions, ..Sorted::default() };
            return instantiate_sorted(store, &self.module, imports);
        }
        let mut imports = Vec::with_capacity(self.imports.len());
        for (wanted, import) in self.module.code().manifest().imports.iter().zip(&self.imports) {
            imports.push(match import {
                Resolved::Host(body) => Extern::Func(store.core.host_func(body)),
                Resolved::Item(Item { item, .. }) => {
                    if !item.fits(&store.core) {
                        bail!("cross-`Store` instantiation is not currently supported");
                    }
                    check_import(&store.core, &self.module, &wanted.ty, item).with_context(
                        || {
                            format!(
                                "incompatible import type for `{}::{}`",
                                wanted.module, wanted.name
                            )
                        },
                    )?;
                    item.clone()
                }
            });
        }
        instantiate(store, &self.module, &imports)
    }
}

impl<T: 'static> std::fmt::Debug for InstancePre<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InstancePre").field("module", &self.module).finish_non_exhaustive()
    }
}
