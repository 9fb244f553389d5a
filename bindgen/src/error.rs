//! What can go wrong.

use std::fmt;

/// Why there are no bindings.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Error {
    /// What the module is to be called cannot be the name of anything.
    Name {
        /// The name.
        name: String,
    },
    /// C symbols cannot begin with the prefix.
    Prefix {
        /// What is wrong with it.
        message: String,
    },
    /// The manifest mentions something that the module does not have: the file that it comes from is damaged.
    Manifest,
}

/// The result of most functions here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Name { name } => write!(
                f,
                "`{}` cannot be the name of a module in a program: expected letters, digits and `_`, not beginning with \
                 a digit, and no word of the language",
                name.escape_debug()
            ),
            Error::Prefix { message } => f.write_str(message),
            Error::Manifest => {
                f.write_str("the manifest mentions something that the module does not have: the file is damaged")
            }
        }
    }
}

impl std::error::Error for Error {}
