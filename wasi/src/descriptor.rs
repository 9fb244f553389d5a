//! File descriptors: numbers that stand for what a guest has open, and what it may do with each.
//!
//! Always true: a new descriptor gets the lowest number that is free, and there are never more than the limit. What a
//! descriptor cannot do because of what it stands for is an error of its own (`EISDIR`, `ESPIPE`, ...); what it may not do
//! is `ENOTCAPABLE`.

use crate::directory::Directory;
use crate::errno::{Errno, Result};
use crate::file::OpenFile;
use crate::flags::{FdFlags, Rights};
use crate::host::socket::Socket;
use crate::host::wait::Handle;
use crate::stream::{Input, Output};
use crate::types::{FileType, Filestat};

/// An open descriptor.
pub struct Descriptor {
    /// What it stands for.
    pub kind: Kind,
    /// What may be done with it.
    pub base: Rights,
    /// What may be done with what is opened by way of it, at most.
    pub inheriting: Rights,
    /// How it behaves.
    pub flags: FdFlags,
    /// The name by which the guest knows it, if it is a directory that was opened for the guest.
    pub preopened: Option<String>,
}

/// What a descriptor stands for.
pub enum Kind {
    /// A stream that is read from.
    Input(Input),
    /// A stream that is written to.
    Output(Output),
    /// A file, or a device or pipe that was opened by its name.
    File(OpenFile),
    /// A directory.
    Directory(Directory),
    /// A socket that waits for connections.
    Listener(Socket),
    /// A connection.
    Connection(Socket),
}

impl Descriptor {
    /// With these rights, of which nothing is inherited.
    pub fn new(kind: Kind, base: Rights) -> Descriptor {
        let (inheriting, flags) = (Rights::empty(), FdFlags::empty());
        Descriptor { kind, base, inheriting, flags, preopened: None }
    }

    /// Checks that these rights are there.
    pub fn require(&self, rights: Rights) -> Result<()> {
        if self.base.contains(rights) { Ok(()) } else { Err(Errno::Notcapable) }
    }

    /// The file, for something that only files can do. Other things fail in the way that system calls do.
    pub fn file(&mut self, rights: Rights) -> Result<&mut OpenFile> {
        match self.kind {
            Kind::File(_) => {}
            Kind::Directory(_) => return Err(Errno::Badf),
            Kind::Input(_) | Kind::Output(_) | Kind::Listener(_) | Kind::Connection(_) => {
                return Err(Errno::Spipe);
            }
        }
        self.require(rights)?;
        match &mut self.kind {
            Kind::File(file) => Ok(file),
            _ => Err(Errno::Badf),
        }
    }

    /// The directory.
    pub fn directory(&self, rights: Rights) -> Result<&Directory> {
        let Kind::Directory(directory) = &self.kind else { return Err(Errno::Notdir) };
        self.require(rights)?;
        Ok(directory)
    }

    /// The directory, to be read.
    pub fn directory_mut(&mut self, rights: Rights) -> Result<&mut Directory> {
        self.directory(rights)?;
        match &mut self.kind {
            Kind::Directory(directory) => Ok(directory),
            _ => Err(Errno::Notdir),
        }
    }

    /// What to wait for. `None` if it never waits, as far as is known.
    pub fn handle(&self) -> Option<Handle<'_>> {
        match &self.kind {
            Kind::Input(input) => input.handle(),
            Kind::Output(output) => output.handle(),
            Kind::File(file) => Some(file.handle()),
            Kind::Directory(_) => None,
            Kind::Listener(socket) | Kind::Connection(socket) => Some(socket.handle()),
        }
    }

    /// What is known about what it stands for.
    pub fn filestat(&self) -> Result<Filestat> {
        Ok(match &self.kind {
            Kind::Input(input) => Filestat::of_no_file(input.filetype()),
            Kind::Output(output) => Filestat::of_no_file(output.filetype()),
            Kind::File(file) => file.filestat()?,
            Kind::Directory(directory) => directory.filestat()?,
            Kind::Listener(_) | Kind::Connection(_) => Filestat::of_no_file(FileType::SocketStream),
        })
    }
}

/// How much memory the lists of what is in a guest's directories take, but for the one that was read last.
const MAX_LISTED_BYTES: usize = 64 << 20;

/// The descriptors of a guest.
pub struct Table {
    descriptors: Vec<Option<Descriptor>>,
    limit: usize,
    /// All directories whose entries are known, and perhaps others; the one that was read last at the end.
    listed: Vec<u32>,
}

impl Table {
    /// A table with these descriptors, numbered from 0 on, and room for more up to a limit.
    pub fn new(descriptors: Vec<Descriptor>, limit: usize) -> Table {
        let descriptors = descriptors.into_iter().map(Some).collect();
        Table { descriptors, limit, listed: Vec::new() }
    }

    /// An open descriptor.
    pub fn get(&self, fd: u32) -> Result<&Descriptor> {
        self.descriptors.get(fd as usize).and_then(Option::as_ref).ok_or(Errno::Badf)
    }

    /// An open descriptor, to be used.
    pub fn get_mut(&mut self, fd: u32) -> Result<&mut Descriptor> {
        self.descriptors.get_mut(fd as usize).and_then(Option::as_mut).ok_or(Errno::Badf)
    }

    /// The number that the next descriptor gets. To be asked before something is opened that could not be kept.
    pub fn vacancy(&self) -> Result<u32> {
        let lowest = self.descriptors.iter().position(Option::is_none);
        let lowest = lowest.unwrap_or(self.descriptors.len());
        if lowest >= self.limit {
            return Err(Errno::Mfile);
        }
        u32::try_from(lowest).map_err(|_| Errno::Mfile)
    }

    /// Adds a descriptor, and returns its number.
    pub fn insert(&mut self, descriptor: Descriptor) -> Result<u32> {
        let fd = self.vacancy()?;
        match self.descriptors.get_mut(fd as usize) {
            Some(place) => *place = Some(descriptor),
            None => self.descriptors.push(Some(descriptor)),
        }
        Ok(fd)
    }

    /// Notes that the entries of a directory were read, and forgets those of others if they take too much memory.
    pub fn has_listed(&mut self, fd: u32) {
        self.listed.retain(|&other| other != fd);
        let mut total: usize = self.listed.iter().map(|&other| self.listed_bytes(other)).sum();
        total += self.listed_bytes(fd);
        let mut gone = 0;
        while total > MAX_LISTED_BYTES && gone < self.listed.len() {
            let oldest = self.listed[gone];
            total -= self.listed_bytes(oldest);
            if let Ok(Descriptor { kind: Kind::Directory(directory), .. }) = self.get_mut(oldest) {
                directory.forget_entries();
            }
            gone += 1;
        }
        self.listed.drain(..gone);
        self.listed.push(fd);
    }

    fn listed_bytes(&self, fd: u32) -> usize {
        match self.get(fd) {
            Ok(Descriptor { kind: Kind::Directory(directory), .. }) => directory.listed_bytes(),
            _ => 0,
        }
    }

    /// Closes a descriptor.
    pub fn close(&mut self, fd: u32) -> Result<()> {
        self.get(fd)?;
        self.descriptors[fd as usize] = None;
        self.listed.retain(|&listed| listed != fd);
        Ok(())
    }

    /// Gives a descriptor the number of another, which is closed. Both must be open.
    pub fn renumber(&mut self, from: u32, to: u32) -> Result<()> {
        self.get(from)?;
        self.get(to)?;
        if from != to {
            self.descriptors[to as usize] = self.descriptors[from as usize].take();
            self.listed.retain(|&listed| listed != to);
            for listed in self.listed.iter_mut().filter(|listed| **listed == from) {
                *listed = to;
            }
        }
        Ok(())
    }
}
