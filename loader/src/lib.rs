//! Runs WebAssembly modules that Wootz has compiled ahead of time into ordinary native files.
//!
//! The embedding API has the names, signatures and behaviour of the `wasmtime` crate wherever it has the thing at all.
//! What is different is where a [`Module`] comes from: [`Module::load`] maps a shared library (`.so`) that
//! `wootz compile` has written, and contains no compiler. [`Module::new`] (cargo feature `compiler`, on by default)
//! compiles in memory and then takes the same way.
//!
//! ```
//! # #[cfg(feature = "compiler")] {
//! use wootz::{Engine, Instance, Module, Store};
//!
//! let engine = Engine::default();
//! let module = Module::new(&engine, r#"(module
//!     (func (export "add") (param i32 i32) (result i32)
//!         local.get 0
//!         local.get 1
//!         i32.add))"#)?;
//! let mut store = Store::new(&engine, ());
//! let instance = Instance::new(&mut store, &module, &[])?;
//! let add = instance.get_typed_func::<(i32, i32), i32>(&mut store, "add")?;
//! assert_eq!(add.call(&mut store, (2, 3))?, 5);
//! # }
//! # Ok::<(), wootz::Error>(())
//! ```
//!
//! The modules stand in the order in which data flows; each imports only modules above it.

/// What can go wrong.
pub mod error;
/// The one question that is asked of the environment.
mod environment;
/// Compiled modules on disk.
#[cfg(feature = "compiler")]
mod cache;
/// What an engine does, and how.
mod config;
/// What all modules and stores of a program share.
mod engine;
/// The types of what modules import and export.
mod types;
/// Whether one type may stand for another.
mod matching;
/// Code that has no file of its own, shown to profilers.
mod profiling;
/// A file or bytes to a loaded, checked library.
mod artifact;
/// What two engines must have in common to exchange artifacts.
mod compatibility;
/// Loaded modules.
mod module;
/// Why a guest stopped.
mod trap;
/// Where it was.
mod backtrace;
/// How much stores may use.
mod limits;
/// Names of things in a store.
mod handle;
/// What instances share, and what owns them.
mod store;
/// References to host values.
mod reference;
/// Values.
mod value;
/// Linear memories.
mod memory;
/// Tables.
mod table;
/// Linear memories that several threads use at a time.
mod shared_memory;
/// Globals.
mod global;
/// Tags of exceptions.
mod tag;
/// What modules import and export, and the exports of instances.
mod externs;
/// Functions: called, wrapped, typed.
mod func;
/// Things of a type with nothing in them.
mod defaults;
/// Modules with everything they import.
mod instance;
/// Imports by name.
mod linker;
/// Modules that a build script has compiled into the program.
mod include;

pub use artifact::ArtifactError;
pub use backtrace::{FrameInfo, FrameSymbol, WasmBacktrace};
#[cfg(feature = "compiler")]
pub use cache::{Cache, CacheConfig};
pub use config::{
    Collector, Config, Debugger, Inlining, InstanceAllocationStrategy, ModuleVersionStrategy,
    OptLevel, PoolingAllocationConfig, ProfilingStrategy, RegallocAlgorithm, Strategy,
    WasmBacktraceDetails,
};
pub use engine::{Engine, EngineWeak, Precompiled};
pub use error::{Context, Error, Result, bail, ensure, format_err};
pub use externs::{Export, Extern};
pub use func::{Caller, IntoFunc, TypedFunc, WasmParams, WasmResults, WasmRet, WasmTy, WasmTyList};
pub use handle::{Func, Global, Instance, Memory, Table, Tag};
pub use instance::InstancePre;
pub use limits::{
    DEFAULT_INSTANCE_LIMIT, DEFAULT_MEMORY_LIMIT, DEFAULT_TABLE_LIMIT, ResourceLimiter,
    StoreLimits, StoreLimitsBuilder,
};
pub use linker::{Linker, UnknownImportError};
pub use memory::MemoryAccessError;
pub use module::{Module, ModuleExport, ModuleFunction, ResourcesRequired, StaticModule};
pub use reference::{AnyRef, ExnRef, ExternRef, OwnedRooted, RootScope, Rooted, RootedGcRef};
pub use shared_memory::{SharedMemory, WaitResult};
pub use store::{
    AsContext, AsContextMut, CallHook, GcHeapOutOfMemory, Store, StoreContext, StoreContextMut,
    UpdateDeadline,
};
pub use trap::Trap;
pub use types::{
    ArrayType, ExportType, ExternType, FuncType, GlobalType, HeapType, ImportType, MemoryType,
    MemoryTypeBuilder, Mutability, RefType, StructType, TableType, TagType, ValType,
};
pub use value::{Ref, V128, Val};
pub use wootz_runtime::abi::vmctx::ValRaw;

#[cfg(test)]
mod tests {
    fn send_and_sync<T: Send + Sync>() {}

    #[test]
    fn what_may_be_shared_is_sharable() {
        send_and_sync::<super::Engine>();
        #[cfg(feature = "compiler")]
        send_and_sync::<super::Cache>();
        send_and_sync::<super::Module>();
        send_and_sync::<super::Store<u8>>();
        send_and_sync::<super::Linker<u8>>();
        send_and_sync::<super::InstancePre<u8>>();
        send_and_sync::<super::Func>();
        send_and_sync::<super::TypedFunc<(i32,), ()>>();
        send_and_sync::<super::Val>();
        send_and_sync::<super::WasmBacktrace>();
        send_and_sync::<super::SharedMemory>();
        send_and_sync::<super::Extern>();
        send_and_sync::<super::Config>();
        assert_eq!(size_of::<super::Func>(), 16);
        assert_eq!(size_of::<super::Memory>(), 16);
    }
}
