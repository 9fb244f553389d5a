//! Loaded modules.
//!
//! In: a file, bytes, or (feature `compiler`) WebAssembly. Out: a [`Module`]: code that any store of the same engine can
//! instantiate, on any thread, any number of times. It stays loaded as long as anything refers to it.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use wootz_runtime::abi::manifest::{ExportItem, ImportType as AbiImportType};
use wootz_runtime::abi::types as abi;
use wootz_runtime::vm::code::Code;

use crate::artifact;
use crate::engine::Engine;
use crate::types::{
    ExportType, ExternType, FuncType, GlobalType, ImportType, MemoryType, TableType, TagType,
};

/// What is in a module.
mod contents;

pub use contents::{ModuleFunction, ResourcesRequired};

/// A loaded module. Cloning it is cheap and gives the same module.
///
/// One that was compiled here, or loaded from bytes, keeps a file in memory open: a program that has thousands of them at a
/// time needs a limit on open files (`ulimit -n`) to match.
///
/// ```
/// # #[cfg(feature = "compiler")] {
/// use wootz::{Engine, ExternType, Module};
///
/// let module = Module::new(&Engine::default(), r#"(module $adder
///     (import "host" "log" (func (param i32)))
///     (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"#)?;
/// assert_eq!(module.name(), Some("adder"));
/// assert_eq!(module.imports().next().unwrap().name(), "log");
/// let Some(ExternType::Func(add)) = module.get_export("add") else { panic!("no function") };
/// assert_eq!((add.params().len(), add.results().len()), (2, 1));
/// # }
/// # Ok::<(), wootz::Error>(())
/// ```
#[derive(Clone)]
pub struct Module {
    inner: Arc<ModuleInner>,
}

/// A module that is part of a program: what its descriptor, the symbol `wootz_module` or `PREFIX_wootz_module`, points to.
/// There are only addresses of it. See [`Module::from_static`].
#[repr(C)]
pub struct StaticModule {
    /// The first bytes of many.
    _descriptor: [u64; 1],
}

struct ModuleInner {
    /// A number that no other module of this process has.
    id: u64,
    engine: Engine,
    code: Arc<Code>,
    /// The positions of the exports in the manifest, in the order of their names.
    exports: Vec<usize>,
    source: Source,
}

/// Where [`Module::serialize`] finds the bytes.
enum Source {
    /// A file that is open. The artifact is this many bytes from its beginning.
    File(Arc<File>, usize),
    /// A file of the user's.
    Path(PathBuf),
    /// Memory of the user's, which stays as it is as long as the module lives.
    Memory(NonNull<[u8]>),
    /// Nowhere: a linker has taken the artifact apart.
    Program,
}

// SAFETY: memory of the user's is only read, and belongs to the module as long as it lives.
unsafe impl Send for Source {}
// SAFETY: as above.
unsafe impl Sync for Source {}

/// An export of a module, found by name once and then used without looking for the name again.
#[derive(Clone, Copy)]
pub struct ModuleExport {
    /// [Its number](ModuleInner::id).
    module: u64,
    pub(crate) position: usize,
}

impl ModuleExport {
    /// Whether it is an export of this module.
    pub(crate) fn is_of(&self, module: &Module) -> bool {
        self.module == module.inner.id
    }
}

impl Module {
    /// Compiles a module (binary or text format) and loads it.
    ///
    /// # Errors
    /// If it is invalid, exceeds a limit, or if the engine's [target](crate::Config::target) is another kind of machine.
    #[cfg(feature = "compiler")]
    pub fn new(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Module> {
        if let Some(target) = &engine.config().target {
            artifact::check_target(target).with_context(|| {
                format!(
                    "the engine compiles for `{target}`, whose code cannot be loaded here: use \
                     `Engine::precompile_module`, and load what it returns on such a machine"
                )
            })?;
        }
        let wasm = wat::parse_bytes(bytes.as_ref())?;
        let compile = || engine.compile(&wasm);
        let Some((cache, key)) = engine.cache(&wasm) else {
            // SAFETY: the compiler has just made it.
            return unsafe { Module::deserialize(engine, compile()?) };
        };
        if let Some(entry) = cache.find(&key)
            // SAFETY: the cache has what the compiler made.
            && let Ok(module) = unsafe { Module::from_cache(engine, &entry.path, &entry.artifact) }
        {
            cache.count(true);
            return Ok(module);
        }
        let artifact = compile()?;
        cache.count(false);
        match cache.insert(&key, &artifact) {
            // SAFETY: as above.
            Some(path) => unsafe { Module::from_cache(engine, &path, &artifact) },
            // SAFETY: the compiler has just made it.
            None => unsafe { Module::deserialize(engine, artifact) },
        }
    }

    /// Loads a file of the cache; or, if the system cannot, or the file was removed by now, the artifact in it.
    #[cfg(feature = "compiler")]
    unsafe fn from_cache(engine: &Engine, path: &Path, artifact: &[u8]) -> Result<Module> {
        // SAFETY: the caller vouches for the file.
        match unsafe { artifact::load_file(path, engine.config()) } {
            Ok((code, file)) => {
                Ok(Module::from_code(engine, code, Source::File(file, artifact.len())))
            }
            // SAFETY: as above.
            Err(_) => unsafe { Module::deserialize(engine, artifact) },
        }
    }

    /// As [`new`](Self::new), for the binary format only.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    #[cfg(feature = "compiler")]
    pub fn from_binary(engine: &Engine, binary: &[u8]) -> Result<Module> {
        if !binary.starts_with(b"\0asm") {
            anyhow::bail!(
                "not a WebAssembly module in binary format: it does not begin with \"\\0asm\""
            );
        }
        Module::new(engine, binary)
    }

    /// As [`new`](Self::new), for what is in a file.
    ///
    /// # Errors
    /// As [`new`](Self::new), and if the file cannot be read.
    #[cfg(feature = "compiler")]
    pub fn from_file(engine: &Engine, file: impl AsRef<Path>) -> Result<Module> {
        let path = file.as_ref();
        let bytes = std::fs::read(path)
            .with_context(|| format!("failed to read input file: {}", path.display()))?;
        Module::new(engine, bytes)
            .with_context(|| format!("failed to compile `{}`", path.display()))
    }

    /// As [`from_file`](Self::from_file) or, if a compiler has made the file, [`deserialize_file`](Self::deserialize_file).
    ///
    /// # Errors
    /// As these.
    ///
    /// # Safety
    /// As [`load`](Self::load), if the file is an artifact.
    #[cfg(feature = "compiler")]
    pub unsafe fn from_trusted_file(engine: &Engine, file: impl AsRef<Path>) -> Result<Module> {
        let path = file.as_ref();
        let found = Engine::detect_precompiled_file(path)
            .with_context(|| format!("failed to read input file: {}", path.display()))?;
        match found {
            // SAFETY: the caller vouches for the file.
            Some(_) => unsafe { Module::deserialize_file(engine, path) },
            None => Module::from_file(engine, path),
        }
    }

    /// Checks a module (binary or text format) as [`new`](Self::new) would.
    ///
    /// # Errors
    /// If it is invalid, or exceeds a limit.
    #[cfg(feature = "compiler")]
    pub fn validate(engine: &Engine, binary: &[u8]) -> Result<()> {
        Ok(wootz_compiler::validate(&wat::parse_bytes(binary)?, engine.compiler_options()?)?)
    }

    /// Checks everything about an artifact that can be checked without loading it: whether it is complete, and fits this
    /// machine and these settings. Nothing of it is run.
    ///
    /// # Errors
    /// An [`ArtifactError`](crate::ArtifactError) says what is wrong.
    pub fn check_precompiled(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<()> {
        artifact::check_bytes(bytes.as_ref(), engine.config())
    }

    /// Loads a shared library that `wootz compile` has made. The same as [`deserialize_file`](Self::deserialize_file).
    ///
    /// # Errors
    /// If the file is anything else, or does not fit this machine or these settings; an
    /// [`ArtifactError`](crate::ArtifactError) says what is wrong.
    ///
    /// # Safety
    /// The file contains machine code that is run as it is: it must come from Wootz, by way of nobody who might have changed
    /// it, and not be overwritten in place while it is loaded.
    pub unsafe fn load(engine: &Engine, path: impl AsRef<Path>) -> Result<Module> {
        let path = path.as_ref();
        // SAFETY: the caller vouches for the file.
        let (code, _) = unsafe { artifact::load_file(path, engine.config()) }?;
        Ok(Module::from_code(engine, code, Source::Path(path.to_path_buf())))
    }

    /// Loads a shared library that `wootz compile` has made.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    ///
    /// # Safety
    /// As [`load`](Self::load).
    pub unsafe fn deserialize_file(engine: &Engine, path: impl AsRef<Path>) -> Result<Module> {
        // SAFETY: the caller vouches for the file.
        unsafe { Module::load(engine, path) }
    }

    /// Loads the bytes of a shared library that [`Engine::precompile_module`] or [`serialize`](Self::serialize) has
    /// given.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    ///
    /// # Safety
    /// As [`load`](Self::load).
    pub unsafe fn deserialize(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Module> {
        let bytes = bytes.as_ref();
        // SAFETY: the caller vouches for the bytes.
        let (code, file) = unsafe { artifact::load_bytes(bytes, engine.config()) }?;
        Ok(Module::from_code(engine, code, Source::File(file, bytes.len())))
    }

    /// As [`deserialize_file`](Self::deserialize_file), for a file that is open already. The module keeps it open.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    ///
    /// # Safety
    /// As [`load`](Self::load).
    pub unsafe fn deserialize_open_file(engine: &Engine, file: File) -> Result<Module> {
        // SAFETY: the caller vouches for the file.
        let (code, file) = unsafe { artifact::load_open_file(file, engine.config()) }?;
        let bytes = file.metadata()?.len() as usize;
        Ok(Module::from_code(engine, code, Source::File(file, bytes)))
    }

    /// As [`deserialize`](Self::deserialize), without copying: the module uses this memory, which must begin with a page.
    /// The pages that hold code become executable; when the last thing that uses the module is gone, they are readable and
    /// writable again.
    ///
    /// Debuggers and unwinders of the system do not see such modules, because there is no file. Everything else is as it is
    /// for other modules.
    ///
    /// # Errors
    /// As [`deserialize`](Self::deserialize); and [`ArtifactError::Misaligned`](crate::ArtifactError::Misaligned) if the
    /// memory does not begin with a page, [`ArtifactError::NotInPlace`](crate::ArtifactError::NotInPlace) if a linker has
    /// arranged the file in a way that cannot be used in place.
    ///
    /// # Safety
    /// As [`deserialize`](Self::deserialize). The memory is readable and writable. Until the module and all stores that
    /// have instances of it are gone, nobody frees it, writes to it, or passes it to this function again.
    pub unsafe fn deserialize_raw(engine: &Engine, memory: NonNull<[u8]>) -> Result<Module> {
        // SAFETY: the caller's promises.
        let code = unsafe { artifact::load_in_place(memory, engine.config()) }?;
        Ok(Module::from_code(engine, code, Source::Memory(memory)))
    }

    /// Takes a module into use that is part of this program: an object that `wootz compile --emit object` has made was linked
    /// into it. The same works for libraries that somebody else has loaded.
    ///
    /// ```no_run
    /// use wootz::{Engine, Module, StaticModule};
    ///
    /// unsafe extern "C" {
    ///     // Made by `wootz compile plugin.wasm --emit object --prefix plugin`.
    ///     static plugin_wootz_module: StaticModule;
    /// }
    ///
    /// let engine = Engine::default();
    /// // SAFETY: the object was linked as Wootz had made it.
    /// let module = unsafe { Module::from_static(&engine, &raw const plugin_wootz_module)? };
    /// # Ok::<(), wootz::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`load`](Self::load).
    ///
    /// # Safety
    /// There is the descriptor of what Wootz has compiled, as a linker has put it together. It stays there until the module
    /// and all stores that have instances of it are gone.
    pub unsafe fn from_static(engine: &Engine, descriptor: *const StaticModule) -> Result<Module> {
        let Some(descriptor) = NonNull::new(descriptor.cast_mut()) else {
            bail!("there is no module at address 0");
        };
        // SAFETY: the caller's promises.
        let code = unsafe { artifact::load_static(descriptor.cast(), engine.config()) };
        let code = code.context("failed to use a module that is part of the program")?;
        Ok(Module::from_code(engine, code, Source::Program))
    }

    fn from_code(engine: &Engine, code: Code, source: Source) -> Module {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let list = &code.manifest().exports;
        let mut exports: Vec<usize> = (0..list.len()).collect();
        exports.sort_by(|&one, &other| list[one].name.cmp(&list[other].name));
        Module {
            inner: Arc::new(ModuleInner {
                id: NEXT.fetch_add(1, Ordering::Relaxed),
                engine: engine.clone(),
                code: Arc::new(code),
                exports,
                source,
            }),
        }
    }

    /// The bytes of the shared library, to be loaded later with [`deserialize`](Self::deserialize).
    ///
    /// # Errors
    /// If it was loaded from a file that cannot be read any more, or is part of the program.
    pub fn serialize(&self) -> Result<Vec<u8>> {
        match &self.inner.source {
            Source::File(file, bytes) => artifact::contents(file, *bytes),
            Source::Memory(memory) => {
                // SAFETY: the module was loaded there, and its code does not change it.
                Ok(unsafe { artifact::contents_in_place(*memory, &self.inner.code) })
            }
            Source::Path(path) => std::fs::read(path).with_context(|| {
                format!("failed to read `{}`, from which the module was loaded", path.display())
            }),
            Source::Program => {
                bail!(
                    "the module is part of the program, so there are no bytes of a shared library"
                )
            }
        }
    }

    /// Its name, from the name section.
    pub fn name(&self) -> Option<&str> {
        self.code().manifest().name.as_deref()
    }

    /// What it imports, in order.
    pub fn imports(&self) -> impl ExactSizeIterator<Item = ImportType<'_>> {
        self.code().manifest().imports.iter().map(|import| ImportType {
            module: &import.module,
            name: &import.name,
            ty: self.import_type(&import.ty),
        })
    }

    /// What it exports, in order.
    pub fn exports(&self) -> impl ExactSizeIterator<Item = ExportType<'_>> {
        self.code()
            .manifest()
            .exports
            .iter()
            .map(|export| ExportType { name: &export.name, ty: self.export_type(export.item) })
    }

    /// The type of the export with this name.
    pub fn get_export(&self, name: &str) -> Option<ExternType> {
        let position = self.export_position(name)?;
        Some(self.export_type(self.code().manifest().exports[position].item))
    }

    /// The export with this name, to be found faster in instances.
    pub fn get_export_index(&self, name: &str) -> Option<ModuleExport> {
        Some(ModuleExport { module: self.inner.id, position: self.export_position(name)? })
    }

    /// Its engine.
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// Its machine code.
    pub fn text(&self) -> &[u8] {
        self.code().text()
    }

    /// The addresses of everything that was loaded: code, tables, images of memories. To be locked in memory, for
    /// instance; not to be changed.
    pub fn image_range(&self) -> Range<*const u8> {
        self.code().image_range()
    }

    /// The contents of its custom sections of this name, in order. Artifacts keep all of them but the name section, which
    /// they have in another form, and those of linkers and debuggers (`reloc.*`, `.debug_*`).
    pub fn custom_sections<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let sections = self.code().manifest().custom_sections.iter();
        sections
            .filter(move |(found, _)| found == name)
            .filter_map(|(_, range)| self.code().tables().data(*range))
    }

    /// Whether two are the same module.
    pub fn same(a: &Module, b: &Module) -> bool {
        Arc::ptr_eq(&a.inner, &b.inner)
    }

    pub(crate) fn code(&self) -> &Arc<Code> {
        &self.inner.code
    }

    pub(crate) fn export_position(&self, name: &str) -> Option<usize> {
        // Most modules have few exports, so this takes less time than a hash of the name.
        let list = &self.code().manifest().exports;
        let by_name = |&position: &usize| list[position].name.as_str().cmp(name);
        let found = self.inner.exports.binary_search_by(by_name).ok()?;
        Some(self.inner.exports[found])
    }

    /// The type of an import.
    pub(crate) fn import_type(&self, ty: &AbiImportType) -> ExternType {
        match *ty {
            AbiImportType::Function(signature) => self.func_type(signature.index()).into(),
            AbiImportType::Table(ty) => self.table_type(ty).into(),
            AbiImportType::Memory(memory) => MemoryType::from_abi(memory.ty).into(),
            AbiImportType::Global(ty) => self.global_type(ty).into(),
            AbiImportType::Tag(signature) => self.tag_type(signature.index()).into(),
        }
    }

    fn export_type(&self, item: ExportItem) -> ExternType {
        let manifest = self.code().manifest();
        let shape = self.code().layout().shape;
        // In every index space the imports come first.
        let imported = |index: u32, wanted: fn(&AbiImportType) -> bool| {
            manifest.imports.iter().filter(|import| wanted(&import.ty)).nth(index as usize)
        };
        let import = match item {
            ExportItem::Function(_, signature, _) => {
                return self.func_type(signature.index()).into();
            }
            ExportItem::Table(index) if index.0 < shape.imported_tables => {
                imported(index.0, |ty| matches!(ty, AbiImportType::Table(_)))
            }
            ExportItem::Table(index) => {
                return self
                    .table_type(manifest.tables[(index.0 - shape.imported_tables) as usize].ty)
                    .into();
            }
            ExportItem::Memory(index) if index.0 < shape.imported_memories => {
                imported(index.0, |ty| matches!(ty, AbiImportType::Memory(_)))
            }
            ExportItem::Memory(index) => {
                let memory = manifest.memories[(index.0 - shape.imported_memories) as usize];
                return MemoryType::from_abi(memory.ty).into();
            }
            ExportItem::Global(index) if index.0 < shape.imported_globals => {
                imported(index.0, |ty| matches!(ty, AbiImportType::Global(_)))
            }
            ExportItem::Global(index) => {
                return self
                    .global_type(manifest.globals[(index.0 - shape.imported_globals) as usize].ty)
                    .into();
            }
            ExportItem::Tag(index) if index.0 < shape.imported_tags => {
                imported(index.0, |ty| matches!(ty, AbiImportType::Tag(_)))
            }
            ExportItem::Tag(index) => {
                let signature = manifest.tags[(index.0 - shape.imported_tags) as usize];
                return self.tag_type(signature.index()).into();
            }
        };
        self.import_type(&import.expect("the shape counts the imports").ty)
    }

    pub(crate) fn func_type(&self, signature: usize) -> FuncType {
        FuncType::from_signature(self.engine(), &self.code().signatures()[signature])
    }

    pub(crate) fn tag_type(&self, signature: usize) -> TagType {
        TagType::new(self.func_type(signature))
    }

    pub(crate) fn table_type(&self, ty: abi::TableType) -> TableType {
        TableType::from_abi(
            self.engine(),
            abi::TableType { element: self.code().resolve_ref(ty.element), ..ty },
        )
    }

    pub(crate) fn global_type(&self, ty: abi::GlobalType) -> GlobalType {
        GlobalType::from_abi(
            self.engine(),
            abi::GlobalType { value: self.code().resolve(ty.value), ..ty },
        )
    }
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Module").field("name", &self.name()).finish_non_exhaustive()
    }
}
