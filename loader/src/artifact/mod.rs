//! A file or bytes to a loaded, checked library.
//!
//! In: a path or bytes, and the engine's settings. Out: [`Code`]. The system's loader sees only what has passed every
//! check, so nothing of a foreign file ever runs, and nothing stays loaded when a check fails.
//!
//! Always true: what is in memory is what was checked, not another file that had the same path earlier; and the cost does
//! not depend on the number of functions.

/// What can be wrong with an artifact.
mod error;
/// The native file that an artifact is.
mod container;
/// What this machine's processor has.
mod cpu;
/// Whether an artifact can run here, and with these settings.
mod check;

use std::any::Any;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;

use anyhow::{Context, Result};
use wootz_runtime::abi::artifact::{CELL_BYTES, Descriptor, Span, Tables};
use wootz_runtime::abi::compat::Compatibility;
use wootz_runtime::abi::manifest::Manifest;
use wootz_runtime::vm::code::{Code, CodeError, ImageFile, Parts};
use wootz_runtime::vm::debug_cell::DebugCell;
use wootz_runtime::vm::mmap::{ExecutablePages, Mapping};
use wootz_runtime::vm::sys::{self, Library, TemporaryLibrary};
use wootz_runtime::vm::trap;

use crate::config::{Config, ProfilingStrategy};
use crate::profiling;
use container::{Container, DESCRIPTOR_SYMBOL};
pub use error::ArtifactError;

/// Loads the artifact in a file. Also returns the file that is loaded now, or a copy of it in memory.
///
/// # Safety
/// Wootz has compiled it, and nobody changes it in place while it is loaded.
pub unsafe fn load_file(path: &Path, config: &Config) -> Result<(Code, Arc<File>)> {
    let open = || -> Result<(File, Mapping, PathBuf), ArtifactError> {
        let unreadable = |error| ArtifactError::Io { path: path.to_path_buf(), error };
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(unreadable(io::ErrorKind::IsADirectory.into()));
        }
        let contents = Mapping::of_file(&file, metadata.len() as usize).map_err(unreadable)?;
        Ok((file, contents, path.canonicalize().map_err(unreadable)?))
    };
    let describe = || format!("failed to load module from `{}`", path.display());
    let (file, contents, library_path) = open().with_context(describe)?;
    // SAFETY: the file is mapped, and the caller promises that nobody changes it.
    let bytes = unsafe { contents.contents() };
    let file = Arc::new(file);
    let load = || {
        let found = inspect(bytes, config)?;
        let source = Source { file, path: library_path, owner: Box::new(()) };
        // SAFETY: the file is an artifact, as far as can be checked, and the caller vouches for the rest.
        unsafe { load_found(found, bytes, source, config) }
    };
    load().with_context(describe)
}

/// Checks everything that can be checked without loading.
pub fn check_bytes(bytes: &[u8], config: &Config) -> Result<()> {
    Ok(inspect(bytes, config).map(drop)?)
}

/// Checks that code for a target can run on this machine.
#[cfg(feature = "compiler")]
pub fn check_target(triple: &str) -> Result<(), ArtifactError> {
    check::target(triple)
}

/// The features of this machine's processor.
pub fn processor_features() -> impl Iterator<Item = &'static str> {
    cpu::features()
}

/// Loads an artifact from its bytes, of which a copy in a file is all that stays.
///
/// # Safety
/// Wootz has compiled it.
pub unsafe fn load_bytes(bytes: &[u8], config: &Config) -> Result<(Code, Arc<File>)> {
    let found = inspect(bytes, config)?;
    // SAFETY: it is an artifact, as far as can be checked, and the caller vouches for the rest.
    unsafe { load_copy(found, bytes, config) }
}

/// Loads the artifact in an open file.
///
/// # Safety
/// As [`load_file`].
pub unsafe fn load_open_file(file: File, config: &Config) -> Result<(Code, Arc<File>)> {
    let contents = || Mapping::of_file(&file, file.metadata()?.len() as usize);
    let contents = contents().context("failed to read the file of a module")?;
    // SAFETY: the file is mapped, and the caller promises that nobody changes it.
    let bytes = unsafe { contents.contents() };
    let found = inspect(bytes, config)?;
    let path = sys::path_of(&file).context("the file of a module has no path")?;
    let source = Source { file: Arc::new(file), path, owner: Box::new(()) };
    // SAFETY: as above.
    unsafe { load_found(found, bytes, source, config) }
}

/// Loads an artifact from the file that has these bytes; or from a copy, where the library that the system has for it is another one,
/// or somebody else's.
///
/// # Safety
/// As [`load_file`].
unsafe fn load_found(
    found: Found,
    bytes: &[u8],
    source: Source,
    config: &Config,
) -> Result<(Code, Arc<File>)> {
    // SAFETY: the caller's promise, here and below.
    match unsafe { load_open(found, bytes, source, config) }? {
        Ok(loaded) => Ok(loaded),
        // SAFETY: as above.
        Err(found) => unsafe { load_copy(found, bytes, config) },
    }
}

/// Loads an artifact where it lies in memory.
///
/// # Safety
/// Wootz has compiled it. The memory is readable and writable, and nobody else uses it as long as the code is alive.
pub unsafe fn load_in_place(memory: NonNull<[u8]>, config: &Config) -> Result<Code> {
    let start = memory.cast::<u8>();
    let page_bytes = sys::page_bytes();
    if !start.addr().get().is_multiple_of(page_bytes) {
        let address = start.addr().get();
        return Err(ArtifactError::Misaligned { address, page_bytes }.into());
    }
    // SAFETY: the caller lends the memory.
    let bytes: &[u8] = unsafe { memory.as_ref() };
    let mut found = inspect(bytes, config)?;
    // Debuggers know nothing of code that no library has, and the file need not have room for their cell.
    found.debug_cell = None;
    let pages = found.in_place(bytes.len(), page_bytes)?;
    // SAFETY: inside of the memory, which the caller lends.
    let pages = unsafe { ExecutablePages::new(start.add(pages.start), pages.len()) }
        .map_err(|error| ArtifactError::Refused { message: error.to_string() })?;
    let image_file = match config.memory_init_cow {
        true => ImageFile::MadeOnDemand,
        false => ImageFile::None,
    };
    // SAFETY: every part is where the descriptor has it, as was just checked; the caller vouches for the rest.
    unsafe {
        let descriptor = start.add(found.metadata.start);
        if !found.receive_traps(descriptor) {
            return Err(ArtifactError::NotInPlace { part: "trap cell" }.into());
        }
        Ok(found.code(descriptor, Box::new(pages), image_file)?)
    }
}

/// Takes an artifact into use that is part of the program, or of a library that somebody else has loaded.
///
/// # Safety
/// Wootz has compiled what this is the descriptor of, and it stays where it is.
pub unsafe fn load_static(descriptor: NonNull<u8>, config: &Config) -> Result<Code, ArtifactError> {
    const HEAD_BYTES: usize = size_of::<Descriptor>();
    if !descriptor.cast::<Descriptor>().is_aligned() {
        return Err(ArtifactError::Corrupted { part: "descriptor" });
    }
    // SAFETY: the caller says that there is a descriptor.
    let head = unsafe { std::slice::from_raw_parts(descriptor.as_ptr(), HEAD_BYTES) };
    let metadata_bytes = Tables::metadata_bytes(head).map_err(ArtifactError::from_metadata)?;
    // SAFETY: as above, and it says so itself.
    let metadata = unsafe { std::slice::from_raw_parts(descriptor.as_ptr(), metadata_bytes) };
    let tables = Tables::new(metadata).map_err(ArtifactError::from_metadata)?;
    let decoded = check_needs(&tables, config)?;
    let Cells { debug: debug_cell, trap: trap_cell } = Cells::of(&tables);
    // Whether it is writable nobody can tell, but what is read is not.
    for (cell, part) in [(debug_cell, "debug cell"), (trap_cell, "trap cell")] {
        if cell.is_some_and(|cell| (0..metadata_bytes as i64).contains(&cell.offset.into())) {
            return Err(ArtifactError::Corrupted { part });
        }
    }
    let found = Found {
        decoded,
        metadata: 0..metadata_bytes,
        text: tables.descriptor().text,
        images: tables.descriptor().image,
        debug_cell,
        trap_cell,
        text_file_offset: 0,
        images_file_offset: None,
        trap_cell_file_offset: None,
    };
    // SAFETY: the caller says that it is an artifact.
    if !unsafe { found.receive_traps(descriptor) } {
        let message = "its traps go to another copy of Wootz in this process".to_string();
        return Err(ArtifactError::Refused { message });
    }
    let image_file = match config.memory_init_cow {
        true => ImageFile::MadeOnDemand,
        false => ImageFile::None,
    };
    // SAFETY: the caller's promise; there is nothing to keep loaded.
    unsafe { found.code(descriptor, Box::new(()), image_file) }
}

/// The first bytes of a file that [`load_file`] or [`load_bytes`] has returned.
pub fn contents(file: &File, bytes: usize) -> Result<Vec<u8>> {
    let contents = Mapping::of_file(file, bytes).context("failed to read the file of a module")?;
    // SAFETY: whoever has loaded the file promised that nobody changes it.
    Ok(unsafe { contents.contents() }.to_vec())
}

/// The bytes of an artifact that was loaded where it lies, as they were before.
///
/// # Safety
/// This is its code, and nobody runs it to change what is there.
pub unsafe fn contents_in_place(memory: NonNull<[u8]>, code: &Code) -> Vec<u8> {
    // SAFETY: but for the cells it stays as it is as long as the code lives, and code can be read.
    let mut bytes = unsafe { memory.as_ref() }.to_vec();
    let descriptor = code.tables().bytes().as_ptr().addr() - memory.cast::<u8>().addr().get();
    if let Some(cell) = Cells::of(code.tables()).trap {
        let cell = descriptor.wrapping_add_signed(cell.offset as isize);
        bytes[cell..cell + CELL_BYTES as usize].fill(0);
    }
    bytes
}

/// Loads an artifact by way of a file in memory, or a file for profilers.
unsafe fn load_copy(found: Found, bytes: &[u8], config: &Config) -> Result<(Code, Arc<File>)> {
    let refused = |message| ArtifactError::Refused { message };
    let not_made = |error: io::Error| refused(error.to_string());
    let source = match config.profiler {
        ProfilingStrategy::JitDump | ProfilingStrategy::VTune => {
            let (file, path) = profiling::library_file(found.decoded.1.name.as_deref(), bytes)?;
            Source { file: Arc::new(file), path, owner: Box::new(()) }
        }
        ProfilingStrategy::None | ProfilingStrategy::PerfMap => {
            let library = TemporaryLibrary::new(bytes).map_err(not_made)?;
            let (file, path) = (library.file().clone(), library.path().map_err(not_made)?);
            Source { file, path, owner: Box::new(library) }
        }
    };
    // SAFETY: the caller vouches for the artifact.
    let (code, file) = unsafe { load_open(found, bytes, source, config) }?
        .map_err(|_| refused("another library was loaded in its place".to_string()))?;
    if config.profiler == ProfilingStrategy::PerfMap {
        // perf would look for symbols in the file, which it cannot find, and nowhere else.
        // SAFETY: nobody runs the code yet.
        unsafe { sys::make_anonymous(NonNull::from(code.text()).cast(), code.text().len()) }
            .map_err(|error| refused(format!("the code cannot be shown to perf: {error}")))?;
        profiling::list_functions(&code)?;
    }
    Ok((code, file))
}

/// An open file to load a library from.
struct Source {
    file: Arc<File>,
    path: PathBuf,
    /// Who keeps it there.
    owner: Box<dyn Any + Send + Sync>,
}

/// Loads an artifact by way of an open file. Gives back what was found if the system takes another library for it.
unsafe fn load_open(
    found: Found,
    bytes: &[u8],
    Source { file, path, owner }: Source,
    config: &Config,
) -> Result<Result<(Code, Arc<File>), Found>, ArtifactError> {
    let was_loaded = Library::is_open(&path);
    // SAFETY: the caller vouches for the artifact.
    let library =
        unsafe { Library::open(&path) }.map_err(|message| ArtifactError::Refused { message })?;
    let Some(start) = found.in_memory(&library, bytes, was_loaded) else { return Ok(Err(found)) };
    // SAFETY: this is what was checked.
    if !unsafe { found.receive_traps(start) } {
        // Another copy of Wootz has loaded the library for itself.
        return Ok(Err(found));
    }
    // Dropped in this order: first the library, then the file that it came from.
    let library = Box::new((library, file.clone(), owner));
    let images = found.image_file(&file, config);
    // SAFETY: this is what was checked.
    let code = unsafe { found.code(start, library, images) }?;
    Ok(Ok((code, file)))
}

/// Where the parts of a checked artifact are.
struct Found {
    /// What of the metadata has to be decoded.
    decoded: (Compatibility, Manifest),
    /// The metadata in the file.
    metadata: std::ops::Range<usize>,
    /// Code and images, relative to the metadata in memory.
    text: Span,
    images: Span,
    /// Where debuggers look for the running instance, likewise.
    debug_cell: Option<Span>,
    /// Where code looks for where traps go, likewise.
    trap_cell: Option<Span>,
    /// Where in the file the code, the images and the trap cell begin.
    text_file_offset: usize,
    images_file_offset: Option<u64>,
    trap_cell_file_offset: Option<u64>,
}

/// Finds the parts of an artifact, after every check that is possible without loading.
fn inspect(bytes: &[u8], config: &Config) -> Result<Found, ArtifactError> {
    let container = Container::parse(bytes)?;
    let address = container.descriptor;
    let outside = |part| ArtifactError::Corrupted { part };
    let start = container.file_offset(address, 1).ok_or(outside("descriptor"))? as usize;
    let rest = container.bytes_from(address).ok_or(outside("descriptor"))?;
    let tables = Tables::new(rest).map_err(ArtifactError::from_metadata)?;
    let decoded = check_needs(&tables, config)?;
    let descriptor = *tables.descriptor();
    let beside = |span: Span| address.wrapping_add_signed(span.offset.into());
    let text_file_offset = container
        .executable_offset(beside(descriptor.text), descriptor.text.bytes.into())
        .ok_or(outside("code"))? as usize;
    let images = u64::from(descriptor.image.bytes);
    let images_file_offset = match images {
        0 => None,
        bytes => Some(
            container
                .file_offset(beside(descriptor.image), bytes)
                .ok_or(outside("images of memories"))?,
        ),
    };
    let Cells { debug: debug_cell, trap: trap_cell } = Cells::of(&tables);
    let is_fine = |span: Span| {
        let (place, bytes) = (beside(span), u64::from(span.bytes));
        place.is_multiple_of(bytes) && container.is_writable(place, bytes)
    };
    for (cell, part) in [(debug_cell, "debug cell"), (trap_cell, "trap cell")] {
        if !cell.is_none_or(is_fine) {
            return Err(outside(part));
        }
    }
    Ok(Found {
        decoded,
        metadata: start..start + descriptor.metadata_bytes as usize,
        text: descriptor.text,
        images: descriptor.image,
        debug_cell,
        trap_cell,
        text_file_offset,
        images_file_offset,
        trap_cell_file_offset: trap_cell
            .and_then(|cell| container.file_offset(beside(cell), cell.bytes.into())),
    })
}

/// What of an artifact is writable, relative to the descriptor.
struct Cells {
    /// Where debuggers look for the running instance, if they do.
    debug: Option<Span>,
    /// Where code looks for where traps go, if it does.
    trap: Option<Span>,
}

impl Cells {
    fn of(tables: &Tables<'_>) -> Cells {
        let there = |span: Span| Some(span).filter(|span| span.bytes > 0);
        let descriptor = tables.descriptor();
        Cells { debug: there(descriptor.debug_cell), trap: there(descriptor.trap_cell) }
    }
}

/// Checks that what an artifact needs is here. Returns what was decoded for it.
fn check_needs(
    tables: &Tables<'_>,
    config: &Config,
) -> Result<(Compatibility, Manifest), ArtifactError> {
    let (compat, manifest) = tables.decode().map_err(ArtifactError::from_metadata)?;
    check::target(&compat.target)?;
    check::cpu(&compat)?;
    check::settings(&compat.settings, config)?;
    check::memories(&manifest, config)?;
    Ok((compat, manifest))
}

impl Found {
    /// The address of the descriptor in a loaded library, if that is the library that was checked.
    ///
    /// `thoroughly` also compares the code: needed when the library was loaded before, perhaps from another file.
    fn in_memory(&self, library: &Library, file: &[u8], thoroughly: bool) -> Option<NonNull<u8>> {
        let start = library.symbol(DESCRIPTOR_SYMBOL)?;
        let same = |at: isize, expected: &[u8]| {
            // SAFETY: every library with this symbol has a descriptor there; once that is found to be the same, the rest is
            // where it says.
            expected
                == unsafe { std::slice::from_raw_parts(start.as_ptr().offset(at), expected.len()) }
        };
        let metadata = &file[self.metadata.clone()];
        let text = &file[self.text_file_offset..][..self.text.bytes as usize];
        let found = same(0, &metadata[..size_of::<Descriptor>()])
            && (!thoroughly || same(0, metadata) && same(self.text.offset as isize, text));
        found.then_some(start)
    }

    /// Where images of memories are mapped from, if the artifact is in a file.
    fn image_file(&self, file: &Arc<File>, config: &Config) -> ImageFile {
        match self.images_file_offset.filter(|_| config.memory_init_cow) {
            None => ImageFile::None,
            Some(_) if config.force_memory_init_memfd => ImageFile::MadeOnDemand,
            Some(offset) => ImageFile::At(file.clone(), offset),
        }
    }

    /// The pages of the code in the file, if every part lies there as it will lie in memory.
    fn in_place(
        &self,
        file_bytes: usize,
        page_bytes: usize,
    ) -> Result<std::ops::Range<usize>, ArtifactError> {
        let beside = |span: Span| self.metadata.start.checked_add_signed(span.offset as isize);
        let images = self.images_file_offset.map(|offset| offset as usize);
        if images.is_some() && images != beside(self.images) {
            return Err(ArtifactError::NotInPlace { part: "images of memories" });
        }
        let trap_cell = self.trap_cell_file_offset.map(|offset| offset as usize);
        if self.trap_cell.is_some_and(|cell| trap_cell != beside(cell)) {
            return Err(ArtifactError::NotInPlace { part: "trap cell" });
        }
        if self.text.bytes == 0 {
            return Ok(0..0);
        }
        let start = self.text_file_offset;
        let end = (start + self.text.bytes as usize).next_multiple_of(page_bytes);
        let is_there = Some(start) == beside(self.text)
            && start.is_multiple_of(page_bytes)
            && end <= file_bytes;
        if is_there { Ok(start..end) } else { Err(ArtifactError::NotInPlace { part: "code" }) }
    }

    /// Has the traps of the library with this descriptor come to us, as far as they are calls. Returns whether they do.
    ///
    /// # Safety
    /// It is the library that was checked.
    unsafe fn receive_traps(&self, descriptor: NonNull<u8>) -> bool {
        // SAFETY: a checked library has its cell there.
        self.trap_cell
            .is_none_or(|cell| unsafe { trap::receive(descriptor.offset(cell.offset as isize)) })
    }

    /// The code of the loaded library.
    unsafe fn code(
        self,
        start: NonNull<u8>,
        library: Box<dyn Any + Send + Sync>,
        image_file: ImageFile,
    ) -> Result<Code, ArtifactError> {
        let part = |offset: i32, bytes: usize| -> &'static [u8] {
            // SAFETY: the library is the one that was checked, so these parts are mapped; whoever has them keeps the
            // library.
            unsafe { std::slice::from_raw_parts(start.as_ptr().offset(offset as isize), bytes) }
        };
        let images: &'static [u8] = if self.images.bytes == 0 {
            &[]
        } else {
            part(self.images.offset, self.images.bytes as usize)
        };
        // SAFETY: the library is the one that was checked, and whoever has the cell keeps it loaded. The descriptor is aligned to
        // 8 bytes, and so is the distance.
        let debug_cell = self
            .debug_cell
            .map(|span| unsafe { DebugCell::new(start.offset(span.offset as isize)) });
        let parts = Parts {
            metadata: part(0, self.metadata.len()),
            decoded: Some(self.decoded),
            text: part(self.text.offset, self.text.bytes as usize),
            images,
            image_file,
            debug_cell,
            library,
        };
        // SAFETY: the caller vouches for the artifact, and the library stays loaded.
        unsafe { Code::new(parts) }.map_err(|error| match error {
            CodeError::Metadata(error) => ArtifactError::from_metadata(error),
            CodeError::Types(_) => ArtifactError::Corrupted { part: "function types" },
        })
    }
}
