//! What modules import and export, and the exports of instances.

use wootz_runtime::abi::manifest::ExportItem;
use wootz_runtime::vm::instance::InstanceMemory;

use crate::engine::Engine;
use crate::handle::{Func, Global, Instance, Memory, Table, Tag};
use crate::module::{Module, ModuleExport};
use crate::shared_memory::SharedMemory;
use crate::store::{
    AsContext, AsContextMut, InstanceData, StoreContext, StoreContextMut, StoreCore,
};
use crate::types::{ExternType, MemoryType};
use crate::value::func_type;

/// Something that can be imported and exported.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Extern {
    /// A function.
    Func(Func),
    /// A global.
    Global(Global),
    /// A table.
    Table(Table),
    /// A memory.
    Memory(Memory),
    /// A memory that belongs to no store.
    SharedMemory(SharedMemory),
    /// A tag of exceptions.
    Tag(Tag),
}

/// An export of an instance.
#[derive(Clone, Debug)]
pub struct Export<'instance> {
    pub(crate) name: &'instance str,
    pub(crate) definition: Extern,
}

impl<'instance> Export<'instance> {
    /// Its name.
    pub fn name(&self) -> &'instance str {
        self.name
    }

    /// Its type.
    pub fn ty(&self, store: impl AsContext) -> ExternType {
        self.definition.ty(store)
    }

    /// What is exported.
    pub fn into_extern(self) -> Extern {
        self.definition
    }
}

impl Extern {
    /// Its type.
    ///
    /// # Panics
    /// If it belongs to another store.
    pub fn ty(&self, store: impl AsContext) -> ExternType {
        let core = &store.as_context().0.core;
        self.assert_owned_by(core);
        self.type_and_size(core).0
    }

    /// Its type, and the present size of what has one.
    pub(crate) fn type_and_size(&self, core: &StoreCore) -> (ExternType, Option<u64>) {
        match self {
            Extern::Func(func) => (func_type(core, func).into(), None),
            Extern::Global(global) => (core.global(global.index).0.clone().into(), None),
            Extern::Table(table) => {
                let (ty, table) = core.table(table.index);
                // SAFETY: tables live as long as their store, which is borrowed.
                (ty.clone().into(), Some(unsafe { table.as_ref() }.elements() as u64))
            }
            Extern::Memory(memory) => {
                // SAFETY: memories live as long as their store, which is borrowed.
                let memory = unsafe { core.memory(memory.index).as_ref() };
                (MemoryType::from_abi(*memory.ty()).into(), Some(memory.pages()))
            }
            Extern::SharedMemory(memory) => (memory.ty().into(), Some(memory.size())),
            Extern::Tag(tag) => (core.tag(tag.index).clone().into(), None),
        }
    }

    /// Whether a store may use it: because it belongs to it, or to no store at all but to its engine.
    pub(crate) fn fits(&self, core: &StoreCore) -> bool {
        match self {
            Extern::Func(func) => func.store == core.id(),
            Extern::Global(global) => global.store == core.id(),
            Extern::Table(table) => table.store == core.id(),
            Extern::Memory(memory) => memory.store == core.id(),
            Extern::SharedMemory(memory) => Engine::same(memory.engine(), core.engine()),
            Extern::Tag(tag) => tag.store == core.id(),
        }
    }

    /// Panics if a store may not use it.
    pub(crate) fn assert_owned_by(&self, core: &StoreCore) {
        assert!(self.fits(core), "object used with the wrong store");
    }
}

impl Instance {
    /// Its module.
    pub fn module<'a, T: 'static>(&self, store: impl Into<StoreContext<'a, T>>) -> &'a Module {
        &self.data(&store.into().0.core).module
    }

    fn data<'a>(&self, core: &'a StoreCore) -> &'a InstanceData {
        core.id().assert_owns(self.store);
        core.instance(self.index)
    }

    /// What it exports, in order.
    pub fn exports<'a, T: 'static>(
        &'a self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> impl ExactSizeIterator<Item = Export<'a>> + 'a {
        let core = &store.into().0.core;
        let data = self.data(core);
        data.module.code().manifest().exports.iter().map(move |export| Export {
            name: &export.name,
            definition: self.item(core, export.item),
        })
    }

    /// The export of this name.
    pub fn get_export(&self, mut store: impl AsContextMut, name: &str) -> Option<Extern> {
        self.export(&store.as_context_mut().0.core, name)
    }

    fn export(&self, core: &StoreCore, name: &str) -> Option<Extern> {
        let module = &self.data(core).module;
        let position = module.export_position(name)?;
        Some(self.item(core, module.code().manifest().exports[position].item))
    }

    /// As [`get_export`](Self::get_export), without looking for the name. `None` too if the export is another module's.
    pub fn get_module_export(
        &self,
        mut store: impl AsContextMut,
        export: &ModuleExport,
    ) -> Option<Extern> {
        let core = &store.as_context_mut().0.core;
        let module = &self.data(core).module;
        let item = module.code().manifest().exports.get(export.position)?.item;
        export.is_of(module).then(|| self.item(core, item))
    }

    fn item(&self, core: &StoreCore, item: ExportItem) -> Extern {
        let (store, data) = (self.store, self.data(core));
        // SAFETY: instances live as long as their store, which is borrowed.
        let instance = unsafe { data.vm.as_ref() };
        match item {
            ExportItem::Function(_, _, index) => {
                Func { store, raw: instance.funcref(index) }.into()
            }
            ExportItem::Table(index) => Table { store, index: data.tables[index.index()] }.into(),
            ExportItem::Memory(index) => {
                match (data.memories[index.index()], instance.memory(index)) {
                    (Some(index), _) => Memory { store, index }.into(),
                    (None, InstanceMemory::Shared(memory)) => {
                        SharedMemory::of(core.engine(), memory.clone()).into()
                    }
                    (None, InstanceMemory::Unshared(_)) => unreachable!("it has a number"),
                }
            }
            ExportItem::Global(index) => {
                Global { store, index: data.globals[index.index()] }.into()
            }
            ExportItem::Tag(index) => Tag { store, index: data.tags[index.index()] }.into(),
        }
    }

    /// The exported function of this name.
    pub fn get_func(&self, store: impl AsContextMut, name: &str) -> Option<Func> {
        self.get_export(store, name)?.into_func()
    }

    /// The exported table of this name.
    pub fn get_table(&self, store: impl AsContextMut, name: &str) -> Option<Table> {
        self.get_export(store, name)?.into_table()
    }

    /// The exported memory of this name.
    pub fn get_memory(&self, store: impl AsContextMut, name: &str) -> Option<Memory> {
        self.get_export(store, name)?.into_memory()
    }

    /// The exported shared memory of this name.
    pub fn get_shared_memory(&self, store: impl AsContextMut, name: &str) -> Option<SharedMemory> {
        self.get_export(store, name)?.into_shared_memory()
    }

    /// The exported tag of this name.
    pub fn get_tag(&self, store: impl AsContextMut, name: &str) -> Option<Tag> {
        self.get_export(store, name)?.into_tag()
    }

    /// The exported global of this name.
    pub fn get_global(&self, store: impl AsContextMut, name: &str) -> Option<Global> {
        self.get_export(store, name)?.into_global()
    }
}

macro_rules! kinds {
    ($($into:ident $ty:ident $what:literal;)*) => {
        impl Extern {
            $(
                #[doc = concat!("The ", $what, ", if it is one.")]
                pub fn $into(self) -> Option<$ty> {
                    match self {
                        Extern::$ty(item) => Some(item),
                        _ => None,
                    }
                }
            )*
        }

        impl Export<'_> {
            $(
                #[doc = concat!("The ", $what, ", if it is one.")]
                pub fn $into(self) -> Option<$ty> {
                    self.definition.$into()
                }
            )*
        }

        $(
            impl From<$ty> for Extern {
                fn from(item: $ty) -> Extern {
                    Extern::$ty(item)
                }
            }
        )*
    };
}

kinds! {
    into_func Func "function";
    into_global Global "global";
    into_table Table "table";
    into_memory Memory "memory";
    into_shared_memory SharedMemory "shared memory";
    into_tag Tag "tag";
}
