//! What can go wrong: the input is wrong, or what was asked for cannot be done.
//!
//! Always true: an error says what was found, what was expected, and where. A fault of ours is a panic, not an error.

use std::fmt;

use cranelift_codegen::CodegenError;

/// The result of most functions here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a module was not compiled.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The input is not a WebAssembly module at all.
    NotWasm {
        /// What it seems to be instead.
        found: String,
    },
    /// The module is malformed or invalid, or uses a proposal that is switched off.
    Invalid {
        /// What is wrong, in the validator's words.
        message: String,
        /// Where in the file.
        offset: u64,
        /// The function, if it is inside of one: its index and name.
        function: Option<(u32, Option<String>)>,
        /// The proposals that are switched off, or not implemented, and without which it is no module.
        needs: Vec<MissingProposal>,
    },
    /// The module is valid, but exceeds a limit of this compiler.
    Limit {
        /// Which limit, with figures.
        message: String,
    },
    /// The module is valid, but code for the target cannot do what it needs.
    Target {
        /// The proposal that it needs.
        proposal: &'static str,
        /// The target's architecture.
        architecture: &'static str,
        /// The CPU feature with which code could do it.
        cpu_feature: &'static str,
        /// Where in the file it is needed first.
        offset: u64,
        /// The function, if it is inside of one: its index and name.
        function: Option<(u32, Option<String>)>,
    },
    /// An option has an unknown value, or options contradict each other.
    Options {
        /// What was found, and what is possible.
        message: String,
    },
}

/// A proposal that a module needs, and may not use. Its text says what to do about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MissingProposal {
    /// Its name, one of `FEATURES`.
    pub name: &'static str,
    /// Whether it can be switched on.
    pub is_implemented: bool,
}

impl Error {
    /// What the code generator has against a function.
    ///
    /// # Panics
    /// If that is our fault.
    pub(crate) fn code_generator(function: &str, error: &CodegenError) -> Error {
        match error {
            CodegenError::ImplLimitExceeded | CodegenError::CodeTooLarge => Error::Limit {
                message: format!("function {function} is too large for the code generator"),
            },
            CodegenError::Unsupported(what) => Error::Options {
                message: format!(
                    "the code generator has no code for function {function} on this target: {what}"
                ),
            },
            error => panic!(
                "the code generator rejects function {function}: {error}\nrepeat with `wootz compile --verify`"
            ),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotWasm { found } => write!(
                f,
                "not a WebAssembly module: it begins with {found}, not with the magic bytes \"\\0asm\" and version 1"
            ),
            Error::Invalid { message, offset, function, needs } => {
                write!(f, "invalid WebAssembly module: {message} ")?;
                place(f, *offset, function.as_ref())?;
                needs.iter().try_for_each(|proposal| write!(f, "; it needs {proposal}"))
            }
            Error::Limit { message } => write!(f, "the module is too large: {message}"),
            Error::Target { proposal, architecture, cpu_feature, offset, function } => {
                write!(f, "the module uses the proposal `{proposal}` ")?;
                place(f, *offset, function.as_ref())?;
                write!(
                    f,
                    ", which code for {architecture} can do only with the CPU feature `{cpu_feature}`: compile with \
                     `--cpu-feature +{cpu_feature}`, or `Config::cpu_feature(\"{cpu_feature}\", true)`"
                )
            }
            Error::Options { message } => f.write_str(message),
        }
    }
}

/// Where in a module something is.
fn place(
    f: &mut fmt::Formatter<'_>,
    offset: u64,
    function: Option<&(u32, Option<String>)>,
) -> fmt::Result {
    write!(f, "(at offset {offset:#x}")?;
    match function {
        Some((index, Some(name))) => write!(f, ", in function {index} `{name}`)"),
        Some((index, None)) => write!(f, ", in function {index})"),
        None => f.write_str(")"),
    }
}

/// Proposals so old that the embedding API has no setting for them.
const WITHOUT_SETTING: &[&str] = &["mutable-global", "saturating-float-to-int", "sign-extension"];

impl fmt::Display for MissingProposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name;
        write!(f, "the proposal `{name}`, which is ")?;
        if !self.is_implemented {
            return f.write_str("not implemented in this version");
        }
        write!(f, "switched off (`--wasm-feature={name}`")?;
        if !WITHOUT_SETTING.contains(&name) {
            write!(f, ", or `Config::wasm_{}(true)`", name.replace('-', "_"))?;
        }
        f.write_str(")")
    }
}

impl std::error::Error for Error {}

impl Error {
    /// A branch hint for something else.
    pub(crate) fn no_branch(offset: u64) -> Error {
        Error::Invalid {
            message: "a branch hint is for an operator that is no branch".to_string(),
            offset,
            function: None,
            needs: Vec::new(),
        }
    }

    /// What the validator admits, and only a proposal would give a meaning that is not implemented.
    pub(crate) fn needs(proposal: &'static str, message: &str, offset: u64) -> Error {
        Error::Invalid {
            message: message.to_string(),
            offset,
            function: None,
            needs: vec![MissingProposal { name: proposal, is_implemented: false }],
        }
    }

    /// An error of the validator that is not inside of a function.
    pub(crate) fn invalid(error: &wasmparser::BinaryReaderError) -> Error {
        Error::Invalid {
            message: error.message().to_string(),
            offset: error.offset(),
            function: None,
            needs: Vec::new(),
        }
    }
}
