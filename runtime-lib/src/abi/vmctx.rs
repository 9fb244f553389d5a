//! The records that compiled code reads and writes while it runs.
//!
//! Compiled code receives one pointer, the *vmctx*, that leads to everything its instance has:
//!
//! ```text
//!   vmctx ──► ┌──────────────────────────────┐ 0
//!             │ VmContextHeader              │──► VmStoreContext (stack limit, entry and exit frames)
//!             │                              │──► [address of each built-in function]
//!             ├──────────────────────────────┤ VmLayout::imported_functions
//!             │ VmFunctionImport × n         │──► code and vmctx of another instance, or of a host function
//!             ├──────────────────────────────┤ VmLayout::imported_tables / _memories / _globals / _tags
//!             │ pointer × n                  │──► VmTable / VmMemory / VmGlobal / VmTag of its owner
//!             ├──────────────────────────────┤ VmLayout::globals
//!             │ VmGlobal × n   (16 each)     │
//!             ├──────────────────────────────┤ VmLayout::memories
//!             │ VmMemory × n   (16 each)     │ or, of a shared memory, a pointer to it, and 8 unused bytes
//!             ├──────────────────────────────┤ VmLayout::tables
//!             │ VmTable × n    (16 each)     │
//!             ├──────────────────────────────┤ VmLayout::funcrefs
//!             │ VmFuncRef × n  (32 each)     │
//!             ├──────────────────────────────┤ VmLayout::signature_ids
//!             │ u32 × n                      │ one for each signature of the module
//!             └──────────────────────────────┘ VmLayout::bytes
//! ```
//!
//! The layout depends on the module's shape alone; compiler and runtime both compute it with [`VmLayout::new`].
//! A host function has a context of its own that begins with the same header, so that compiled code need not know whom
//! it calls.

use core::ffi::c_void;
use core::mem::{offset_of, size_of};
use core::sync::atomic::AtomicUsize;

use super::index::{FuncIndex, FuncRefIndex, GlobalIndex, MemoryIndex, SignatureIndex, TableIndex};
use super::types::{FuncType, ValType};

/// An opaque vmctx: the first argument of everything compiled.
#[repr(C)]
#[derive(Debug)]
pub struct VmContext {
    /// What every context begins with, an instance's and a host function's.
    pub header: VmContextHeader,
}

/// What every context begins with.
#[repr(C)]
#[derive(Debug)]
pub struct VmContextHeader {
    /// [`VMCTX_INSTANCE`] or [`VMCTX_HOST`]: whose context this is.
    pub magic: u32,
    /// The instance's number in its store; unused by compiled code.
    pub instance: u32,
    /// What all instances of a store share.
    pub store: *mut VmStoreContext,
    /// The addresses of the built-in functions, in the order of their numbers.
    pub builtins: *const usize,
    /// For the runtime's own use.
    pub runtime: *mut c_void,
}

/// [`VmContextHeader::magic`] of an instance.
pub const VMCTX_INSTANCE: u32 = u32::from_le_bytes(*b"wzin");
/// [`VmContextHeader::magic`] of a host function.
pub const VMCTX_HOST: u32 = u32::from_le_bytes(*b"wzho");

/// How far below the limit of the stack compiled code may go without asking: functions with small frames, which others call
/// that have asked.
pub const UNCHECKED_STACK_BYTES: u32 = 16 << 10;

/// What all instances of a store share. Its address never changes while the store lives.
#[repr(C)]
#[derive(Debug)]
pub struct VmStoreContext {
    /// A function whose frame would reach below this address traps with `StackOverflow`.
    ///
    /// Functions that do not look at it use up to [`UNCHECKED_STACK_BYTES`] below.
    pub stack_limit: usize,
    /// Fuel used, minus fuel given: execution stops when it becomes positive.
    pub fuel: i64,
    /// The epoch at which execution is interrupted.
    pub epoch_deadline: u64,
    /// The engine's current epoch.
    pub epoch: *const u64,
    /// Frame pointer of the wasm function that was left last, for a host or built-in function.
    pub exit_fp: usize,
    /// The address in it to which that function returns.
    pub exit_pc: usize,
    /// Frame pointer of the trampoline through which wasm was entered last; where walking the stack ends.
    pub entry_fp: usize,
    /// Stack pointer of that trampoline.
    pub entry_sp: usize,
    /// The address in that trampoline at which execution resumes after a trap, with the two registers above restored
    /// and all others undefined. The trampoline then returns `false`.
    pub entry_handler: usize,
}

/// An imported function.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct VmFunctionImport {
    /// Its code, with the calling convention of wasm.
    pub code: *const c_void,
    /// The context it runs in.
    pub vmctx: *mut VmContext,
}

/// What a function reference points to.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct VmFuncRef {
    /// Its code, with the calling convention of wasm. Null for a host function whose signature no module in the store
    /// has, which therefore none can call.
    pub code: *const c_void,
    /// The context it runs in.
    pub vmctx: *mut VmContext,
    /// The entry trampoline of its signature ([`EntryTrampoline`]); `None` for a host function.
    pub entry: Option<EntryTrampoline>,
    /// The number of its signature in this process.
    pub signature_id: u32,
    /// Always 0.
    pub reserved: u32,
}

/// A memory as compiled code sees it.
#[repr(C)]
#[derive(Debug)]
pub struct VmMemory {
    /// Address of its first byte. Never changes for memories whose checks are [`Guarded`](super::manifest::BoundsChecks).
    pub base: *mut u8,
    /// Its size now, in bytes.
    pub bytes: AtomicUsize,
}

/// A table as compiled code sees it.
#[repr(C)]
#[derive(Debug)]
pub struct VmTable {
    /// Address of its first element: a pointer to [`VmFuncRef`] or null each, or a 32-bit handle each.
    pub base: *mut u8,
    /// Its size now, in elements.
    pub elements: usize,
}

/// A global: its value as in a [`ValRaw`].
#[repr(C, align(16))]
#[derive(Clone, Copy, Debug)]
pub struct VmGlobal {
    /// The bytes of the value.
    pub bytes: [u8; 16],
}

/// A value on its way between host and wasm. Integers and floats are in native byte order in the lowest bytes,
/// function references are a pointer to [`VmFuncRef`] or null, host references a 32-bit handle.
#[repr(C, align(16))]
#[derive(Clone, Copy)]
pub union ValRaw {
    /// An `i32`, or the bits of an `f32`.
    pub i32: i32,
    /// An `i64`, or the bits of an `f64`.
    pub i64: i64,
    /// The bits of an `f32`.
    pub f32: u32,
    /// The bits of an `f64`.
    pub f64: u64,
    /// A `v128`, little-endian.
    pub v128: [u8; 16],
    /// A function reference.
    pub funcref: *mut VmFuncRef,
    /// The handle of a host value, 0 for null.
    pub externref: u32,
}

macro_rules! raw_values {
    ($($(#[$doc:meta])* $make:ident $get:ident: $ty:ty, $field:ident, |$value:ident| $to:expr, |$raw:ident| $from:expr;)*) => {
        /// Values as they are in a [`ValRaw`]. Reading one as something else gives some value, except that a number is no
        /// function.
        impl ValRaw {$(
            $(#[$doc])*
            #[inline]
            pub fn $make($value: $ty) -> ValRaw {
                let mut raw = ValRaw::default();
                raw.$field = $to;
                raw
            }

            $(#[$doc])*
            #[inline]
            pub fn $get(&self) -> $ty {
                // SAFETY: all bytes of a value are initialised, and any are valid for each of these types.
                let $raw = unsafe { self.$field };
                $from
            }
        )*}
    };
}

raw_values! {
    /// An `i32`.
    i32 get_i32: i32, i32, |value| value, |raw| raw;
    /// An `i32`, unsigned.
    u32 get_u32: u32, i32, |value| value as i32, |raw| raw as u32;
    /// An `i64`.
    i64 get_i64: i64, i64, |value| value, |raw| raw;
    /// An `i64`, unsigned.
    u64 get_u64: u64, i64, |value| value as i64, |raw| raw as u64;
    /// The bits of an `f32`.
    f32 get_f32: u32, f32, |value| value, |raw| raw;
    /// The bits of an `f64`.
    f64 get_f64: u64, f64, |value| value, |raw| raw;
    /// A `v128`.
    v128 get_v128: u128, v128, |value| value.to_le_bytes(), |raw| u128::from_le_bytes(raw);
    /// A function reference: see `Func::to_raw` and `Func::from_raw` of the loader.
    funcref get_funcref: *mut c_void, funcref, |value| value.cast(), |raw| raw.cast();
    /// A reference to a host value: see `ExternRef::from_raw` of the loader.
    externref get_externref: u32, externref, |value| value, |raw| raw;
}

// SAFETY: an address is only a number until somebody uses it, for which the store is needed.
unsafe impl Send for ValRaw {}
// SAFETY: as above.
unsafe impl Sync for ValRaw {}

impl ValRaw {
    /// A null reference of any type.
    #[inline]
    pub fn null() -> ValRaw {
        ValRaw::default()
    }
}

impl core::fmt::Debug for ValRaw {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ValRaw(..)")
    }
}

impl Default for ValRaw {
    #[inline]
    fn default() -> Self {
        ValRaw { v128: [0; 16] }
    }
}

/// Enters wasm: calls `code` in context `vmctx` with arguments read from `values`, and writes the results there.
///
/// `values` has room for as many values as the function has parameters or results, whichever are more. Returns `false`
/// when the call was ended by a trap, error or panic.
pub type EntryTrampoline =
    unsafe extern "C" fn(vmctx: *mut VmContext, code: *const c_void, values: *mut ValRaw) -> bool;

/// A host function as exit trampolines call it: reads its arguments from `values` and writes its results there.
///
/// `vmctx` is the host function's own context, `caller` that of the instance that calls. Returns `false` when a trap,
/// error or panic was recorded, which the trampoline then raises.
pub type HostEntry = unsafe extern "C" fn(
    vmctx: *mut VmContext,
    caller: *mut VmContext,
    values: *mut ValRaw,
    count: usize,
) -> bool;

/// The same host function for exit trampolines that need no memory for its values, as long as [`has_typed_entry`] says so of
/// its type: a C function of its own context, its parameters, and the context of the instance that calls; with its result. On
/// x86-64 it has System V's convention on every system, and the runtime has the trampoline. Numbers are `uint32_t`,
/// `uint64_t`, `float` and `double`, a function reference is a pointer, another reference a `uint32_t`.
///
/// It returns only if it succeeds; otherwise it continues as the built-in function `raise` does.
pub type TypedHostEntry = unsafe extern "C" fn();

/// How many parameters a function with a [`TypedHostEntry`] has at most. With the two contexts they all fit registers where
/// C has most of them.
pub const TYPED_ENTRY_PARAMS: usize = 4;

/// Whether host functions of this type may have a [`TypedHostEntry`]: what C passes and returns alike everywhere.
pub fn has_typed_entry(ty: &FuncType) -> bool {
    let vector = |types: &[ValType]| types.contains(&ValType::V128);
    ty.params.len() <= TYPED_ENTRY_PARAMS
        && ty.results.len() <= 1
        && !vector(&ty.params)
        && !vector(&ty.results)
}

/// The context of a host function.
#[repr(C)]
#[derive(Debug)]
pub struct VmHostContext {
    /// What every context begins with; the magic is [`VMCTX_HOST`].
    pub header: VmContextHeader,
    /// What exit trampolines call.
    pub entry: HostEntry,
    /// For the loader's own use.
    pub data: *mut c_void,
    /// What they call instead, if it is there and their type [has](has_typed_entry) one.
    pub typed_entry: Option<TypedHostEntry>,
}

/// How many integer registers, at least, hold the integer arguments of a wasm function on every target.
///
/// Behind its parameters every wasm function takes the vmctx of its caller, which only exit trampolines read. Where vmctx,
/// integer parameters and this last one all fit such registers, other functions do not declare it, and calls inside of a
/// module do not pass it: nobody notices, and nobody pays.
pub const INTEGER_ARGUMENT_REGISTERS: usize = 5;

/// How many results of one class (integers and references; floats and vectors) fit registers on every target but one.
///
/// A function with more of either class takes, behind the vmctx, the address of 16 bytes for each of its results, and
/// writes all of them there.
pub const RESULT_REGISTERS: usize = 4;

/// The same for RISC-V, where moreover no vector fits.
pub const RESULT_REGISTERS_RISCV64: usize = 2;

/// How many of each thing a module has, as far as the layout of its vmctx depends on it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub struct VmShape {
    pub imported_functions: u32,
    pub imported_tables: u32,
    pub imported_memories: u32,
    pub imported_globals: u32,
    pub imported_tags: u32,
    pub tables: u32,
    pub memories: u32,
    pub globals: u32,
    pub tags: u32,
    pub funcrefs: u32,
    pub signatures: u32,
}

/// Where the parts of a vmctx lie, in bytes from its beginning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub struct VmLayout {
    pub shape: VmShape,
    pub imported_functions: u32,
    pub imported_tables: u32,
    pub imported_memories: u32,
    pub imported_globals: u32,
    pub imported_tags: u32,
    pub globals: u32,
    pub memories: u32,
    pub tables: u32,
    pub tags: u32,
    pub funcrefs: u32,
    pub signature_ids: u32,
    /// The size of the whole, a multiple of 16.
    pub bytes: u32,
}

/// The size of a pointer on every target.
pub const POINTER_BYTES: u32 = 8;

impl VmLayout {
    /// The layout of the vmctx of modules of this shape.
    ///
    /// # Panics
    /// If it would exceed 4 GiB; the implementation limits on modules keep it far below.
    pub fn new(shape: VmShape) -> VmLayout {
        let mut next = u32::try_from(size_of::<VmContextHeader>()).expect("a small record");
        let mut place = |count: u32, bytes: usize, align: u32| {
            next = next.next_multiple_of(align);
            let offset = next;
            let size = count.checked_mul(bytes as u32).expect("a vmctx is smaller than 4 GiB");
            next = next.checked_add(size).expect("a vmctx is smaller than 4 GiB");
            offset
        };
        let mut layout = VmLayout {
            shape,
            imported_functions: place(shape.imported_functions, size_of::<VmFunctionImport>(), 16),
            imported_tables: place(shape.imported_tables, size_of::<usize>(), 8),
            imported_memories: place(shape.imported_memories, size_of::<usize>(), 8),
            imported_globals: place(shape.imported_globals, size_of::<usize>(), 8),
            imported_tags: place(shape.imported_tags, size_of::<usize>(), 8),
            globals: place(shape.globals, size_of::<VmGlobal>(), 16),
            memories: place(shape.memories, size_of::<VmMemory>(), 16),
            tables: place(shape.tables, size_of::<VmTable>(), 16),
            tags: place(shape.tags, size_of::<usize>(), 8),
            funcrefs: place(shape.funcrefs, size_of::<VmFuncRef>(), 16),
            signature_ids: place(shape.signatures, size_of::<u32>(), 4),
            bytes: 0,
        };
        layout.bytes = next.next_multiple_of(16);
        layout
    }

    /// The [`VmFunctionImport`] of an imported function.
    pub fn imported_function(&self, index: FuncIndex) -> u32 {
        debug_assert!(index.0 < self.shape.imported_functions);
        self.imported_functions + index.0 * size_of::<VmFunctionImport>() as u32
    }

    /// The [`VmGlobal`] itself of a defined global, or the pointer to it of an imported one.
    pub fn global(&self, index: GlobalIndex) -> Place {
        self.place(
            index.0,
            self.shape.imported_globals,
            self.imported_globals,
            self.globals,
            size_of::<VmGlobal>(),
        )
    }

    /// The [`VmMemory`] itself of a defined memory, or the pointer to it of an imported or shared one.
    pub fn memory(&self, index: MemoryIndex, shared: bool) -> Place {
        let place = self.place(
            index.0,
            self.shape.imported_memories,
            self.imported_memories,
            self.memories,
            size_of::<VmMemory>(),
        );
        match place {
            // Other threads see its size change, so all who use the memory look at one record.
            Place::Record(offset) if shared => Place::Pointer(offset),
            place => place,
        }
    }

    /// The [`VmTable`] itself of a defined table, or the pointer to it of an imported one.
    pub fn table(&self, index: TableIndex) -> Place {
        self.place(
            index.0,
            self.shape.imported_tables,
            self.imported_tables,
            self.tables,
            size_of::<VmTable>(),
        )
    }

    /// The [`VmFuncRef`] of a function that may be referred to.
    pub fn funcref(&self, index: FuncRefIndex) -> u32 {
        debug_assert!(index.0 < self.shape.funcrefs);
        self.funcrefs + index.0 * size_of::<VmFuncRef>() as u32
    }

    /// The process-wide number of a signature of the module.
    pub fn signature_id(&self, index: SignatureIndex) -> u32 {
        debug_assert!(index.0 < self.shape.signatures);
        self.signature_ids + index.0 * size_of::<u32>() as u32
    }

    fn place(&self, index: u32, imports: u32, pointers: u32, records: u32, bytes: usize) -> Place {
        match index.checked_sub(imports) {
            Some(defined) => Place::Record(records + defined * bytes as u32),
            None => Place::Pointer(pointers + index * POINTER_BYTES),
        }
    }
}

/// Where in a vmctx something is found that may be imported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// The record itself lies at this offset.
    Record(u32),
    /// A pointer to the record lies at this offset.
    Pointer(u32),
}

// The offsets that compiled code uses, pinned down: changing one changes the ABI version.
const _: () = {
    assert!(size_of::<usize>() == 8, "only 64-bit targets are supported");
    assert!(offset_of!(VmContextHeader, magic) == 0);
    assert!(offset_of!(VmContextHeader, store) == 8);
    assert!(offset_of!(VmContextHeader, builtins) == 16);
    assert!(size_of::<VmContextHeader>() == 32);
    assert!(offset_of!(VmStoreContext, stack_limit) == 0);
    assert!(offset_of!(VmStoreContext, fuel) == 8);
    assert!(offset_of!(VmStoreContext, epoch_deadline) == 16);
    assert!(offset_of!(VmStoreContext, epoch) == 24);
    assert!(offset_of!(VmStoreContext, exit_fp) == 32);
    assert!(offset_of!(VmStoreContext, exit_pc) == 40);
    assert!(offset_of!(VmStoreContext, entry_fp) == 48);
    assert!(offset_of!(VmStoreContext, entry_sp) == 56);
    assert!(offset_of!(VmStoreContext, entry_handler) == 64);
    assert!(offset_of!(VmFunctionImport, code) == 0);
    assert!(offset_of!(VmFunctionImport, vmctx) == 8);
    assert!(offset_of!(VmFuncRef, code) == 0);
    assert!(offset_of!(VmFuncRef, vmctx) == 8);
    assert!(offset_of!(VmFuncRef, entry) == 16);
    assert!(offset_of!(VmFuncRef, signature_id) == 24);
    assert!(size_of::<VmFuncRef>() == 32);
    assert!(offset_of!(VmMemory, base) == 0);
    assert!(offset_of!(VmMemory, bytes) == 8);
    assert!(size_of::<VmMemory>() == 16);
    assert!(offset_of!(VmTable, base) == 0);
    assert!(offset_of!(VmTable, elements) == 8);
    assert!(size_of::<VmTable>() == 16);
    assert!(offset_of!(VmHostContext, entry) == 32);
    assert!(offset_of!(VmHostContext, typed_entry) == 48);
    assert!(size_of::<ValRaw>() == 16);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_overlap_and_are_aligned() {
        let shape = VmShape {
            imported_functions: 3,
            imported_tables: 1,
            imported_memories: 2,
            imported_globals: 5,
            imported_tags: 1,
            tables: 2,
            memories: 1,
            globals: 7,
            tags: 3,
            funcrefs: 4,
            signatures: 9,
        };
        let layout = VmLayout::new(shape);
        let parts = [
            (0, 32, 1),
            (layout.imported_functions, 16, shape.imported_functions),
            (layout.imported_tables, 8, shape.imported_tables),
            (layout.imported_memories, 8, shape.imported_memories),
            (layout.imported_globals, 8, shape.imported_globals),
            (layout.imported_tags, 8, shape.imported_tags),
            (layout.globals, 16, shape.globals),
            (layout.memories, 16, shape.memories),
            (layout.tables, 16, shape.tables),
            (layout.tags, 8, shape.tags),
            (layout.funcrefs, 32, shape.funcrefs),
            (layout.signature_ids, 4, shape.signatures),
        ];
        for pair in parts.windows(2) {
            let (offset, bytes, count) = pair[0];
            assert!(offset + bytes * count <= pair[1].0, "{pair:?}");
        }
        assert_eq!(layout.globals % 16, 0);
        assert_eq!(layout.bytes % 16, 0);
        assert!(layout.signature_ids + 4 * shape.signatures <= layout.bytes);
        assert_eq!(layout.global(GlobalIndex(4)), Place::Pointer(layout.imported_globals + 32));
        assert_eq!(layout.global(GlobalIndex(6)), Place::Record(layout.globals + 16));
    }
}
