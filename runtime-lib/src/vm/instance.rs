//! The vmctx of an instance, filled from its layout.
//!
//! In: a module's code, the store, and what its imports were resolved to. Out: an [`Instance`] whose vmctx is complete;
//! then, as a separate step because it may trap, the active segments.
//!
//! An instance that has ended may leave itself to a later one of the same module: then its vmctx is complete but for what
//! belongs to a store, its memories are as new, and stay mapped. Whoever gets it cannot tell it from one that was just made.
//!
//! Always true: the vmctx never moves. What it points to (imports, the store) outlives it; what the instance defines
//! itself, it owns. What is left for later refers to no store, no import, and keeps no code loaded.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::fmt;
use std::mem::offset_of;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::abi::index::{
    DataIndex, ElemIndex, FuncIndex, FuncRefIndex, GlobalIndex, MemoryIndex, SignatureIndex,
    TableIndex,
};
use crate::abi::manifest::{ConstExpr, ConstOp, ElementItems, ImportType, SegmentMode};
use crate::abi::trap::TrapCode;
use crate::abi::types::{MemoryType, RefKind, RefType};
use crate::abi::vmctx::{
    Place, VMCTX_HOST, VMCTX_INSTANCE, ValRaw, VmContext, VmContextHeader, VmFuncRef,
    VmFunctionImport, VmGlobal, VmHostContext, VmLayout, VmMemory, VmTable,
};

use super::code::{Code, ModuleView};
use super::debug_cell::Shown;
use super::memory::{AddressSpace, Memory, MemoryError};
use super::shared_memory::SharedMemory;
use super::shelf::Shelf;
use super::store::Store;
use super::table::{Table, TableTooLarge};
use super::trap::host_function_code;

/// What the imports of a module were resolved to, by kind, in the order of its imports.
#[derive(Clone, Copy, Default, Debug)]
#[allow(missing_docs)]
pub struct Imports<'a> {
    pub functions: &'a [NonNull<VmFuncRef>],
    pub tables: &'a [NonNull<Table>],
    pub memories: &'a [InstanceMemory],
    pub globals: &'a [NonNull<VmGlobal>],
}

/// A memory that an instance uses.
#[derive(Clone, Debug)]
pub enum InstanceMemory {
    /// One that belongs to the instance's store, and lives as long.
    Unshared(NonNull<Memory>),
    /// One that other threads use too.
    Shared(Arc<SharedMemory>),
}

impl InstanceMemory {
    /// The record that compiled code reads.
    fn record(&self) -> NonNull<VmMemory> {
        match self {
            // SAFETY: memories are alive while they are used.
            InstanceMemory::Unshared(memory) => unsafe { memory.as_ref() }.record(),
            InstanceMemory::Shared(memory) => memory.record(),
        }
    }

    /// Its type, as it was declared.
    fn ty(&self) -> &MemoryType {
        match self {
            // SAFETY: as above.
            InstanceMemory::Unshared(memory) => unsafe { memory.as_ref() }.ty(),
            InstanceMemory::Shared(memory) => memory.ty(),
        }
    }

    /// Its size now, in bytes.
    pub fn bytes(&self) -> usize {
        // SAFETY: as above; only the atomic part of the record is read.
        unsafe { (*self.record().as_ptr()).bytes.load(Ordering::SeqCst) }
    }

    /// The address of a run of bytes.
    ///
    /// # Errors
    /// If it does not lie inside.
    pub fn range(&self, start: u64, bytes: u64) -> Result<*mut u8, TrapCode> {
        match start.checked_add(bytes) {
            Some(end) if end <= self.bytes() as u64 => {
                if let InstanceMemory::Unshared(memory) = self {
                    // SAFETY: as above.
                    unsafe { memory.as_ref() }.expose();
                }
                // SAFETY: as above; the base changes only when the memory's store grows it. The start lies inside.
                Ok(unsafe { (*self.record().as_ptr()).base.add(start as usize) })
            }
            _ => Err(TrapCode::MemoryOutOfBounds),
        }
    }
}

/// An instance of a module.
pub struct Instance {
    /// Its module. None while it waits for its next use.
    code: Option<Arc<Code>>,
    layout: VmLayout,
    vmctx: NonNull<u8>,
    /// That debuggers see it, if there is anything for them.
    shown: Option<Shown>,
    /// Tables by index, the imported ones first; those behind are owned.
    tables: Vec<NonNull<Table>>,
    /// Memories by index, the imported ones first; those behind are owned unless they are shared.
    memories: Vec<InstanceMemory>,
    /// Which element segments count as empty, because they were dropped.
    dropped_elements: Vec<bool>,
    /// Which data segments count as empty, because they were dropped.
    dropped_data: Vec<bool>,
    /// How much address space its memories have.
    space: AddressSpace,
    /// The function references that are imported functions'.
    imported_funcrefs: Vec<(FuncRefIndex, FuncIndex)>,
    /// Its tables as the segments have filled them, if they do so each time in the same way.
    filled_tables: Option<Vec<Box<[u8]>>>,
    /// Whether the tables are filled already.
    tables_are_filled: bool,
    /// Whether it may stay when it has ended: segments have been applied, and its module has had other instances.
    may_stay: bool,
    is_first: bool,
    /// The instance of the store that was made before it, or null. For debuggers, like the next.
    previous: *const (),
    view: *const ModuleView,
}

/// Where debuggers find what is in here.
pub const DEBUGGER_LAYOUT: &[(&str, usize)] = &[
    ("Instance.vmctx", offset_of!(Instance, vmctx)),
    ("Instance.previous", offset_of!(Instance, previous)),
    ("Instance.view", offset_of!(Instance, view)),
];

/// Why a module could not be instantiated.
#[derive(Debug)]
pub enum InstanceError {
    /// One of its memories could not be made.
    Memory(MemoryError),
    /// One of its tables could not be made.
    Table(TableTooLarge),
    /// The artifact contradicts itself.
    Corrupted {
        /// What about.
        part: &'static str,
    },
}

impl fmt::Display for InstanceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InstanceError::Memory(error) => error.fmt(f),
            InstanceError::Table(error) => error.fmt(f),
            InstanceError::Corrupted { part } => {
                write!(f, "the artifact is corrupted: its {part} contradicts its manifest")
            }
        }
    }
}

impl std::error::Error for InstanceError {}

impl From<MemoryError> for InstanceError {
    fn from(error: MemoryError) -> InstanceError {
        InstanceError::Memory(error)
    }
}

/// What the instances of a module have left for later ones.
#[derive(Default)]
struct Leftovers {
    /// Whether there was an instance. What is instantiated once leaves nothing.
    had_one: AtomicBool,
    instances: Shelf<Instance>,
}

impl Leftovers {
    fn of(code: &Code) -> &Leftovers {
        code.leftovers(Leftovers::default)
    }
}

// SAFETY: an instance is used by one thread at a time, whoever has its store. What waits for its next use is nobody's.
unsafe impl Send for Instance {}

/// How many elements all tables of an instance have at most that waits for its next use.
const MOST_ELEMENTS: usize = 1 << 14;

fn corrupted(part: &'static str) -> InstanceError {
    InstanceError::Corrupted { part }
}

impl Instance {
    /// Makes an instance. `number` is what its vmctx says of it.
    ///
    /// # Errors
    /// If a memory or table cannot be made, or the artifact is corrupted.
    ///
    /// # Safety
    /// The imports have the types that the module wants, belong to the same store, and live as long as the instance does,
    /// as does the store.
    pub unsafe fn new(
        code: Arc<Code>,
        store: &Store,
        number: u32,
        imports: Imports<'_>,
    ) -> Result<Box<Instance>, InstanceError> {
        let leftovers = Leftovers::of(&code);
        let used = leftovers.instances.take();
        let used = used.filter(|instance| instance.space == store.settings().memories);
        let is_first = used.is_none() && !leftovers.had_one.swap(true, Ordering::Relaxed);
        let is_new = used.is_none();
        let mut instance = used.unwrap_or_else(|| Instance::blank(&code, store, is_first));
        instance.previous = store.newest_instance().get();
        instance.view = code.view();
        let debug_cell = code.debug_cell();
        instance.code = Some(code);
        let runtime = NonNull::from(&mut *instance).as_ptr().cast();
        // SAFETY: each part is written where the layout has it; the caller vouches for what is imported.
        unsafe {
            instance.place::<VmContextHeader>(0).write(VmContextHeader {
                magic: VMCTX_INSTANCE,
                instance: number,
                store: store.context(),
                builtins: store.builtins(),
                runtime,
            });
            if is_new {
                instance.tables = imports.tables.to_vec();
                instance.memories = imports.memories.to_vec();
                instance.fill_imports(imports)?;
                instance.fill_signatures();
                instance.fill_funcrefs(imports)?;
            } else {
                instance.tables[..imports.tables.len()].copy_from_slice(imports.tables);
                instance.memories[..imports.memories.len()].clone_from_slice(imports.memories);
                instance.fill_imports(imports)?;
                instance.fill_imported_funcrefs(imports);
            }
        }
        // From here on functions can be referred to.
        if is_new {
            instance.make_memories(store.settings().memories)?;
        }
        instance.make_globals()?;
        if is_new {
            instance.make_tables()?;
        } else {
            instance.renew_tables()?;
        }
        instance.shown = debug_cell.map(|cell| cell.show(instance.vmctx));
        store.newest_instance().set(std::ptr::from_ref(&*instance).cast());
        Ok(instance)
    }

    /// An instance in which nothing is filled in yet.
    fn blank(code: &Code, store: &Store, is_first: bool) -> Box<Instance> {
        let layout = *code.layout();
        let bytes = vmctx_layout(&layout);
        // SAFETY: a vmctx has at least its header, so the size is not 0.
        let vmctx = NonNull::new(unsafe { alloc_zeroed(bytes) })
            .unwrap_or_else(|| handle_alloc_error(bytes));
        Box::new(Instance {
            code: None,
            layout,
            vmctx,
            shown: None,
            tables: Vec::new(),
            memories: Vec::new(),
            dropped_elements: vec![false; code.manifest().elements.len()],
            dropped_data: vec![false; code.manifest().data.len()],
            space: store.settings().memories,
            imported_funcrefs: Vec::new(),
            filled_tables: None,
            tables_are_filled: false,
            may_stay: false,
            is_first,
            previous: ptr::null(),
            view: ptr::null(),
        })
    }

    /// Ends an instance. What can be used again stays with its module.
    ///
    /// # Safety
    /// It is an instance of this store, and nobody uses it, or anything of it, any more.
    pub unsafe fn end(mut instance: Box<Instance>, store: &Store) {
        instance.shown = None;
        let was_used = store.was_entered();
        let Some(code) = instance.code.take() else { return };
        if instance.is_renewed(&code, was_used) {
            Leftovers::of(&code).instances.keep(instance);
        }
        // Here the code may go, and with it what was just left.
    }

    /// Makes everything that it has as new. `false` if that cannot be done.
    fn is_renewed(&mut self, code: &Code, was_used: bool) -> bool {
        let shape = self.layout.shape;
        let (tables, memories) = (shape.imported_tables as usize, shape.imported_memories as usize);
        // SAFETY: tables are alive.
        let elements =
            self.tables[tables..].iter().map(|table| unsafe { table.as_ref() }.capacity());
        if !self.may_stay || elements.sum::<usize>() > MOST_ELEMENTS {
            return false;
        }
        for (position, memory) in self.memories.iter_mut().enumerate() {
            let index = MemoryIndex::from_position(position);
            match memory {
                // What is not the instance's own is held no longer.
                InstanceMemory::Shared(_) if position < memories => {
                    *memory = InstanceMemory::Unshared(NonNull::dangling());
                }
                _ if position < memories => {}
                InstanceMemory::Shared(_) => return false,
                InstanceMemory::Unshared(memory) => {
                    // SAFETY: the memory is the instance's own, and nobody uses it any more.
                    if !unsafe { memory.as_mut() }.renew(was_used, code.images(index)) {
                        return false;
                    }
                }
            }
        }
        self.dropped_elements.fill(false);
        self.dropped_data.fill(false);
        true
    }

    unsafe fn fill_imports(&mut self, imports: Imports<'_>) -> Result<(), InstanceError> {
        let code = self.code().clone();
        let layout = *code.layout();
        let signatures = code.manifest().imports.iter().filter_map(|import| match import.ty {
            ImportType::Function(signature) => Some(signature),
            _ => None,
        });
        for (position, (signature, funcref)) in signatures.zip(imports.functions).enumerate() {
            // SAFETY: the caller passes live references to functions.
            let funcref = unsafe { funcref.as_ref() };
            // SAFETY: the context of a live function.
            let is_host = unsafe { (*funcref.vmctx).header.magic } == VMCTX_HOST;
            let target = match is_host {
                // A host function is called by way of a trampoline, and this module brings its own.
                true => {
                    let host = funcref.vmctx.cast::<VmHostContext>();
                    // SAFETY: that is what the context of a host function is.
                    let typed_entry = unsafe { (*host).typed_entry };
                    host_function_code(typed_entry, || code.exit_trampoline(signature))
                        .ok_or(corrupted("signature table"))?
                        .as_ptr()
                        .cast_const()
                }
                false => funcref.code,
            };
            let import = VmFunctionImport { code: target, vmctx: funcref.vmctx };
            // SAFETY: inside of the vmctx, by its layout.
            unsafe {
                self.place(layout.imported_function(FuncIndex::from_position(position)))
                    .write(import)
            };
        }
        // SAFETY: inside of the vmctx, by its layout; the imports are alive.
        unsafe {
            for (position, table) in imports.tables.iter().enumerate() {
                let pointer =
                    self.place::<NonNull<VmTable>>(layout.imported_tables + 8 * position as u32);
                pointer.write(table.as_ref().record());
            }
            for (position, memory) in imports.memories.iter().enumerate() {
                let pointer =
                    self.place::<NonNull<VmMemory>>(layout.imported_memories + 8 * position as u32);
                pointer.write(memory.record());
            }
            for (position, &global) in imports.globals.iter().enumerate() {
                self.place::<NonNull<VmGlobal>>(layout.imported_globals + 8 * position as u32)
                    .write(global);
            }
        }
        Ok(())
    }

    unsafe fn fill_signatures(&mut self) {
        let offset = self.layout.signature_ids;
        for (position, signature) in self.code().signatures().iter().enumerate() {
            // SAFETY: inside of the vmctx, by its layout.
            unsafe { self.place(offset + 4 * position as u32).write(signature.id()) };
        }
    }

    unsafe fn fill_funcrefs(&mut self, imports: Imports<'_>) -> Result<(), InstanceError> {
        let code = self.code().clone();
        let layout = code.layout();
        for position in 0..layout.shape.funcrefs {
            let record = code
                .tables()
                .funcref(FuncRefIndex(position))
                .ok_or(corrupted("function reference table"))?;
            let signature = SignatureIndex(record.signature);
            let id = code
                .signatures()
                .get(signature.index())
                .ok_or(corrupted("function reference table"))?
                .id();
            let funcref = match imports.functions.get(record.function as usize) {
                Some(imported) => {
                    self.imported_funcrefs
                        .push((FuncRefIndex(position), FuncIndex(record.function)));
                    // SAFETY: the caller passes live references to functions, and their code is filled in above.
                    unsafe { self.imported_funcref(*imported, FuncIndex(record.function)) }
                }
                None => VmFuncRef {
                    code: code
                        .address(record.code)
                        .ok_or(corrupted("function reference table"))?
                        .as_ptr(),
                    vmctx: self.vmctx().as_ptr(),
                    entry: Some(
                        code.entry_trampoline(signature).ok_or(corrupted("signature table"))?,
                    ),
                    signature_id: id,
                    reserved: 0,
                },
            };
            // SAFETY: inside of the vmctx, by its layout.
            unsafe { self.place(layout.funcref(FuncRefIndex(position))).write(funcref) };
        }
        Ok(())
    }

    /// The reference to an imported function.
    ///
    /// # Safety
    /// It is alive, and among the imports already.
    unsafe fn imported_funcref(&self, imported: NonNull<VmFuncRef>, index: FuncIndex) -> VmFuncRef {
        // SAFETY: the caller's promise.
        let (imported, import) = unsafe {
            let place = self.layout.imported_function(index);
            (imported.as_ref(), &*self.place::<VmFunctionImport>(place).as_ptr())
        };
        VmFuncRef { code: import.code, ..*imported }
    }

    /// As [`fill_funcrefs`](Self::fill_funcrefs), where those of the module's own functions are there already.
    unsafe fn fill_imported_funcrefs(&mut self, imports: Imports<'_>) {
        for &(index, function) in &self.imported_funcrefs {
            // SAFETY: the caller passes live references to functions, which are among the imports.
            let funcref =
                unsafe { self.imported_funcref(imports.functions[function.index()], function) };
            // SAFETY: inside of the vmctx, by its layout.
            unsafe { self.place(self.layout.funcref(index)).write(funcref) };
        }
    }

    fn make_memories(&mut self, space: AddressSpace) -> Result<(), InstanceError> {
        let code = self.code().clone();
        for declared in &code.manifest().memories {
            let index = MemoryIndex::from_position(self.memories.len());
            let (ty, checks, images) = (declared.ty, declared.checks, code.images(index));
            let memory = match code.layout().memory(index, ty.shared) {
                Place::Record(offset) => {
                    let mut memory = Memory::new(ty, checks, space, images)?;
                    // SAFETY: the record lies in the vmctx, which is freed after the memory.
                    unsafe { memory.move_record(self.place(offset)) };
                    InstanceMemory::Unshared(NonNull::from(Box::leak(Box::new(memory))))
                }
                Place::Pointer(offset) => {
                    let memory = SharedMemory::new(ty, checks, space, images)?;
                    // SAFETY: inside of the vmctx, by its layout. The instance keeps the memory.
                    unsafe { self.place(offset).write(memory.record()) };
                    InstanceMemory::Shared(Arc::new(memory))
                }
            };
            self.memories.push(memory);
        }
        Ok(())
    }

    fn make_globals(&mut self) -> Result<(), InstanceError> {
        let code = self.code().clone();
        let imported = code.layout().shape.imported_globals;
        for (position, global) in code.manifest().globals.iter().enumerate() {
            let value = self.evaluate(&global.init).ok_or(corrupted("globals"))?;
            let index = GlobalIndex(imported + position as u32);
            // SAFETY: globals are 16 bytes, as values are, and lie in the vmctx.
            unsafe { self.global(index).cast::<ValRaw>().write(value) };
        }
        Ok(())
    }

    fn make_tables(&mut self) -> Result<(), InstanceError> {
        let code = self.code().clone();
        for declared in &code.manifest().tables {
            let init = match &declared.init {
                Some(init) => self.element(init, declared.ty.element).ok_or(corrupted("tables"))?,
                None => 0,
            };
            let mut table = Table::new(declared.ty, init).map_err(InstanceError::Table)?;
            let index = TableIndex::from_position(self.tables.len());
            let Place::Record(offset) = code.layout().table(index) else {
                unreachable!("imports come first")
            };
            // SAFETY: the record lies in the vmctx, which is freed after the table.
            unsafe { table.move_record(self.place(offset)) };
            self.tables.push(NonNull::from(Box::leak(Box::new(table))));
        }
        Ok(())
    }

    /// Makes tables of an earlier use those of this one.
    fn renew_tables(&mut self) -> Result<(), InstanceError> {
        let first = self.layout.shape.imported_tables as usize;
        if let Some(filled) = &self.filled_tables {
            for (table, filled) in self.tables[first..].iter_mut().zip(filled) {
                // SAFETY: tables are alive, and this one is the instance's own.
                unsafe { table.as_mut() }.restore(filled);
            }
            self.tables_are_filled = true;
            return Ok(());
        }
        let code = self.code().clone();
        for (position, declared) in code.manifest().tables.iter().enumerate() {
            let init = match &declared.init {
                Some(init) => self.element(init, declared.ty.element).ok_or(corrupted("tables"))?,
                None => 0,
            };
            // SAFETY: as above.
            unsafe { self.tables[first + position].as_mut() }.renew(init);
        }
        Ok(())
    }

    /// Applies the active segments, in order. What was written before a trap stays.
    ///
    /// # Errors
    /// If a segment does not fit its table or memory, or the artifact is corrupted.
    ///
    /// # Safety
    /// Called once. The imports are alive, and nobody else uses them at the same time.
    pub unsafe fn initialize(&mut self) -> Result<(), InitError> {
        let code = self.code().clone();
        for (position, segment) in code.manifest().elements.iter().enumerate() {
            let index = ElemIndex::from_position(position);
            match &segment.mode {
                SegmentMode::Active { .. } if self.tables_are_filled => self.drop_elements(index),
                SegmentMode::Active { target, offset } => {
                    // SAFETY: tables are alive.
                    let wide = unsafe { self.table(*target).as_ref() }.ty().table64;
                    let offset = self.offset(offset, wide)?;
                    let count = self.element_count(index);
                    // SAFETY: the caller's promise.
                    unsafe { self.table_init(*target, index, offset, 0, count) }?;
                    self.drop_elements(index);
                }
                SegmentMode::Passive => {}
                SegmentMode::Declared => self.drop_elements(index),
            }
        }
        for segment in &code.manifest().data {
            if let SegmentMode::Active { target, offset } = &segment.mode {
                let wide = self.memory(*target).ty().memory64;
                let offset = self.offset(offset, wide)?;
                let bytes = u64::from(segment.bytes.bytes);
                // SAFETY: the caller's promise.
                unsafe { self.memory_init(*target, segment.index, offset, 0, bytes) }?;
                self.drop_data(segment.index);
            }
        }
        self.may_stay = !self.is_first;
        if self.may_stay && self.filled_tables.is_none() && fills_tables_alike(&code) {
            let first = self.layout.shape.imported_tables as usize;
            // SAFETY: tables are alive.
            let saved = self.tables[first..].iter().map(|table| unsafe { table.as_ref() }.save());
            self.filled_tables = Some(saved.collect());
        }
        Ok(())
    }

    fn offset(&self, expr: &ConstExpr, wide: bool) -> Result<u64, InitError> {
        let value = self.evaluate(expr).ok_or(InitError::Corrupted)?;
        // SAFETY: all bits of a value are initialised; validation says which of them count.
        Ok(unsafe { if wide { value.i64 as u64 } else { u64::from(value.i32 as u32) } })
    }

    /// Evaluates a constant expression. `None` if it is none.
    fn evaluate(&self, expr: &ConstExpr) -> Option<ValRaw> {
        // Nearly all are a single operator.
        if let [op] = &expr.ops[..] {
            return self.operand(op);
        }
        let mut stack: Vec<ValRaw> = Vec::new();
        for op in &expr.ops {
            let mut value = ValRaw::default();
            match *op {
                ConstOp::I32Add | ConstOp::I32Sub | ConstOp::I32Mul => {
                    // SAFETY: all bits of a value are initialised.
                    let (right, left) = unsafe { (stack.pop()?.i32, stack.pop()?.i32) };
                    value.i32 = match op {
                        ConstOp::I32Add => left.wrapping_add(right),
                        ConstOp::I32Sub => left.wrapping_sub(right),
                        _ => left.wrapping_mul(right),
                    };
                }
                ConstOp::I64Add | ConstOp::I64Sub | ConstOp::I64Mul => {
                    // SAFETY: as above.
                    let (right, left) = unsafe { (stack.pop()?.i64, stack.pop()?.i64) };
                    value.i64 = match op {
                        ConstOp::I64Add => left.wrapping_add(right),
                        ConstOp::I64Sub => left.wrapping_sub(right),
                        _ => left.wrapping_mul(right),
                    };
                }
                _ => value = self.operand(op)?,
            }
            stack.push(value);
        }
        let value = stack.pop()?;
        stack.is_empty().then_some(value)
    }

    /// The value of an operator that has no operands. `None` if it has some, or means nothing.
    fn operand(&self, op: &ConstOp) -> Option<ValRaw> {
        let mut value = ValRaw::default();
        match *op {
            ConstOp::I32Const(number) => value.i32 = number,
            ConstOp::I64Const(number) => value.i64 = number,
            ConstOp::F32Const(bits) => value.f32 = bits,
            ConstOp::F64Const(bits) => value.f64 = bits,
            ConstOp::V128Const(bytes) => value.v128 = bytes,
            ConstOp::RefNull(_) => {}
            ConstOp::RefFunc(index) => {
                value.funcref =
                    (index.0 < self.layout.shape.funcrefs).then(|| self.funcref(index).as_ptr())?;
            }
            ConstOp::GlobalGet(index) => {
                let shape = self.layout.shape;
                let exists = index.0 < shape.imported_globals + shape.globals;
                // SAFETY: it exists, is initialised in this order, and has the size and alignment of a value.
                value = exists.then(|| unsafe { self.global(index).cast::<ValRaw>().read() })?;
            }
            _ => return None,
        }
        Some(value)
    }

    /// Evaluates a constant expression to a reference as tables store it.
    fn element(&self, expr: &ConstExpr, ty: RefType) -> Option<u64> {
        let value = self.evaluate(expr)?;
        // SAFETY: all bits of a value are initialised; validation says which of them count.
        Some(unsafe {
            match ty.kind() {
                RefKind::Func => value.funcref as u64,
                RefKind::Extern | RefKind::Object => value.externref.into(),
            }
        })
    }

    /// Its module.
    pub fn code(&self) -> &Arc<Code> {
        self.code.as_ref().expect("only an instance that has ended has none")
    }

    /// Its vmctx.
    pub fn vmctx(&self) -> NonNull<VmContext> {
        self.vmctx.cast()
    }

    /// The instance of a vmctx.
    ///
    /// # Safety
    /// `vmctx` is the context of an instance that is alive. Whoever has the reference is the only one to have one.
    pub unsafe fn of<'a>(vmctx: NonNull<VmContext>) -> &'a mut Instance {
        // SAFETY: `new` has put the address of the instance there.
        unsafe { &mut *(*vmctx.as_ptr()).header.runtime.cast::<Instance>() }
    }

    /// A part of the vmctx.
    fn place<T>(&self, offset: u32) -> NonNull<T> {
        debug_assert!(
            offset + size_of::<T>() as u32 <= self.layout.bytes.max(size_of::<T>() as u32)
        );
        // SAFETY: offsets come from the layout with which the vmctx was allocated.
        unsafe { self.vmctx.add(offset as usize).cast() }
    }

    /// A function that may be referred to.
    pub fn funcref(&self, index: FuncRefIndex) -> NonNull<VmFuncRef> {
        self.place(self.layout.funcref(index))
    }

    /// A global, imported or defined.
    pub fn global(&self, index: GlobalIndex) -> NonNull<VmGlobal> {
        match self.layout.global(index) {
            Place::Record(offset) => self.place(offset),
            // SAFETY: `fill_imports` has written all pointers.
            Place::Pointer(offset) => unsafe { self.place::<NonNull<VmGlobal>>(offset).read() },
        }
    }

    /// A memory, imported or defined.
    pub fn memory(&self, index: MemoryIndex) -> &InstanceMemory {
        &self.memories[index.index()]
    }

    /// A table, imported or defined.
    pub fn table(&self, index: TableIndex) -> NonNull<Table> {
        self.tables[index.index()]
    }

    /// How many elements an element segment has.
    fn element_count(&self, index: ElemIndex) -> u64 {
        match &self.code().manifest().elements[index.index()].items {
            _ if self.dropped_elements[index.index()] => 0,
            ElementItems::Functions(range) => u64::from(range.bytes / 4),
            ElementItems::Expressions(items) => items.len() as u64,
        }
    }

    /// Copies elements of a segment to a table.
    ///
    /// # Errors
    /// If one of the runs does not lie inside; then nothing has changed.
    ///
    /// # Safety
    /// The table is alive, and nobody else uses it at the same time.
    pub unsafe fn table_init(
        &mut self,
        table: TableIndex,
        segment: ElemIndex,
        dst: u64,
        src: u64,
        elements: u64,
    ) -> Result<(), InitError> {
        // SAFETY: the caller's promise.
        let table = unsafe { self.table(table).as_mut() };
        let available = self.element_count(segment);
        let inside =
            |start: u64, size: u64| start.checked_add(elements).is_some_and(|end| end <= size);
        if !inside(src, available) || !inside(dst, table.elements() as u64) {
            return Err(InitError::Trap(TrapCode::TableOutOfBounds));
        }
        if elements == 0 {
            return Ok(());
        }
        let code = self.code().clone();
        let run = src as usize..(src + elements) as usize;
        let declared = &code.manifest().elements[segment.index()];
        match &declared.items {
            ElementItems::Functions(range) => {
                let items = code.tables().elements(*range).ok_or(InitError::Corrupted)?;
                for (dst, item) in (dst..).zip(&items[run]) {
                    let value = match u32::from_le_bytes(*item) {
                        u32::MAX => 0,
                        index if index < code.layout().shape.funcrefs => {
                            self.funcref(FuncRefIndex(index)).as_ptr() as u64
                        }
                        _ => return Err(InitError::Corrupted),
                    };
                    table.set(dst, value)?;
                }
            }
            ElementItems::Expressions(items) => {
                for (dst, item) in (dst..).zip(&items[run]) {
                    let value = self.element(item, declared.ty).ok_or(InitError::Corrupted)?;
                    table.set(dst, value)?;
                }
            }
        }
        Ok(())
    }

    /// Makes an element segment count as empty.
    pub fn drop_elements(&mut self, index: ElemIndex) {
        self.dropped_elements[index.index()] = true;
    }

    /// Copies bytes of a data segment to a memory.
    ///
    /// # Errors
    /// If one of the runs does not lie inside; then nothing has changed.
    ///
    /// # Safety
    /// The memory is alive, and the run is not accessed by others at the same time other than by wasm.
    pub unsafe fn memory_init(
        &mut self,
        memory: MemoryIndex,
        segment: DataIndex,
        dst: u64,
        src: u64,
        bytes: u64,
    ) -> Result<(), InitError> {
        let position = self.code().manifest().data_position(segment);
        let data = match position.filter(|&position| !self.dropped_data[position]) {
            None => &[][..],
            Some(position) => {
                let range = self.code().manifest().data[position].bytes;
                self.code().tables().data(range).ok_or(InitError::Corrupted)?
            }
        };
        let target = self.memory(memory).range(dst, bytes)?;
        if src.checked_add(bytes).is_none_or(|end| end > data.len() as u64) {
            return Err(InitError::Trap(TrapCode::MemoryOutOfBounds));
        }
        // SAFETY: both runs were checked; a segment does not overlap a memory.
        unsafe {
            let source = data.as_ptr().add(src as usize);
            source.copy_to_nonoverlapping(target, bytes as usize);
        }
        Ok(())
    }

    /// Makes a data segment count as empty.
    pub fn drop_data(&mut self, index: DataIndex) {
        if let Some(position) = self.code().manifest().data_position(index) {
            self.dropped_data[position] = true;
        }
    }
}

/// Why a segment could not be applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InitError {
    /// It does not fit.
    Trap(TrapCode),
    /// The artifact contradicts itself.
    Corrupted,
}

impl From<TrapCode> for InitError {
    fn from(trap: TrapCode) -> InitError {
        InitError::Trap(trap)
    }
}

/// Whether the tables of all instances are filled in the same way: by nothing that an instance imports, and nothing that it
/// imports is filled.
fn fills_tables_alike(code: &Code) -> bool {
    let imported_tables = code.layout().shape.imported_tables;
    let is_alike =
        |expr: &ConstExpr| !expr.ops.iter().any(|op| matches!(op, ConstOp::GlobalGet(_)));
    let tables = code.manifest().tables.iter();
    let mut segments = code.manifest().elements.iter();
    tables.filter_map(|table| table.init.as_ref()).all(is_alike)
        && segments.all(|segment| match &segment.mode {
            SegmentMode::Active { target, offset } => {
                target.0 >= imported_tables
                    && is_alike(offset)
                    && match &segment.items {
                        ElementItems::Functions(_) => true,
                        ElementItems::Expressions(items) => items.iter().all(is_alike),
                    }
            }
            SegmentMode::Passive | SegmentMode::Declared => true,
        })
}

fn vmctx_layout(layout: &VmLayout) -> Layout {
    Layout::from_size_align(layout.bytes as usize, 16).expect("a vmctx is smaller than 4 GiB")
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.shown = None;
        let shape = self.layout.shape;
        // SAFETY: the tables and memories behind the imports came from boxes of ours. Nobody uses the instance any more.
        unsafe {
            for table in &self.tables[shape.imported_tables as usize..] {
                drop(Box::from_raw(table.as_ptr()));
            }
            for memory in &self.memories[shape.imported_memories as usize..] {
                if let InstanceMemory::Unshared(memory) = memory {
                    drop(Box::from_raw(memory.as_ptr()));
                }
            }
            dealloc(self.vmctx.as_ptr(), vmctx_layout(&self.layout));
        }
    }
}
