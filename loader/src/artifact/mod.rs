//! A file or bytes to a loaded, checked library.
//!
//! In: a path or bytes, and the engine's settings. Out: [`Code`]. The system's loader sees only what has passed every
//! check, so nothing of a foreign file ever runs, and nothing stays loaded when a check fails.
//!
//! Always true: what is in memory is what was checked, not another file that had the same path earlier; and the cost does
//! not depend on the number of functions.

/// What can be wrong with an artifact.
mod error;
/// The parts of an ELF file that say what it is.
mod elf;
/// What this machine's processor has.
mod cpu;
/// Whether an artifact can run here, and with these settings.
mod check;

use std::any::Any;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;

use anyhow::{Context, Result};
use wootz_runtime::abi::artifact::{Descriptor, Span, Tables};
use wootz_runtime::vm::code::{Code, CodeError, Parts};
use wootz_runtime::vm::mmap::Mapping;
use wootz_runtime::vm::sys::{self, Library};

use crate::config::{Config, ProfilingStrategy};
use crate::profiling;
use elf::Elf;
pub use error::ArtifactError;

/// Loads the artifact in a file. Also returns the file that is loaded now, or a copy of it in memory.
///
/// # Safety
/// Wootz has compiled it, and nobody changes it in place while it is loaded.
pub unsafe fn load_file(path: &Path, config: &Config) -> Result<(Code, Arc<File>)> {
    let open = || -> Result<(File, Mapping, PathBuf), ArtifactError> {
        let io = |error| ArtifactError::Io { path: path.to_path_buf(), error };
        let file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if metadata.is_dir() {
            return Err(io(std::io::ErrorKind::IsADirectory.into()));
        }
        let contents = Mapping::of_file(&file, metadata.len() as usize).map_err(io)?;
        Ok((file, contents, path.canonicalize().map_err(io)?))
    };
    let describe = || format!("failed to load module from `{}`", path.display());
    let (file, contents, library_path) = open().with_context(describe)?;
    // SAFETY: the file is mapped, and the caller promises that nobody changes it.
    let bytes = unsafe { std::slice::from_raw_parts(contents.start().as_ptr(), contents.bytes()) };
    let file = Arc::new(file);
    let load = || {
        let found = inspect(bytes, config)?;
        let was_loaded = Library::is_open(&library_path);
        // SAFETY: the file is an artifact, as far as can be checked, and the caller vouches for the rest.
        let library = unsafe { Library::open(&library_path) }
            .map_err(|message| ArtifactError::Refused { message })?;
        match found.in_memory(&library, bytes, was_loaded) {
            Some(start) => {
                // SAFETY: this is what was checked.
                let code = unsafe { found.code(start, Box::new(library), &file, config) }?;
                Ok((code, file))
            }
            // A library that had this path earlier is still loaded, and the system takes one for the other.
            // SAFETY: as above.
            None => unsafe { load_copy(&found, bytes, config) },
        }
    };
    load().with_context(describe)
}

/// Checks everything that can be checked without loading.
pub fn check_bytes(bytes: &[u8], config: &Config) -> Result<()> {
    Ok(inspect(bytes, config).map(drop)?)
}

/// Loads an artifact from its bytes, of which a copy in a file is all that stays.
///
/// # Safety
/// Wootz has compiled it.
pub unsafe fn load_bytes(bytes: &[u8], config: &Config) -> Result<(Code, Arc<File>)> {
    let found = inspect(bytes, config)?;
    // SAFETY: it is an artifact, as far as can be checked, and the caller vouches for the rest.
    unsafe { load_copy(&found, bytes, config) }
}

/// The first bytes of a file that [`load_file`] or [`load_bytes`] has returned.
pub fn contents(file: &File, bytes: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; bytes];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// Loads an artifact by way of a file in memory, or a file for profilers.
unsafe fn load_copy(found: &Found, bytes: &[u8], config: &Config) -> Result<(Code, Arc<File>)> {
    let refused = |message| ArtifactError::Refused { message };
    let (file, path) = match config.profiler {
        ProfilingStrategy::JitDump | ProfilingStrategy::VTune => {
            profiling::library_file(found.name.as_deref(), bytes)?
        }
        ProfilingStrategy::None | ProfilingStrategy::PerfMap => {
            let file = sys::memory_file(c"wootz-module", bytes)
                .map_err(|error| refused(error.to_string()))?;
            // Named by process, so that debuggers find it too. The descriptor stays open while the library is loaded;
            // otherwise another file would get the same path, and the system would take one for the other.
            let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
            (file, PathBuf::from(path))
        }
    };
    let file = Arc::new(file);
    // SAFETY: the caller vouches for the artifact.
    let library = unsafe { Library::open(&path) }.map_err(refused)?;
    let start = found
        .in_memory(&library, bytes, false)
        .ok_or_else(|| refused("another library was loaded in its place".to_string()))?;
    let is_listed = config.profiler == ProfilingStrategy::PerfMap;
    if is_listed {
        // perf would look for symbols in the file, which it cannot find, and nowhere else.
        // SAFETY: nobody knows of the library yet.
        unsafe {
            let text = NonNull::new_unchecked(start.as_ptr().offset(found.text.offset as isize));
            sys::make_anonymous(text, found.text.bytes as usize)
        }
        .map_err(|error| refused(format!("the code cannot be shown to perf: {error}")))?;
    }
    // Dropped in this order: first the library, then the file that it came from.
    let library = Box::new((library, file.clone()));
    // SAFETY: this is what was checked.
    let code = unsafe { found.code(start, library, &file, config) }?;
    if is_listed {
        profiling::list_functions(&code)?;
    }
    Ok((code, file))
}

/// Where the parts of a checked artifact are.
struct Found {
    /// The module's name.
    name: Option<String>,
    /// The metadata in the file.
    metadata: std::ops::Range<usize>,
    /// Code and images, relative to the metadata in memory.
    text: Span,
    images: Span,
    /// Where in the file the code and the images begin.
    text_file_offset: usize,
    images_file_offset: Option<u64>,
}

/// Finds the parts of an artifact, after every check that is possible without loading.
fn inspect(bytes: &[u8], config: &Config) -> Result<Found, ArtifactError> {
    let elf = Elf::parse(bytes)?;
    let address = elf.descriptor_address()?;
    let outside = |part| ArtifactError::Corrupted { part };
    let start = elf.file_offset(address, 1).ok_or(outside("descriptor"))? as usize;
    let rest = elf.bytes_from(address).ok_or(outside("descriptor"))?;
    let tables = Tables::new(rest).map_err(ArtifactError::from_metadata)?;
    let (compat, manifest) = tables.decode().map_err(ArtifactError::from_metadata)?;
    check::target(&compat)?;
    check::cpu(&compat)?;
    check::settings(&compat.settings, config)?;
    check::contents(&manifest)?;
    let descriptor = *tables.descriptor();
    let beside = |span: Span| address.wrapping_add_signed(span.offset.into());
    let text_file_offset = elf
        .executable_offset(beside(descriptor.text), descriptor.text.bytes.into())
        .ok_or(outside("code"))? as usize;
    let images = u64::from(descriptor.image.bytes);
    let images_file_offset = match images {
        0 => None,
        bytes => Some(
            elf.file_offset(beside(descriptor.image), bytes)
                .ok_or(outside("images of memories"))?,
        ),
    };
    Ok(Found {
        name: manifest.name,
        metadata: start..start + descriptor.metadata_bytes as usize,
        text: descriptor.text,
        images: descriptor.image,
        text_file_offset,
        images_file_offset,
    })
}

impl Found {
    /// The address of the descriptor in a loaded library, if that is the library that was checked.
    ///
    /// `thoroughly` also compares the code: needed when the library was loaded before, perhaps from another file.
    fn in_memory(&self, library: &Library, file: &[u8], thoroughly: bool) -> Option<NonNull<u8>> {
        let start = library.symbol(elf::DESCRIPTOR_SYMBOL)?;
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

    /// The code of the loaded library.
    unsafe fn code(
        &self,
        start: NonNull<u8>,
        library: Box<dyn Any + Send + Sync>,
        file: &Arc<File>,
        config: &Config,
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
        let images_offset = self.images_file_offset.filter(|_| config.memory_init_cow);
        let parts = Parts {
            metadata: part(0, self.metadata.len()),
            text: part(self.text.offset, self.text.bytes as usize),
            images,
            image_file: images_offset.map(|offset| (file.clone(), offset)),
            library,
        };
        // SAFETY: the caller vouches for the artifact, and the library stays loaded.
        unsafe { Code::new(parts) }.map_err(|error| match error {
            CodeError::Metadata(error) => ArtifactError::from_metadata(error),
            CodeError::Types(_) => ArtifactError::Corrupted { part: "function types" },
        })
    }
}
