//! What a guest may use: built by the host, used up by the guest.

use std::fmt;
use std::io::{self, Read, Write};

use crate::errno::{Errno, Result};
use crate::host::{self, Standard};
use crate::stream::{Input, Output};
use crate::types::{Clock, rights};

/// Everything a guest may use. Lives in the store, where [`add_to_linker`](crate::add_to_linker)'s functions find it.
pub struct WasiCtx {
    pub(crate) args: Vec<Vec<u8>>,
    /// As `NAME=VALUE`.
    pub(crate) environ: Vec<Vec<u8>>,
    /// Where the monotonic clock begins: how long the machine has been running is none of the guest's business.
    pub(crate) started: u64,
    descriptors: Vec<Option<Descriptor>>,
}

/// What a file descriptor refers to.
pub struct Descriptor {
    /// The stream.
    pub kind: Kind,
    /// Of [`fdflags`](crate::types::fdflags).
    pub flags: u16,
}

/// The kinds of descriptors.
pub enum Kind {
    /// It is read from.
    Input(Input),
    /// It is written to.
    Output(Output),
}

impl Descriptor {
    /// The stream of this process behind it, if there is one.
    pub fn host(&self) -> Option<Standard> {
        match &self.kind {
            Kind::Input(input) => input.host(),
            Kind::Output(output) => output.host(),
        }
    }

    /// What may be done with it.
    pub fn rights(&self) -> u64 {
        let direction = match self.kind {
            Kind::Input(_) => rights::FD_READ,
            Kind::Output(_) => rights::FD_WRITE,
        };
        direction
            | rights::FD_FDSTAT_SET_FLAGS
            | rights::FD_FILESTAT_GET
            | rights::POLL_FD_READWRITE
    }
}

impl WasiCtx {
    /// A context with these things, and nothing else.
    pub fn builder() -> WasiCtxBuilder {
        WasiCtxBuilder::new()
    }

    /// What an open file descriptor refers to.
    pub(crate) fn descriptor(&mut self, fd: u32) -> Result<&mut Descriptor> {
        self.descriptors.get_mut(fd as usize).and_then(Option::as_mut).ok_or(Errno::Badf)
    }

    /// Closes a file descriptor.
    pub(crate) fn close(&mut self, fd: u32) -> Result<()> {
        self.descriptor(fd)?;
        self.descriptors[fd as usize] = None;
        Ok(())
    }

    /// Gives a file descriptor the number of another, which is closed. Both must be open.
    pub(crate) fn renumber(&mut self, from: u32, to: u32) -> Result<()> {
        self.descriptor(from)?;
        self.descriptor(to)?;
        if from != to {
            self.descriptors[to as usize] = self.descriptors[from as usize].take();
        }
        Ok(())
    }
}

impl fmt::Debug for WasiCtx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasiCtx").finish_non_exhaustive()
    }
}

/// Builds a [`WasiCtx`]. Without further words it has no arguments, no environment, an empty standard input, and
/// standard output and error that swallow everything.
pub struct WasiCtxBuilder {
    args: Vec<Vec<u8>>,
    environ: Vec<(Vec<u8>, Vec<u8>)>,
    stdin: Input,
    stdout: Output,
    stderr: Output,
}

impl Default for WasiCtxBuilder {
    fn default() -> WasiCtxBuilder {
        WasiCtxBuilder::new()
    }
}

impl WasiCtxBuilder {
    /// A builder of an empty context.
    pub fn new() -> WasiCtxBuilder {
        WasiCtxBuilder {
            args: Vec::new(),
            environ: Vec::new(),
            stdin: Input::Reader(Box::new(io::empty())),
            stdout: Output::Writer(Box::new(io::sink())),
            stderr: Output::Writer(Box::new(io::sink())),
        }
    }

    /// Adds an argument. The first is the program's name. For a C program it ends at its first zero byte.
    pub fn arg(&mut self, arg: impl AsRef<[u8]>) -> &mut WasiCtxBuilder {
        self.args.push(arg.as_ref().to_vec());
        self
    }

    /// Adds arguments.
    pub fn args(&mut self, args: &[impl AsRef<[u8]>]) -> &mut WasiCtxBuilder {
        self.args.extend(args.iter().map(|arg| arg.as_ref().to_vec()));
        self
    }

    /// Adds the arguments of this process, its name first.
    pub fn inherit_args(&mut self) -> &mut WasiCtxBuilder {
        self.args.extend(host::arguments());
        self
    }

    /// Adds an environment variable, or gives it another value.
    pub fn env(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> &mut WasiCtxBuilder {
        let (name, value) = (name.as_ref().to_vec(), value.as_ref().to_vec());
        match self.environ.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.environ.push((name, value)),
        }
        self
    }

    /// Adds environment variables.
    pub fn envs(
        &mut self,
        variables: &[(impl AsRef<[u8]>, impl AsRef<[u8]>)],
    ) -> &mut WasiCtxBuilder {
        for (name, value) in variables {
            self.env(name, value);
        }
        self
    }

    /// Adds the environment of this process.
    pub fn inherit_env(&mut self) -> &mut WasiCtxBuilder {
        for (name, value) in host::environment() {
            self.env(name, value);
        }
        self
    }

    /// What the guest's standard input is read from, such as `&b"some bytes"[..]` or a file.
    pub fn stdin(&mut self, stdin: impl Read + Send + 'static) -> &mut WasiCtxBuilder {
        self.stdin = Input::Reader(Box::new(stdin));
        self
    }

    /// What the guest's standard output is written to, such as a [`MemoryOutputPipe`](crate::MemoryOutputPipe) or a file.
    /// Never flushed.
    pub fn stdout(&mut self, stdout: impl Write + Send + 'static) -> &mut WasiCtxBuilder {
        self.stdout = Output::Writer(Box::new(stdout));
        self
    }

    /// What the guest's standard error is written to. Never flushed.
    pub fn stderr(&mut self, stderr: impl Write + Send + 'static) -> &mut WasiCtxBuilder {
        self.stderr = Output::Writer(Box::new(stderr));
        self
    }

    /// The guest's standard input is that of this process. What `std::io::stdin` has buffered already is not seen.
    pub fn inherit_stdin(&mut self) -> &mut WasiCtxBuilder {
        self.stdin = Input::Host;
        self
    }

    /// The guest's standard output is that of this process.
    pub fn inherit_stdout(&mut self) -> &mut WasiCtxBuilder {
        self.stdout = Output::Host(Standard::Output);
        self
    }

    /// The guest's standard error is that of this process.
    pub fn inherit_stderr(&mut self) -> &mut WasiCtxBuilder {
        self.stderr = Output::Host(Standard::Error);
        self
    }

    /// The guest's three standard streams are those of this process.
    pub fn inherit_stdio(&mut self) -> &mut WasiCtxBuilder {
        self.inherit_stdin().inherit_stdout().inherit_stderr()
    }

    /// The context. Leaves the builder empty.
    pub fn build(&mut self) -> WasiCtx {
        let built = std::mem::take(self);
        let open = |kind| Some(Descriptor { kind, flags: 0 });
        WasiCtx {
            args: built.args,
            environ: built
                .environ
                .into_iter()
                .map(|(name, value)| [name, value].join(&b'='))
                .collect(),
            started: host::clock_time(Clock::Monotonic),
            descriptors: vec![
                open(Kind::Input(built.stdin)),
                open(Kind::Output(built.stdout)),
                open(Kind::Output(built.stderr)),
            ],
        }
    }
}

impl fmt::Debug for WasiCtxBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasiCtxBuilder").finish_non_exhaustive()
    }
}
