//! Loaded modules, and the process-wide index from program counters to them.
//!
//! In: an artifact's metadata, mapped by the system's loader. Out: [`Code`], which keeps it loaded, and [`find`], which
//! answers for any address whether it is compiled code, and whose.
//!
//! Always true: [`find`] neither allocates nor locks, and may be called in a signal handler at any time, also while other
//! threads load and unload modules. What it returns for the address of code that is being executed stays valid as long as
//! that code does, because whoever executes it keeps its [`Code`] alive.

use std::any::Any;
use std::ffi::c_void;
use std::fmt;
use std::fs::File;
use std::io;
use std::mem::offset_of;
use std::ops::Range;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::abi::artifact::{MetadataError, NO_CODE, Tables};
use crate::abi::compat::Compatibility;
use crate::abi::index::{MemoryIndex, SignatureIndex};
use crate::abi::manifest::{ImportType, Manifest};
use crate::abi::types::{GlobalType, RefKind, RefType, ValType};
use crate::abi::vmctx::{EntryTrampoline, VmLayout};

use super::debug_cell::DebugCell;
use super::memory::Image;
use super::signature::{ModuleTypes, Signature, UnresolvedTypes};
use super::sys;

/// A loaded module.
pub struct Code {
    tables: Tables<'static>,
    compat: Compatibility,
    manifest: Manifest,
    layout: VmLayout,
    /// Looked up when somebody asks for them, if that cannot fail.
    types: OnceLock<ModuleTypes>,
    text: &'static [u8],
    images: &'static [u8],
    /// Where debuggers look for the running instance, if the artifact has debug information.
    debug_cell: Option<DebugCell>,
    /// Where images are mapped from, once that is known.
    image_file: OnceLock<Option<(Arc<File>, u64)>>,
    view: Box<ModuleView>,
    /// What its instances have left for later ones. Only they know what it is.
    leftovers: OnceLock<Box<dyn Any + Send + Sync>>,
    /// Unloads everything above when it is dropped. The last field, because it is dropped last.
    _library: Box<dyn Any + Send + Sync>,
}

/// What a module is made of, after it was loaded and checked.
pub struct Parts {
    /// The metadata, as it lies in memory.
    pub metadata: &'static [u8],
    /// What of it has to be decoded, if that has been done.
    pub decoded: Option<(Compatibility, Manifest)>,
    /// The code.
    pub text: &'static [u8],
    /// The images of memories.
    pub images: &'static [u8],
    /// Where images are mapped from.
    pub image_file: ImageFile,
    /// Where debuggers look for the running instance, if they do.
    pub debug_cell: Option<DebugCell>,
    /// Keeps all of this loaded.
    pub library: Box<dyn Any + Send + Sync>,
}

/// Where images of memories are mapped from.
#[derive(Debug)]
pub enum ImageFile {
    /// Nowhere: they are copied.
    None,
    /// A file that has them at this offset.
    At(Arc<File>, u64),
    /// A file in memory, made when the first of them is needed.
    MadeOnDemand,
}

/// Why a loaded artifact is not usable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CodeError {
    /// Its metadata cannot be read.
    Metadata(MetadataError),
    /// Its types cannot be resolved.
    Types(UnresolvedTypes),
}

impl Code {
    /// Takes a loaded artifact into use.
    ///
    /// # Errors
    /// If its metadata cannot be read.
    ///
    /// # Safety
    /// The parts, what was decoded among them, belong to one artifact that a compiler with this ABI version made, and stay as they are as long as
    /// `library` is alive.
    pub unsafe fn new(parts: Parts) -> Result<Code, CodeError> {
        let tables = Tables::new(parts.metadata).map_err(CodeError::Metadata)?;
        let (compat, manifest) = match parts.decoded {
            Some(decoded) => decoded,
            None => tables.decode().map_err(CodeError::Metadata)?,
        };
        let types = match ModuleTypes::are_plain(&manifest) {
            true => OnceLock::new(),
            false => OnceLock::from(ModuleTypes::of(&manifest).map_err(CodeError::Types)?),
        };
        let layout = VmLayout::new(manifest.shape());
        let view = Box::new(ModuleView::new(&tables, &manifest, &layout));
        if !parts.text.is_empty() {
            register(Entry {
                start: parts.text.as_ptr() as usize,
                bytes: parts.text.len(),
                view: &*view,
                tables,
            });
        }
        Ok(Code {
            tables,
            compat,
            manifest,
            layout,
            types,
            text: parts.text,
            images: parts.images,
            debug_cell: parts.debug_cell,
            image_file: match parts.image_file {
                _ if !sys::MAPS_FILES_OVER => OnceLock::from(None),
                ImageFile::None => OnceLock::from(None),
                ImageFile::At(file, offset) => OnceLock::from(Some((file, offset))),
                ImageFile::MadeOnDemand if parts.images.is_empty() => OnceLock::from(None),
                ImageFile::MadeOnDemand => OnceLock::new(),
            },
            view,
            leftovers: OnceLock::new(),
            _library: parts.library,
        })
    }

    /// Its tables.
    pub fn tables(&self) -> &Tables<'static> {
        &self.tables
    }

    /// What it needs of its host.
    pub fn compat(&self) -> &Compatibility {
        &self.compat
    }

    /// What it imports, exports and needs.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The layout of its instances' vmctx.
    pub fn layout(&self) -> &VmLayout {
        &self.layout
    }

    /// What debuggers see of it.
    pub fn view(&self) -> &ModuleView {
        &self.view
    }

    /// What its instances have left for later ones: of one type, and an empty one at first.
    pub fn leftovers<T: Any + Send + Sync>(&self, empty: impl FnOnce() -> T) -> &T {
        let leftovers = self.leftovers.get_or_init(|| Box::new(empty()));
        leftovers.downcast_ref().expect("instances leave one type of things")
    }

    /// Its code.
    pub fn text(&self) -> &[u8] {
        self.text
    }

    /// Where debuggers look for the running instance, if they do.
    pub fn debug_cell(&self) -> Option<DebugCell> {
        self.debug_cell
    }

    /// Its signatures, by [`SignatureIndex`].
    pub fn signatures(&self) -> &[Signature] {
        &self.types().signatures
    }

    /// The module's types with process-wide numbers for what it defines.
    pub fn resolve(&self, ty: ValType) -> ValType {
        match ty {
            ValType::Ref(ty) => ValType::Ref(self.resolve_ref(ty)),
            ty => ty,
        }
    }

    /// As [`resolve`](Self::resolve), for references.
    pub fn resolve_ref(&self, ty: RefType) -> RefType {
        RefType { heap: self.types().resolve(ty.heap), ..ty }
    }

    fn types(&self) -> &ModuleTypes {
        self.types.get_or_init(|| {
            ModuleTypes::of(&self.manifest).expect("types that mention no others are always there")
        })
    }

    /// The address of code at this offset; `None` for [`NO_CODE`] and outside of the code.
    pub fn address(&self, code_offset: u32) -> Option<NonNull<c_void>> {
        let inside = code_offset != NO_CODE && (code_offset as usize) < self.text.len();
        inside.then(|| NonNull::from(&self.text[code_offset as usize]).cast())
    }

    /// The entry trampoline of a signature, if it has one.
    pub fn entry_trampoline(&self, index: SignatureIndex) -> Option<EntryTrampoline> {
        let address = self.address(self.tables.signature(index)?.entry)?;
        // SAFETY: the artifact says that there is an entry trampoline, and whoever loaded it vouches for the artifact.
        Some(unsafe { std::mem::transmute::<*mut c_void, EntryTrampoline>(address.as_ptr()) })
    }

    /// The exit trampoline of a signature, if it has one.
    pub fn exit_trampoline(&self, index: SignatureIndex) -> Option<NonNull<c_void>> {
        self.address(self.tables.signature(index)?.exit)
    }

    /// The file that images are mapped from, and where in it they begin; `None` if they are copied. Made now, if it was
    /// still to be made.
    ///
    /// # Errors
    /// The system's, if it refuses the file.
    pub fn image_file(&self) -> io::Result<Option<&(Arc<File>, u64)>> {
        if let Some(known) = self.image_file.get() {
            return Ok(known.as_ref());
        }
        let file = sys::memory_file(c"wootz-images", self.images)?;
        Ok(self.image_file.get_or_init(|| Some((Arc::new(file), 0))).as_ref())
    }

    /// The addresses of everything that was loaded: code, metadata, images.
    pub fn image_range(&self) -> Range<*const u8> {
        let parts = [self.tables.bytes(), self.text, self.images].map(<[u8]>::as_ptr_range);
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        let all = parts.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end));
        all.expect("there is always metadata")
    }

    /// The images that a memory starts with. Those that the artifact does not have are left out.
    pub fn images(&self, memory: MemoryIndex) -> impl Iterator<Item = Image<'_>> + Clone {
        let images = self.manifest.images.iter().filter(move |image| image.memory == memory);
        images.filter_map(|image| {
            let start = image.image.offset as usize;
            let bytes = self.images.get(start..)?.get(..image.image.bytes as usize)?;
            // Without a file they can still be copied.
            let file = self.image_file().ok().flatten();
            let file = file.map(|(file, offset)| (&**file, offset + u64::from(image.image.offset)));
            Some(Image { offset: usize::try_from(image.offset).ok()?, bytes, file })
        })
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        if !self.text.is_empty() {
            unregister(self.text.as_ptr() as usize);
        }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Code")
            .field("name", &self.manifest.name)
            .field("text", &self.text.as_ptr_range())
            .finish()
    }
}

impl fmt::Display for CodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CodeError::Metadata(error) => error.fmt(f),
            CodeError::Types(_) => {
                f.write_str("its function types refer to each other in a circle")
            }
        }
    }
}

impl std::error::Error for CodeError {}

/// A range of compiled code in this process.
#[derive(Clone, Copy)]
pub struct Entry {
    start: usize,
    bytes: usize,
    /// For debuggers. Valid as long as the module is.
    view: *const ModuleView,
    tables: Tables<'static>,
}

// SAFETY: the pointer is not followed.
unsafe impl Send for Entry {}
// SAFETY: as above.
unsafe impl Sync for Entry {}

/// All ranges there are, sorted by start. Never changed once readers can see it: each change makes a new one. A range
/// appears as often as it was registered, since one library may be loaded as several modules.
pub struct Snapshot {
    entries: Vec<Entry>,
    /// Where the entries are, and how many, for debuggers.
    start: *const Entry,
    count: usize,
}

impl Snapshot {
    fn new(entries: Vec<Entry>) -> Snapshot {
        Snapshot { start: entries.as_ptr(), count: entries.len(), entries }
    }
}

/// The present ranges, for debuggers.
pub static RANGES: &AtomicPtr<Snapshot> = &CURRENT;

/// What debuggers see of a module. It is complete when the module's code is registered, and never changes.
pub struct ModuleView {
    metadata: *const u8,
    name: *const u8,
    name_bytes: usize,
    layout: VmLayout,
    memories: *const u8,
    memory_count: usize,
    globals: *const u8,
    global_count: usize,
    /// What the pointers above point to: the name, a byte for each memory, a byte for each global.
    _bytes: Box<[u8]>,
}

// SAFETY: the pointers are not followed.
unsafe impl Send for ModuleView {}
// SAFETY: as above.
unsafe impl Sync for ModuleView {}

/// In a memory's byte of a [`ModuleView`]: the vmctx has a pointer to its record.
pub const MEMORY_BY_POINTER: u8 = 1;
/// In a global's byte of a [`ModuleView`], next to the type's number: it can be set.
pub const GLOBAL_IS_MUTABLE: u8 = 0x80;
/// What the numbers of types mean in a [`ModuleView`].
pub const GLOBAL_TYPES: [&str; 8] =
    ["i32", "i64", "f32", "f64", "v128", "funcref", "externref", "reference"];

impl ModuleView {
    fn new(tables: &Tables<'static>, manifest: &Manifest, layout: &VmLayout) -> ModuleView {
        let (mut memories, mut globals) = (Vec::new(), Vec::new());
        for import in &manifest.imports {
            match &import.ty {
                ImportType::Memory(_) => memories.push(MEMORY_BY_POINTER),
                ImportType::Global(ty) => globals.push(global_byte(ty)),
                _ => {}
            }
        }
        let by_pointer = |shared| if shared { MEMORY_BY_POINTER } else { 0 };
        memories.extend(manifest.memories.iter().map(|memory| by_pointer(memory.ty.shared)));
        globals.extend(manifest.globals.iter().map(|global| global_byte(&global.ty)));
        let name = manifest.name.as_deref().unwrap_or_default().as_bytes();
        let bytes = [name, &memories, &globals].concat().into_boxed_slice();
        let (of_memories, of_globals) = bytes[name.len()..].split_at(memories.len());
        ModuleView {
            metadata: tables.bytes().as_ptr(),
            name: bytes.as_ptr(),
            name_bytes: name.len(),
            layout: *layout,
            memories: of_memories.as_ptr(),
            memory_count: memories.len(),
            globals: of_globals.as_ptr(),
            global_count: globals.len(),
            _bytes: bytes,
        }
    }
}

fn global_byte(ty: &GlobalType) -> u8 {
    let number = match ty.value {
        ValType::I32 => 0,
        ValType::I64 => 1,
        ValType::F32 => 2,
        ValType::F64 => 3,
        ValType::V128 => 4,
        ValType::Ref(ty) => match ty.kind() {
            RefKind::Func => 5,
            RefKind::Extern => 6,
            RefKind::Object => 7,
        },
    };
    if ty.mutable { number | GLOBAL_IS_MUTABLE } else { number }
}

/// Where debuggers find what is in here.
pub const DEBUGGER_LAYOUT: &[(&str, usize)] = &[
    ("Snapshot.start", offset_of!(Snapshot, start)),
    ("Snapshot.count", offset_of!(Snapshot, count)),
    ("Entry", size_of::<Entry>()),
    ("Entry.start", offset_of!(Entry, start)),
    ("Entry.bytes", offset_of!(Entry, bytes)),
    ("Entry.view", offset_of!(Entry, view)),
    ("ModuleView.metadata", offset_of!(ModuleView, metadata)),
    ("ModuleView.name", offset_of!(ModuleView, name)),
    ("ModuleView.name_bytes", offset_of!(ModuleView, name_bytes)),
    ("ModuleView.memories", offset_of!(ModuleView, memories)),
    ("ModuleView.memory_count", offset_of!(ModuleView, memory_count)),
    ("ModuleView.globals", offset_of!(ModuleView, globals)),
    ("ModuleView.global_count", offset_of!(ModuleView, global_count)),
    ("VmLayout.imported_memories", offset_of!(ModuleView, layout.imported_memories)),
    ("VmLayout.imported_globals", offset_of!(ModuleView, layout.imported_globals)),
    ("VmLayout.memories", offset_of!(ModuleView, layout.memories)),
    ("VmLayout.globals", offset_of!(ModuleView, layout.globals)),
    ("VmShape.imported_memories", offset_of!(ModuleView, layout.shape.imported_memories)),
    ("VmShape.imported_globals", offset_of!(ModuleView, layout.shape.imported_globals)),
];

static CURRENT: AtomicPtr<Snapshot> = AtomicPtr::new(ptr::null_mut());
/// How many calls of [`find`] are under way.
static READERS: AtomicUsize = AtomicUsize::new(0);
/// Held by writers. Snapshots that readers may still be looking at.
static RETIRED: Mutex<Vec<RetiredSnapshot>> = Mutex::new(Vec::new());

/// A snapshot that is no longer current; owned.
struct RetiredSnapshot(NonNull<Snapshot>);

// SAFETY: owned, and only ever freed.
unsafe impl Send for RetiredSnapshot {}

/// Whose code this address is: the tables of its module, and the offset in the module's code.
pub fn find(pc: usize) -> Option<(Tables<'static>, u32)> {
    READERS.fetch_add(1, Ordering::SeqCst);
    let snapshot = CURRENT.load(Ordering::SeqCst);
    // SAFETY: a snapshot is freed only when, after it ceased to be current, there was a moment without readers.
    let found = unsafe { snapshot.as_ref() }.and_then(|Snapshot { entries, .. }| {
        let after = entries.partition_point(|entry| entry.start <= pc);
        let entry = entries.get(after.checked_sub(1)?)?;
        let offset = pc - entry.start;
        (offset < entry.bytes).then_some((entry.tables, offset as u32))
    });
    READERS.fetch_sub(1, Ordering::SeqCst);
    found
}

fn register(entry: Entry) {
    change(|entries| {
        let after = entries.partition_point(|other| other.start <= entry.start);
        entries.insert(after, entry);
    });
}

fn unregister(start: usize) {
    change(|entries| {
        if let Some(position) = entries.iter().position(|entry| entry.start == start) {
            entries.remove(position);
        }
    });
}

fn change(edit: impl FnOnce(&mut Vec<Entry>)) {
    let mut retired = RETIRED.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: only writers free snapshots, and this is the only one.
    let present = unsafe { CURRENT.load(Ordering::SeqCst).as_ref() };
    let mut entries = present.map(|it| it.entries.clone()).unwrap_or_default();
    edit(&mut entries);
    let snapshot = Box::into_raw(Box::new(Snapshot::new(entries)));
    let old = CURRENT.swap(snapshot, Ordering::SeqCst);
    retired.extend(NonNull::new(old).map(RetiredSnapshot));
    // Who comes from now on sees the new snapshot. If nobody is reading at this moment, nobody sees an old one; otherwise
    // they are freed at one of the next changes, rather than waiting for a reader that may not be scheduled.
    if READERS.load(Ordering::SeqCst) == 0 {
        for RetiredSnapshot(snapshot) in retired.drain(..) {
            // SAFETY: it came from a box, is no longer current, and nobody reads it.
            drop(unsafe { Box::from_raw(snapshot.as_ptr()) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::artifact::{ByteOrder, FunctionRecord, Metadata};
    use crate::abi::compat::Settings;
    use crate::abi::types::{FuncType, HeapType};

    fn entry(text: &'static [u8]) -> Parts {
        let metadata = Metadata {
            compat: Compatibility {
                target: "test".into(),
                cpu_features: vec![],
                settings: Settings {
                    consume_fuel: false,
                    epoch_interruption: false,
                    signals_based_traps: true,
                    relaxed_simd_deterministic: false,
                    features: vec![],
                },
                compiler: "test".into(),
                wasm_sha256: [0; 32],
            },
            manifest: Manifest { functions: 1, ..Manifest::default() },
            functions: vec![FunctionRecord {
                start: 0,
                bytes: text.len() as u32,
                function: 0,
                wasm_offset: 0,
            }],
            signatures: vec![],
            funcrefs: vec![],
            places: Default::default(),
            inlined_calls: vec![],
            names: vec![String::new()],
            elements: vec![],
            data: vec![],
            stack_maps: vec![],
            source_lines: Default::default(),
            text_bytes: text.len() as u32,
            image_bytes: 0,
            cell: None,
        };
        let order = ByteOrder::NATIVE;
        let metadata = metadata.to_bytes(order).unwrap().leak();
        Parts {
            metadata,
            decoded: None,
            text,
            images: &[],
            image_file: ImageFile::None,
            debug_cell: None,
            library: Box::new(()),
        }
    }

    #[test]
    fn code_is_found_while_it_is_loaded() {
        let text: &'static [u8] = vec![0u8; 100].leak();
        let start = text.as_ptr() as usize;
        assert!(find(start).is_none());
        // SAFETY: no code is called.
        let first = unsafe { Code::new(entry(text)) }.unwrap();
        // SAFETY: as above.
        let second = unsafe { Code::new(entry(text)) }.unwrap();
        assert_eq!(find(start + 99).unwrap().1, 99);
        assert!(find(start + 100).is_none() && find(start.wrapping_sub(1)).is_none());
        drop(first);
        assert!(find(start).is_some(), "the same code is loaded twice");
        drop(second);
        assert!(find(start).is_none());
    }

    #[test]
    fn plain_types_get_their_numbers_when_somebody_asks() {
        let load = |signatures: &[FuncType]| {
            let mut parts = entry(&[]);
            let (compat, manifest) = Tables::new(parts.metadata).unwrap().decode().unwrap();
            parts.decoded =
                Some((compat, Manifest { signatures: signatures.to_vec(), ..manifest }));
            // SAFETY: no code is called.
            unsafe { Code::new(parts) }
        };
        let plain = FuncType { params: [ValType::V128; 9].into(), results: [].into() };
        let code = load(std::slice::from_ref(&plain)).unwrap();
        assert!(code.types.get().is_none());
        assert_eq!(*code.signatures(), [Signature::new(plain.clone())]);

        let mentions = |index| {
            let heap = HeapType::Signature(SignatureIndex(index));
            let reference = ValType::Ref(RefType { nullable: true, heap });
            FuncType { params: [reference].into(), results: [].into() }
        };
        let code = load(&[plain.clone(), mentions(0)]).unwrap();
        assert!(code.types.get().is_some());
        let missing = load(&[plain, mentions(2)]);
        assert!(matches!(missing, Err(CodeError::Types(_))), "what can fail does so at once");
    }

    #[test]
    fn code_is_found_while_other_code_comes_and_goes() {
        let text: &'static [u8] = vec![0u8; 64].leak();
        // SAFETY: no code is called.
        let code = unsafe { Code::new(entry(text)) }.unwrap();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        // SAFETY: as above.
                        drop(unsafe { Code::new(entry(vec![0u8; 16].leak())) }.unwrap());
                    }
                });
                scope.spawn(|| {
                    (0..50_000).for_each(|_| assert!(find(text.as_ptr() as usize + 5).is_some()))
                });
            }
        });
        drop(code);
    }
}
