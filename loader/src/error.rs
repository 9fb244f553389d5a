//! What can go wrong. Errors are `anyhow`'s, and keep the type of what caused them: [`Trap`](crate::Trap),
//! [`ArtifactError`](crate::ArtifactError), [`UnknownImportError`](crate::UnknownImportError), whatever a host function
//! returned. `Error::downcast_ref` finds it.

pub use anyhow::{Context, Error, Result, anyhow as format_err, bail, ensure};
