//! What a guest may use: built by the host, used up by the guest.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use wootz::Context;

use crate::descriptor::{Descriptor, Kind, Table};
use crate::directory::{Directory, FsPerms};
use crate::errno::Result;
use crate::flags::Rights;
use crate::host::socket::Listener;
use crate::host::stream::{Standard, Stream};
use crate::host::{self, clock, process};
use crate::stream::{Input, Output};
use crate::types::Clock;

/// How many file descriptors a guest may have at most if the host says nothing: as many as most systems give to a process.
const MAX_DESCRIPTORS: usize = 1024;

/// Everything a guest may use. Lives in the store, where [`add_to_linker`](crate::add_to_linker)'s functions find it.
pub struct WasiCtx {
    /// An error if one of them cannot be told to a guest.
    pub(crate) args: Result<Vec<Vec<u8>>>,
    /// As `NAME=VALUE`. An error if one of them cannot be told to a guest.
    pub(crate) environ: Result<Vec<Vec<u8>>>,
    /// Where the monotonic clock begins: how long the machine has been running is none of the guest's business.
    pub(crate) started: u64,
    pub(crate) table: Table,
}

impl WasiCtx {
    /// A context with these things, and nothing else.
    pub fn builder() -> WasiCtxBuilder {
        WasiCtxBuilder::new()
    }
}

impl fmt::Debug for WasiCtx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasiCtx").finish_non_exhaustive()
    }
}

/// Builds a [`WasiCtx`]. Without further words it has no arguments, no environment, an empty standard input, and
/// standard output and error that swallow everything; no directory and no socket is open to it.
///
/// ```
/// use wootz_wasi::{FsPerms, WasiCtxBuilder};
///
/// let folder = tempfile::tempdir()?;
/// let ctx = WasiCtxBuilder::new()
///     .args(&["convert", "/data/in.txt"])
///     .env("LANG", "C")
///     .inherit_stdio()
///     .preopened_dir(folder.path(), "/data", FsPerms::ReadWrite)?
///     .build();
/// # let _ = ctx;
/// # Ok::<(), wootz::Error>(())
/// ```
pub struct WasiCtxBuilder {
    args: Vec<Vec<u8>>,
    environ: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether all inherited arguments, and all inherited variables, can be told to a guest.
    inherited: (Result<()>, Result<()>),
    stdin: Input,
    stdout: Output,
    stderr: Output,
    preopened: Vec<Descriptor>,
    max_descriptors: Option<usize>,
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
            inherited: (Ok(()), Ok(())),
            stdin: Input::Reader(Box::new(io::empty())),
            stdout: Output::Writer(Box::new(io::sink())),
            stderr: Output::Writer(Box::new(io::sink())),
            preopened: Vec::new(),
            max_descriptors: None,
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

    /// Adds the arguments of this process, its name first. On Windows they may be no Unicode; a guest that asks for its
    /// arguments is then told so, by `EILSEQ`.
    pub fn inherit_args(&mut self) -> &mut WasiCtxBuilder {
        for arg in process::arguments() {
            match arg {
                Ok(arg) => self.args.push(arg),
                Err(error) => self.inherited.0 = Err(error),
            }
        }
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

    /// Adds the environment of this process. What is no Unicode is an error as for [arguments](Self::inherit_args).
    pub fn inherit_env(&mut self) -> &mut WasiCtxBuilder {
        for variable in process::environment() {
            match variable {
                Ok((name, value)) => {
                    self.env(name, value);
                }
                Err(error) => self.inherited.1 = Err(error),
            }
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

    /// What the guest's standard input is read from: a file, or anything else that the system knows, such as the end of a
    /// pipe. A guest that waits for input really waits. On Windows some of a pipe is read ahead then.
    pub fn stdin_file(&mut self, stdin: File) -> &mut WasiCtxBuilder {
        self.stdin = Input::Stream(Stream::new(stdin));
        self
    }

    /// What the guest's standard output is written to, as [`stdin_file`](Self::stdin_file).
    pub fn stdout_file(&mut self, stdout: File) -> &mut WasiCtxBuilder {
        self.stdout = Output::Stream(Stream::new(stdout));
        self
    }

    /// What the guest's standard error is written to, as [`stdin_file`](Self::stdin_file).
    pub fn stderr_file(&mut self, stderr: File) -> &mut WasiCtxBuilder {
        self.stderr = Output::Stream(Stream::new(stderr));
        self
    }

    /// The guest's standard input is that of this process. What `std::io::stdin` has buffered already is not seen, but
    /// on Windows, where both share the buffer.
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

    /// Opens a directory for the guest, which knows it by `guest_path` and may do in it, and everywhere below, what these
    /// permissions say. What they do not allow fails with `EPERM`; so do paths and symbolic links that lead out of the
    /// directory.
    ///
    /// Directories and [listeners](Self::preopened_listener) get the descriptors 3, 4, and so on, in the order in which
    /// they are added. C libraries look for directories from 3 on and stop at the first that is none.
    ///
    /// # Errors
    /// If it is not there, is no directory, or cannot be opened.
    pub fn preopened_dir(
        &mut self,
        host_path: impl AsRef<Path>,
        guest_path: impl AsRef<str>,
        perms: FsPerms,
    ) -> wootz::Result<&mut WasiCtxBuilder> {
        let host_path = host_path.as_ref();
        let dir = host::directory::open_ambient(host_path)
            .with_context(|| format!("cannot open the directory `{}`", host_path.display()))?;
        let directory = Kind::Directory(Directory::new(dir, perms));
        self.preopened.push(Descriptor {
            inheriting: Rights::DIRECTORY | Rights::FILE,
            preopened: Some(guest_path.as_ref().to_string()),
            ..Descriptor::new(directory, Rights::DIRECTORY)
        });
        Ok(self)
    }

    /// Gives the guest a socket on which it may accept connections: a [`TcpListener`](std::net::TcpListener) or, on
    /// Unix, one of the Unix domain. For its descriptor see [`preopened_dir`](Self::preopened_dir).
    pub fn preopened_listener(&mut self, listener: impl Into<Listener>) -> &mut WasiCtxBuilder {
        let Listener(socket) = listener.into();
        self.preopened.push(Descriptor::new(Kind::Listener(socket), Rights::LISTENER));
        self
    }

    /// How many file descriptors the guest may have, its standard streams and what is open from the beginning included. At
    /// the limit, opening fails with `EMFILE`. Each takes one of this process, so if nothing is said, it is half of what
    /// the system gives this process, but no more than 1,024.
    pub fn max_descriptors(&mut self, max: usize) -> &mut WasiCtxBuilder {
        self.max_descriptors = Some(max);
        self
    }

    /// The context. Leaves the builder empty.
    pub fn build(&mut self) -> WasiCtx {
        let built = std::mem::take(self);
        let mut descriptors = vec![
            Descriptor::new(Kind::Input(built.stdin), Rights::INPUT),
            Descriptor::new(Kind::Output(built.stdout), Rights::OUTPUT),
            Descriptor::new(Kind::Output(built.stderr), Rights::OUTPUT),
        ];
        descriptors.extend(built.preopened);
        let variables = built.environ.into_iter().map(|(name, value)| [name, value].join(&b'='));
        WasiCtx {
            args: built.inherited.0.map(|()| built.args),
            environ: built.inherited.1.map(|()| variables.collect()),
            started: clock::time(Clock::Monotonic),
            table: Table::new(
                descriptors,
                built
                    .max_descriptors
                    .unwrap_or_else(|| MAX_DESCRIPTORS.min(process::max_open_files() / 2)),
            ),
        }
    }
}

impl fmt::Debug for WasiCtxBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasiCtxBuilder").finish_non_exhaustive()
    }
}
