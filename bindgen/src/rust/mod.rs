//! Rust bindings: a type with a method for each export of a module, and traits for what it imports.
//!
//! In: a manifest, and what the module is called. Out: the text of a Rust file, or part of one.
//!
//! Always true: the text compiles without warnings, whatever names the module has; and the same manifest and options give
//! the same text.

/// Names of a module's as names of Rust's.
mod names;
/// Types of values as Rust has them.
mod types;
/// What a module exports and imports, with the names that all of it gets in Rust.
mod contents;
/// Lines of Rust, indented.
mod writer;
/// The type that stands for a module, and its methods.
mod exports;
/// The traits for what a module imports, and linking what implements them.
mod imports;

use wootz_runtime::abi::manifest::Manifest;

use crate::error::{Error, Result};
use crate::interface::Interface;
use contents::Contents;
use names::shown;
use writer::Writer;

pub use names::is_identifier;

/// How the bindings are to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the module is called: an identifier of Rust's, from which the name of its type is made (`my_plugin`, `MyPlugin`).
    pub name: String,
    /// The symbol of the module's descriptor, if the module is linked into the program. The bindings then find it.
    pub descriptor: Option<String>,
    /// Whether imported functions of WASI preview 1 are those of the crate `wootz-wasi`. Otherwise they are like any others.
    pub wasi: bool,
}

impl Options {
    /// For a module of this name, which is loaded by the program; WASI is that of `wootz-wasi`.
    pub fn new(name: impl Into<String>) -> Options {
        Options { name: name.into(), descriptor: None, wasi: true }
    }
}

/// The bindings of a module.
///
/// ```
/// use wootz_bindgen::rust;
///
/// let wasm = wat::parse_str(r#"(module
///     (import "env" "log" (func (param i32)))
///     (func (export "add") (param i32 i32) (result i32) i32.const 5))"#)?;
/// let manifest = wootz_compiler::interface(&wasm, &wootz_compiler::Options::default())?;
/// let text = rust::bindings(&manifest, &rust::Options::new("plugin"))?;
/// assert!(text.contains("pub trait Env"));
/// assert!(text.contains("pub struct Plugin"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If a name is no identifier, or if the manifest comes from a damaged file.
pub fn bindings(manifest: &Manifest, options: &Options) -> Result<String> {
    for name in [&options.name].into_iter().chain(&options.descriptor) {
        if !is_identifier(name) {
            return Err(Error::Name { name: name.clone() });
        }
    }
    let interface = Interface::new(manifest)?;
    let contents = Contents::new(&interface, &options.name, options.wasi);
    let mut out = Writer::default();
    let module = manifest.name.as_deref().unwrap_or(&options.name);
    out.line(format!(
        "// The WebAssembly module {} for programs with the crate `wootz`. Made by wootz-bindgen {}: do not edit.",
        shown(module),
        env!("CARGO_PKG_VERSION")
    ));
    out.blank();
    exports::definition(&mut out, module, &contents);
    out.blank();
    out.line(exports::ALLOWED);
    out.open(format!("impl {} {{", contents.type_name));
    if let Some(descriptor) = &options.descriptor {
        linked(&mut out, descriptor);
        out.blank();
    }
    imports::linking(&mut out, &contents);
    out.blank();
    imports::instantiation(&mut out, &contents, options.descriptor.is_some());
    out.blank();
    exports::finder(&mut out, &contents);
    out.blank();
    out.doc("The instance.");
    out.open("pub fn instance(&self) -> ::wootz::Instance {");
    out.line("self.instance");
    out.close("}");
    exports::methods(&mut out, &contents.exports);
    out.close("}");
    imports::traits(&mut out, module, &contents);
    Ok(out.finish())
}

/// The function that finds a module that is linked into the program.
fn linked(out: &mut Writer, descriptor: &str) {
    out.doc(
        "The module, which is part of this program.\n\n\
         # Errors\nIf the processor lacks what the module was compiled for, or if the engine's settings are others.",
    );
    out.open("pub fn module(engine: &::wootz::Engine) -> ::wootz::Result<::wootz::Module> {");
    out.line(format!("::wootz::__linked_module!(engine, {descriptor})"));
    out.close("}");
}
