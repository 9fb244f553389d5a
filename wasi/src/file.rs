//! Open files.
//!
//! A file's position is the system's: nothing else in this process has the same open file.

use std::fs::File;
use std::io::{IoSlice, IoSliceMut, Seek, SeekFrom};

use cap_std::fs::Metadata;

use crate::errno::{Errno, Result};
use crate::flags::FdFlags;
use crate::host;
use crate::host::wait::Handle;
use crate::types::{Advice, Filestat, NewTime};

/// A file that a guest has opened.
pub struct OpenFile {
    file: File,
    /// Whether what is known about it may be changed, its times that is. That its contents may not is a matter of rights.
    mutable: bool,
    /// Whether everything is written to its end.
    append: bool,
}

impl OpenFile {
    /// One that was opened.
    pub fn new(file: File, mutable: bool) -> OpenFile {
        OpenFile { file, mutable, append: false }
    }

    /// What to wait for.
    pub fn handle(&self) -> Handle<'_> {
        Handle::of_file(&self.file)
    }

    /// How many bytes there are from its position on. `None` if it has no positions.
    pub fn remaining(&self) -> Option<u64> {
        let metadata = self.file.metadata().ok().filter(|metadata| metadata.is_file())?;
        let position = (&self.file).stream_position().ok()?;
        Some(metadata.len().saturating_sub(position))
    }

    /// Reads from its position on, as much as there is; 0 at the end.
    pub fn read(&mut self, buffers: &mut [IoSliceMut<'_>]) -> Result<usize> {
        Ok(host::file::read(&self.file, buffers)?)
    }

    /// Writes from its position on.
    pub fn write(&mut self, buffers: &[IoSlice<'_>]) -> Result<usize> {
        Ok(host::file::write(&self.file, buffers, self.append)?)
    }

    /// Reads from another position.
    pub fn read_at(&self, buffers: &mut [IoSliceMut<'_>], offset: u64) -> Result<usize> {
        Ok(host::file::read_at(&self.file, buffers, offset)?)
    }

    /// Writes to another position.
    pub fn write_at(&self, buffers: &[IoSlice<'_>], offset: u64) -> Result<usize> {
        Ok(host::file::write_at(&self.file, buffers, offset, self.append)?)
    }

    /// Changes its position, and returns it.
    pub fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        Ok(self.file.seek(to)?)
    }

    /// What is known about it.
    pub fn filestat(&self) -> Result<Filestat> {
        Ok(host::metadata::filestat(&Metadata::from_file(&self.file)?))
    }

    /// Sets the flags that can be set while it is open.
    pub fn set_flags(&mut self, flags: FdFlags) -> Result<()> {
        host::file::set_flags(&self.file, flags)?;
        self.append = flags.contains(FdFlags::APPEND);
        Ok(())
    }

    /// Makes it shorter, or longer by zeros.
    pub fn set_size(&self, size: u64) -> Result<()> {
        // The system's sizes are signed.
        if i64::try_from(size).is_err() {
            return Err(Errno::Inval);
        }
        Ok(self.file.set_len(size)?)
    }

    /// Sets its times.
    pub fn set_times(&self, accessed: Option<NewTime>, modified: Option<NewTime>) -> Result<()> {
        if !self.mutable {
            return Err(Errno::Perm);
        }
        Ok(host::file::set_times(&self.file, accessed, modified)?)
    }

    /// Makes sure that there is room for a part of it.
    pub fn allocate(&self, offset: u64, len: u64) -> Result<()> {
        Ok(host::file::allocate(&self.file, offset, len)?)
    }

    /// Tells the system how a part of it will be used.
    pub fn advise(&self, offset: u64, len: u64, advice: Advice) -> Result<()> {
        Ok(host::file::advise(&self.file, offset, len, advice)?)
    }

    /// Waits until its contents are on the disk and, unless `only_data`, what is known about it too.
    pub fn sync(&self, only_data: bool) -> Result<()> {
        Ok(host::file::sync(&self.file, only_data)?)
    }
}
