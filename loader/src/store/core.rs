//! The store without the user's data: what does not depend on its type.
//!
//! Always true: everything that compiled code may have a pointer to is allocated on its own and freed only with the store:
//! instances first, then what they may have imported, then the modules.

use std::any::Any;
use std::collections::HashMap;
use std::ffi::c_void;
use std::mem::offset_of;
use std::panic::resume_unwind;
use std::ptr::NonNull;
use std::sync::Arc;

use anyhow::{Error, Result, bail, ensure};
use wootz_runtime::abi::index::SignatureIndex;
use wootz_runtime::abi::manifest::ImportType;
use wootz_runtime::abi::vmctx::{
    HostEntry, TypedHostEntry, VMCTX_HOST, ValRaw, VmContext, VmContextHeader, VmFuncRef, VmGlobal,
    VmHostContext,
};
use wootz_runtime::vm;
use wootz_runtime::vm::backtrace;
use wootz_runtime::vm::builtins;
use wootz_runtime::vm::roots::held_by_frames;
use wootz_runtime::vm::signature::Signature;
use wootz_runtime::vm::store::{OwnedStore, Settings};
use wootz_runtime::vm::trap::{Failure, Raised, host_function_code};

use crate::backtrace::WasmBacktrace;
use crate::engine::Engine;
use crate::handle::{Func, StoreId};
use crate::limits::{DEFAULT_INSTANCE_LIMIT, DEFAULT_MEMORY_LIMIT, DEFAULT_TABLE_LIMIT};
use crate::module::Module;
use crate::trap::Trap;
use crate::types::{FuncType, GlobalType, HeapType, TableType, TagType, ValType};

use super::error_of;
use super::host_values::HostValues;
use super::roots::Roots;

/// The store without the user's data.
pub struct StoreCore {
    id: StoreId,
    engine: Engine,
    instances: Vec<InstanceData>,
    memories: Vec<NonNull<vm::memory::Memory>>,
    /// How many shared memories its instances have defined.
    shared_memories: usize,
    tables: Vec<(TableType, NonNull<vm::table::Table>)>,
    globals: Vec<(GlobalType, NonNull<VmGlobal>)>,
    tags: Vec<TagType>,
    pub(crate) host_values: HostValues,
    pub(crate) roots: Roots,
    /// Whether values are on their way between host and guest at this moment, where no collection would find them.
    pub(crate) passing_values: bool,
    /// Whether somebody has asked for a collection at such a moment.
    collection_is_due: bool,
    functions: AllHostFunctions,
    own_memories: Arena<vm::memory::Memory>,
    own_tables: Arena<vm::table::Table>,
    own_globals: Arena<VmGlobal>,
    /// The modules of its instances, sorted by the address of their code.
    modules: Vec<(usize, Module)>,
    limits: Limits,
    /// The signature of the last untyped call, as finding it takes a lock.
    last_signature: Option<Signature>,
    /// Room for the arguments and results of host functions, while none of them has it. Only they know what it is.
    host_call_room: Option<Box<dyn Any + Send + Sync>>,
    /// Fuel that compiled code does not see yet.
    fuel_reserve: u64,
    vm: OwnedStore,
}

// SAFETY: everything that is pointed to belongs to the store, and is only used by whoever has borrowed it.
unsafe impl Send for StoreCore {}
// SAFETY: as above.
unsafe impl Sync for StoreCore {}

struct Limits {
    instances: usize,
    tables: usize,
    memories: usize,
}

/// An instance, with the store's numbers of what its index spaces hold.
pub struct InstanceData {
    pub module: Module,
    pub vm: NonNull<vm::instance::Instance>,
    /// None of those that are shared, which belong to no store.
    pub memories: Vec<Option<usize>>,
    pub tables: Vec<usize>,
    pub globals: Vec<usize>,
    pub tags: Vec<usize>,
}

/// A host function, as it is before it belongs to a store.
#[derive(Clone)]
pub struct HostBody {
    /// Its type.
    pub ty: FuncType,
    /// What compiled code calls.
    pub entry: HostEntry,
    /// What compiled code calls instead where it can, if there is something.
    pub typed_entry: Option<TypedHostEntry>,
    /// What they get as `VmHostContext::data`: the address of this value.
    pub body: Arc<dyn Any + Send + Sync>,
}

impl HostBody {
    /// What tells it from others.
    fn address(&self) -> usize {
        Arc::as_ptr(&self.body).cast::<c_void>() as usize
    }
}

/// A host function in a store.
struct HostFunction {
    context: VmHostContext,
    funcref: VmFuncRef,
}

/// Host functions that were made together, for what they were made of.
struct HostFunctions {
    /// Allocated on their own, because compiled code has their addresses.
    all: NonNull<[HostFunction]>,
    /// As many, in the same order; kept alive here.
    bodies: Arc<[HostBody]>,
}

impl Drop for HostFunctions {
    fn drop(&mut self) {
        // SAFETY: it came from a box, and the store that is being dropped was the only one to use it.
        drop(unsafe { Box::from_raw(self.all.as_ptr()) });
    }
}

impl HostFunctions {
    /// The reference to one of them.
    fn funcref(&self, position: usize) -> NonNull<VmFuncRef> {
        // SAFETY: inside of the allocation, which nobody has a Rust reference to.
        unsafe {
            let function = self.all.cast::<HostFunction>().add(position).as_ptr();
            NonNull::new_unchecked(&raw mut (*function).funcref)
        }
    }

    fn funcrefs(&self) -> impl Iterator<Item = NonNull<VmFuncRef>> + '_ {
        (0..self.all.len()).map(|position| self.funcref(position))
    }
}

/// All host functions of a store.
///
/// Compiled code calls one by way of a trampoline, which a module brings for each of its signatures, unless the runtime has
/// one. As long as no module with a function's signature is in the store, the function's reference has a hole where its code should be; nobody can
/// call it then.
#[derive(Default)]
struct AllHostFunctions {
    sets: Vec<HostFunctions>,
    /// The functions of the first `listed` sets, by the address of the body.
    by_body: HashMap<usize, NonNull<VmFuncRef>>,
    listed: usize,
    /// Those with holes.
    holes: Vec<NonNull<VmFuncRef>>,
}

/// Things with fixed addresses, freed together.
struct Arena<T>(Vec<NonNull<T>>);

impl<T> Default for Arena<T> {
    fn default() -> Arena<T> {
        Arena(Vec::new())
    }
}

impl<T> Arena<T> {
    fn add(&mut self, thing: T) -> NonNull<T> {
        let thing = NonNull::from(Box::leak(Box::new(thing)));
        self.0.push(thing);
        thing
    }
}

impl<T> Drop for Arena<T> {
    fn drop(&mut self) {
        for thing in self.0.drain(..) {
            // SAFETY: it came from a box, and the store that is being dropped was the only one to use it.
            drop(unsafe { Box::from_raw(thing.as_ptr()) });
        }
    }
}

impl StoreCore {
    pub fn new(engine: &Engine) -> StoreCore {
        let config = engine.config();
        let settings = Settings {
            max_wasm_stack_bytes: config.max_wasm_stack,
            max_backtrace_frames: config.backtrace_frames(),
            memories: config.address_space(),
            epoch_interruption: config.epoch_interruption,
        };
        StoreCore {
            id: StoreId::next(),
            instances: Vec::new(),
            memories: Vec::new(),
            shared_memories: 0,
            tables: Vec::new(),
            globals: Vec::new(),
            tags: Vec::new(),
            host_values: HostValues::default(),
            roots: Roots::default(),
            passing_values: false,
            collection_is_due: false,
            functions: AllHostFunctions::default(),
            own_memories: Arena::default(),
            own_tables: Arena::default(),
            own_globals: Arena::default(),
            modules: Vec::new(),
            limits: Limits {
                instances: DEFAULT_INSTANCE_LIMIT,
                tables: DEFAULT_TABLE_LIMIT,
                memories: DEFAULT_MEMORY_LIMIT,
            },
            last_signature: None,
            host_call_room: None,
            fuel_reserve: 0,
            // SAFETY: the built-in functions are static.
            vm: unsafe { OwnedStore::new(settings, builtins::addresses(), engine.epoch().clone()) },
            engine: engine.clone(),
        }
    }

    #[inline]
    pub fn id(&self) -> StoreId {
        self.id
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What compiled code sees of the store.
    #[inline]
    pub fn vm(&self) -> &vm::store::Store {
        &self.vm
    }

    /// The signature that has this number, to be [given back](Self::keep_signature).
    #[inline]
    pub fn signature(&mut self, id: u32) -> Signature {
        match self.last_signature.take() {
            Some(signature) if signature.id() == id => signature,
            _ => Signature::by_id(id).expect("whoever has a function keeps its signature alive"),
        }
    }

    /// Keeps a signature for the next call.
    #[inline]
    pub fn keep_signature(&mut self, signature: Signature) {
        self.last_signature = Some(signature);
    }

    /// Room for arguments and results, to be [given back](Self::keep_host_call_room).
    #[inline]
    pub fn host_call_room<R: Any + Default>(&mut self) -> Box<R> {
        let room = self.host_call_room.take().and_then(|room| room.downcast().ok());
        room.unwrap_or_default()
    }

    /// Keeps the room for the next call.
    #[inline]
    pub fn keep_host_call_room<R: Any + Send + Sync>(&mut self, room: Box<R>) {
        self.host_call_room = Some(room);
    }

    pub fn set_limits(&mut self, instances: usize, tables: usize, memories: usize) {
        self.limits = Limits { instances, tables, memories };
    }

    /// Whether so many more things may be made.
    pub fn check_counts(&self, instances: usize, tables: usize, memories: usize) -> Result<()> {
        let present_memories = self.memories.len() + self.shared_memories;
        for (what, present, more, limit) in [
            ("instance", self.instances.len(), instances, self.limits.instances),
            ("table", self.tables.len(), tables, self.limits.tables),
            ("memory", present_memories, memories, self.limits.memories),
        ] {
            let wanted = present.saturating_add(more);
            if more > 0 && wanted > limit {
                bail!("resource limit exceeded: {what} count too high at {wanted}");
            }
        }
        Ok(())
    }

    pub fn fuel(&self) -> Result<u64> {
        ensure!(self.engine.config().consume_fuel, "fuel is not configured in this store");
        let left = self.vm.fuel().saturating_neg();
        Ok(self.fuel_reserve.saturating_add_signed(left))
    }

    pub fn set_fuel(&mut self, fuel: u64) -> Result<()> {
        ensure!(self.engine.config().consume_fuel, "fuel is not configured in this store");
        self.vm.set_fuel(0);
        self.fuel_reserve = fuel;
        self.refuel();
        Ok(())
    }

    /// Moves fuel from the reserve to where compiled code counts it, which has room for half of what there can be. What was
    /// consumed beyond what was there is taken from the reserve. Returns whether there was any.
    pub fn refuel(&mut self) -> bool {
        self.fuel_reserve =
            self.fuel_reserve.saturating_add_signed(self.vm.fuel().saturating_neg());
        let more = i64::try_from(self.fuel_reserve).unwrap_or(i64::MAX);
        self.fuel_reserve -= more.unsigned_abs();
        self.vm.set_fuel(-more);
        more > 0
    }

    pub fn set_epoch_deadline(&mut self, ticks: u64) {
        let deadline = self.engine.epoch().now().saturating_add(ticks);
        self.vm.set_epoch_deadline(deadline);
    }

    /// Takes a memory in that belongs to the store itself.
    pub fn own_memory(&mut self, memory: vm::memory::Memory) -> usize {
        let memory = self.own_memories.add(memory);
        self.add_memory(memory)
    }

    /// Gives a memory a number.
    pub fn add_memory(&mut self, memory: NonNull<vm::memory::Memory>) -> usize {
        self.memories.push(memory);
        self.memories.len() - 1
    }

    /// Counts a shared memory that an instance has defined. It belongs to nobody, but one store has made it.
    pub fn count_shared_memory(&mut self) {
        self.shared_memories += 1;
    }

    pub fn memory(&self, index: usize) -> NonNull<vm::memory::Memory> {
        self.memories[index]
    }

    /// Takes a table in that belongs to the store itself.
    pub fn own_table(&mut self, ty: TableType, table: vm::table::Table) -> usize {
        let table = self.own_tables.add(table);
        self.add_table(ty, table)
    }

    /// Gives a table a number.
    pub fn add_table(&mut self, ty: TableType, table: NonNull<vm::table::Table>) -> usize {
        self.tables.push((ty, table));
        self.tables.len() - 1
    }

    pub fn table(&self, index: usize) -> &(TableType, NonNull<vm::table::Table>) {
        &self.tables[index]
    }

    /// Takes a global in that belongs to the store itself.
    pub fn own_global(&mut self, ty: GlobalType, global: VmGlobal) -> usize {
        let global = self.own_globals.add(global);
        self.add_global(ty, global)
    }

    /// Gives a global a number.
    pub fn add_global(&mut self, ty: GlobalType, global: NonNull<VmGlobal>) -> usize {
        self.globals.push((ty, global));
        self.globals.len() - 1
    }

    pub fn global(&self, index: usize) -> &(GlobalType, NonNull<VmGlobal>) {
        &self.globals[index]
    }

    /// Gives a new tag a number.
    pub fn add_tag(&mut self, ty: TagType) -> usize {
        self.tags.push(ty);
        self.tags.len() - 1
    }

    pub fn tag(&self, index: usize) -> &TagType {
        &self.tags[index]
    }

    /// How many instances there are: the number of the next one.
    pub fn instance_count(&self) -> usize {
        self.instances.len()
    }

    pub fn add_instance(&mut self, instance: InstanceData) -> usize {
        self.instances.push(instance);
        self.instances.len() - 1
    }

    pub fn instance(&self, index: usize) -> &InstanceData {
        &self.instances[index]
    }

    /// Keeps a module loaded, and lets host functions with its signatures be called through its trampolines.
    pub fn add_module(&mut self, module: &Module) {
        let code = module.code();
        let start = code.text().as_ptr() as usize;
        // The same library may be loaded as two modules; either keeps the code where it is.
        let Err(place) = self.modules.binary_search_by_key(&start, |&(start, _)| start) else {
            return;
        };
        self.modules.insert(place, (start, module.clone()));
        self.functions.holes.retain_mut(|hole| {
            // SAFETY: references to host functions live as long as the store.
            let funcref = unsafe { hole.as_mut() };
            let exit = exit_trampoline(module, funcref.signature_id);
            funcref.code = exit.map_or(std::ptr::null(), |exit| exit.as_ptr());
            exit.is_none()
        });
    }

    /// A host function of this store. The same body gives the same function.
    pub fn host_func(&mut self, body: &HostBody) -> Func {
        assert!(
            Engine::same(&self.engine, body.ty.engine()),
            "host function used with a store of another engine"
        );
        let functions = &mut self.functions;
        for set in &functions.sets[functions.listed..] {
            for (body, funcref) in set.bodies.iter().zip(set.funcrefs()) {
                functions.by_body.entry(body.address()).or_insert(funcref);
            }
        }
        functions.listed = functions.sets.len();
        let raw = match functions.by_body.get(&body.address()) {
            Some(&known) => known,
            None => {
                let id = body.ty.signature().id();
                let mut modules = self.modules.iter();
                let exit = modules.find_map(|(_, module)| exit_trampoline(module, id));
                self.add_host_functions([body.clone()].into(), |_| exit).funcref(0)
            }
        };
        Func { store: self.id, raw }
    }

    /// The host functions of this store for all imports of a module that is here, in order. The same list gives the same
    /// functions.
    pub fn host_imports(
        &mut self,
        bodies: &Arc<[HostBody]>,
        module: &Module,
    ) -> Vec<NonNull<VmFuncRef>> {
        let mut sets = self.functions.sets.iter();
        if let Some(set) = sets.find(|set| Arc::ptr_eq(&set.bodies, bodies)) {
            return set.funcrefs().collect();
        }
        let imports = &module.code().manifest().imports;
        let exit = |position: usize| match imports[position].ty {
            ImportType::Function(signature) => module.code().exit_trampoline(signature),
            _ => None,
        };
        self.add_host_functions(bodies.clone(), exit).funcrefs().collect()
    }

    /// Makes host functions, each with its trampoline if there is one.
    fn add_host_functions(
        &mut self,
        bodies: Arc<[HostBody]>,
        exit: impl Fn(usize) -> Option<NonNull<c_void>>,
    ) -> &HostFunctions {
        let header = || VmContextHeader {
            magic: VMCTX_HOST,
            instance: 0,
            store: self.vm.context(),
            builtins: self.vm.builtins(),
            runtime: std::ptr::null_mut(),
        };
        let functions = bodies.iter().enumerate().map(|(position, body)| HostFunction {
            context: VmHostContext {
                header: header(),
                entry: body.entry,
                data: body.address() as *mut c_void,
                typed_entry: body.typed_entry,
            },
            funcref: VmFuncRef {
                code: host_function_code(body.typed_entry, || exit(position))
                    .map_or(std::ptr::null(), |exit| exit.as_ptr()),
                vmctx: std::ptr::null_mut(),
                entry: None,
                signature_id: body.ty.signature().id(),
                reserved: 0,
            },
        });
        let all = NonNull::from(Box::leak(functions.collect::<Box<[HostFunction]>>()));
        let set = HostFunctions { all, bodies };
        for mut funcref in set.funcrefs() {
            // SAFETY: just made, and nobody else knows it yet. The context stands in front of the reference.
            unsafe {
                let function = funcref.byte_sub(offset_of!(HostFunction, funcref));
                let context = &raw mut (*function.cast::<HostFunction>().as_ptr()).context;
                funcref.as_mut().vmctx = context.cast::<VmContext>();
                if funcref.as_ref().code.is_null() {
                    self.functions.holes.push(funcref);
                }
            }
        }
        self.functions.sets.push(set);
        self.functions.sets.last().expect("just added")
    }

    /// Puts a host value into the store. Others that nothing refers to any more are dropped when there are many.
    ///
    /// # Errors
    /// The value itself if there are as many as handles already.
    pub fn add_host_value(
        &mut self,
        value: Box<dyn Any + Send + Sync>,
    ) -> Result<u32, Box<dyn Any + Send + Sync>> {
        if self.collection_is_due || self.host_values.wants_collection() {
            self.collect();
        }
        self.host_values.insert(value)
    }

    /// Drops the host values that nothing refers to any more: now, or with the next value that is added at a moment when
    /// all that are in use can be found.
    pub fn collect(&mut self) {
        self.collection_is_due = self.passing_values;
        if self.passing_values {
            return;
        }
        self.roots.trim();
        let values = &mut self.host_values;
        self.roots.handles().for_each(|handle| values.mark(handle));
        for (ty, global) in &self.globals {
            if is_host_reference(ty.content()) {
                // SAFETY: globals live as long as their store, and hold a value of their type.
                values.mark(unsafe { global.cast::<ValRaw>().as_ref().externref });
            }
        }
        for (ty, table) in &self.tables {
            if is_host_reference(&ValType::Ref(ty.element().clone())) {
                // SAFETY: tables live as long as their store, and nobody else uses them while it is mutably borrowed.
                let table = unsafe { table.as_ref() };
                (0..table.elements() as u64)
                    .filter_map(|index| table.get(index))
                    .for_each(|element| values.mark(element as u32));
            }
        }
        // SAFETY: whoever has borrowed the store is a host function of it, or the store is not entered.
        unsafe { held_by_frames(&self.vm, |handle| values.mark(handle)) };
        // Dropped when everything is in order again: what they do when they are dropped is not ours to know.
        drop(values.sweep());
    }

    /// The error of a call that did not return. Continues panics.
    #[cold]
    pub fn error(&self, raised: Raised) -> Error {
        let error = match raised.failure {
            Failure::Panic(payload) => resume_unwind(payload),
            Failure::Trap(code) => Error::new(Trap::from(code)),
            Failure::Error(payload) => error_of(payload),
        };
        // An error that has passed through wasm before knows already where it began.
        if error.downcast_ref::<WasmBacktrace>().is_some() {
            return error;
        }
        let limit = self.vm.settings().max_backtrace_frames;
        let backtrace = self.backtrace(raised.backtrace, limit);
        if backtrace.is_empty() { error } else { error.context(backtrace) }
    }

    /// Where the store's guests are at this moment: at most so many frames, or as many as the settings say.
    pub fn capture_backtrace(&self, limit: Option<usize>) -> WasmBacktrace {
        let limit = limit.unwrap_or(self.vm.settings().max_backtrace_frames);
        // SAFETY: whoever has borrowed the store is a host function of it, or the store is not entered.
        self.backtrace(unsafe { backtrace::capture(&self.vm, limit) }, limit)
    }

    /// At most `limit` frames: there may be more than there are addresses.
    fn backtrace(&self, pcs: Vec<usize>, limit: usize) -> WasmBacktrace {
        let frames = pcs.into_iter().filter_map(|pc| {
            let after = self.modules.partition_point(|&(start, _)| start <= pc);
            let (start, module) = &self.modules[after.checked_sub(1)?];
            let offset = pc - start;
            (offset < module.text().len()).then(|| (module.clone(), offset as u32))
        });
        WasmBacktrace::new(frames.collect(), limit)
    }
}

/// A module's trampoline to host functions with a signature, if it has one.
fn exit_trampoline(module: &Module, signature_id: u32) -> Option<NonNull<c_void>> {
    let code = module.code();
    let position = code.signatures().iter().position(|known| known.id() == signature_id)?;
    code.exit_trampoline(SignatureIndex::from_position(position))
}

fn is_host_reference(ty: &ValType) -> bool {
    matches!(ty, ValType::Ref(ty) if ty.heap_type().top() == HeapType::Extern)
}

impl Drop for StoreCore {
    fn drop(&mut self) {
        for instance in self.instances.drain(..) {
            // SAFETY: it came from a box, and the store was the only one to use it.
            unsafe { vm::instance::Instance::end(Box::from_raw(instance.vm.as_ptr()), &self.vm) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn fuel_that_was_consumed_beyond_what_was_there_comes_out_of_the_reserve() {
        let mut core = StoreCore::new(&Engine::new(Config::new().consume_fuel(true)).unwrap());
        core.set_fuel(u64::MAX).unwrap();
        assert_eq!(core.vm.fuel(), -i64::MAX);
        core.vm.set_fuel(1000);
        assert!(core.refuel());
        assert_eq!(core.fuel().unwrap(), (1 << 63) - 1000);
        core.set_fuel(5).unwrap();
        core.vm.set_fuel(7);
        assert!(!core.refuel());
        assert_eq!(core.fuel().unwrap(), 0);
    }
}
