//! A source and settings to files for Cargo.
//!
//! In: a module with everything decided. Out: the contents of its archive and bindings, and what to tell Cargo.
//!
//! Always true: the symbols, and the name of the library, are those of this module of this version of this crate, so
//! that a program can have any number of crates with modules.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use wootz_bindgen::rust;
use wootz_compiler::{Emit, Options, c_names};

use crate::cargo::Cargo;

/// A module, and how it is to be compiled.
#[derive(Debug)]
pub struct Module {
    /// Where it is, as the build script says.
    pub source: PathBuf,
    /// What it is called in the crate.
    pub name: String,
    /// What its symbols begin with.
    pub prefix: String,
    /// Whether WASI is that of `wootz-wasi`.
    pub wasi: bool,
    /// How to compile it, but for what to write.
    pub options: Options,
}

/// What becomes of it.
#[derive(Debug)]
pub struct Product {
    /// The name and contents of the archive.
    pub archive: (String, Vec<u8>),
    /// The name and text of the bindings.
    pub bindings: (String, String),
    /// What to tell Cargo.
    pub directives: String,
}

/// Compiles a module.
///
/// # Errors
/// If it cannot be read or is invalid, or if a name or setting is.
pub fn of(module: &Module, cargo: &Cargo) -> Result<Product> {
    let Module { source, name, prefix, .. } = module;
    ensure!(
        rust::is_identifier(name),
        "`{name}` cannot be the name of a module: expected letters, digits and `_`, not beginning with a digit, and no word \
         of Rust's"
    );
    let path = cargo.manifest_dir.join(source);
    let wasm = read(source, &path)?;
    let describe = || format!("cannot compile `{}`", source.display());
    let options =
        Options { emit: Emit::Archive, prefix: Some(prefix.clone()), ..module.options.clone() };
    let manifest = wootz_compiler::interface(&wasm, &options).with_context(describe)?;
    let archive = wootz_compiler::compile(&wasm, &options).with_context(describe)?;
    let descriptor = c_names::descriptor_symbol(Some(prefix));
    let options =
        rust::Options { name: name.clone(), descriptor: Some(descriptor), wasi: module.wasi };
    Ok(Product {
        archive: (cargo.library_file(prefix), archive),
        bindings: (format!("{name}.rs"), rust::bindings(&manifest, &options)?),
        directives: cargo.directives(prefix, &path),
    })
}

fn read(source: &Path, path: &Path) -> Result<Vec<u8>> {
    let bytes = std::fs::read(path).with_context(|| {
        format!("cannot read `{}`, which is `{}`", source.display(), path.display())
    })?;
    let wasm = wat::Parser::new().parse_bytes(Some(source), &bytes);
    Ok(wasm.with_context(|| format!("`{}` is malformed", source.display()))?.into_owned())
}

impl Product {
    /// Writes the files.
    ///
    /// # Errors
    /// If one cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let files: [(&String, &[u8]); 2] =
            [(&self.archive.0, &self.archive.1), (&self.bindings.0, self.bindings.1.as_bytes())];
        for (name, contents) in files {
            let path = folder.join(name);
            std::fs::write(&path, contents)
                .with_context(|| format!("cannot write `{}`", path.display()))?;
        }
        Ok(())
    }
}

/// The name of a module that is in a file.
///
/// # Errors
/// If the file's name is none.
pub fn name_of(source: &Path) -> Result<String> {
    let stem = source.file_stem().map(|stem| stem.to_string_lossy().replace('-', "_"));
    let name = stem.filter(|name| rust::is_identifier(name));
    name.with_context(|| {
        format!(
            "the name of the file `{}` cannot be that of a module: choose one with `Builder::name`",
            source.display()
        )
    })
}

/// A prefix for symbols that no other module of a program has.
pub fn prefix((package, version): &(String, String), name: &str) -> String {
    // What is no letter is replaced, so different names may look the same; their hashes differ.
    let hash = Sha256::digest(format!("{package}\0{version}\0{name}"));
    let hash: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let text: String = format!("{package}_{version}_{name}").chars().map(plain).collect();
    format!("{text}_{hash}")
}
