//! What a module exports and imports, with the names that all of it gets in Rust.
//!
//! In: its interface. Out: the methods of the type that stands for the module, and the traits for what it imports.
//!
//! Always true: what is imported twice is there once. If it has two types, a method of its own stands for each; a linker,
//! which knows names only, can define the first.

use std::collections::{HashMap, HashSet};

use wootz_runtime::abi::types::{GlobalType, MemoryType, TableType};

use super::names;
use super::types::Signature;
use crate::interface::{self, Interface};

/// Names of functions that the type for a module has of its own.
pub const OWN_FUNCTIONS: &[&str] = &[
    "add_to_linker",
    "instance",
    "instantiate",
    "instantiate_module",
    "instantiate_with",
    "module",
    "new",
];

/// The trait for what is imported from WASI.
const WASI_TRAIT: &str = "Wasi";

/// What a module exports and imports.
pub struct Contents<'a> {
    /// The type for the module.
    pub type_name: String,
    /// What it exports, in its order.
    pub exports: Vec<Export<'a>>,
    /// What it imports, by module.
    pub traits: Vec<Trait<'a>>,
    /// The trait for WASI, if it imports any of it.
    pub wasi: Option<String>,
}

/// An export.
pub struct Export<'a> {
    /// Its name.
    pub name: &'a str,
    /// The name of its method.
    pub method: String,
    /// What it is.
    pub item: Item<'a>,
}

/// What is imported from one module.
pub struct Trait<'a> {
    /// The module.
    pub module: &'a str,
    /// The name of the trait.
    pub name: String,
    /// What is imported, in its order.
    pub imports: Vec<Import<'a>>,
}

/// An import, or several that want the same.
pub struct Import<'a> {
    /// The second of its two names.
    pub name: &'a str,
    /// The name of its method.
    pub method: String,
    /// What it is.
    pub item: Item<'a>,
    /// Where among all imports it stands.
    pub positions: Vec<usize>,
    /// Whether another import has the same names and another type, and stands before this one.
    pub is_overload: bool,
}

/// What is imported or exported.
#[derive(Clone, Copy)]
pub enum Item<'a> {
    /// A function.
    Function(Signature<'a>),
    /// A memory.
    Memory(MemoryType),
    /// A table.
    Table(TableType),
    /// A global.
    Global(GlobalType),
    /// A tag of exceptions.
    Tag(Signature<'a>),
}

impl Item<'_> {
    /// What kind of thing it is.
    pub fn kind(&self) -> &'static str {
        match self {
            Item::Function(_) => "function",
            Item::Memory(ty) if ty.shared => "shared memory",
            Item::Memory(_) => "memory",
            Item::Table(_) => "table",
            Item::Global(_) => "global",
            Item::Tag(_) => "tag",
        }
    }

    /// Its type, as the text format writes it.
    pub fn text(&self) -> String {
        match self {
            Item::Function(signature) => signature.text(),
            Item::Memory(ty) => ty.to_string(),
            Item::Table(ty) => ty.to_string(),
            Item::Global(ty) => ty.to_string(),
            Item::Tag(signature) => signature.text().replacen("(func", "(tag", 1),
        }
    }

    /// The type of its handle.
    pub fn handle(&self) -> &'static str {
        match self {
            Item::Function(_) => "::wootz::Func",
            Item::Memory(ty) if ty.shared => "::wootz::SharedMemory",
            Item::Memory(_) => "::wootz::Memory",
            Item::Table(_) => "::wootz::Table",
            Item::Global(_) => "::wootz::Global",
            Item::Tag(_) => "::wootz::Tag",
        }
    }

    /// Whether one thing can be both, as far as can be told: sizes are of no account.
    fn is_like(&self, other: &Item<'_>) -> bool {
        match (self, other) {
            (Item::Function(one), Item::Function(other)) | (Item::Tag(one), Item::Tag(other)) => {
                one == other
            }
            (Item::Memory(one), Item::Memory(other)) => {
                let shape = |ty: &MemoryType| (ty.shared, ty.memory64, ty.page_size_log2);
                shape(one) == shape(other)
            }
            (Item::Table(one), Item::Table(other)) => {
                (one.element, one.table64) == (other.element, other.table64)
            }
            (Item::Global(one), Item::Global(other)) => one == other,
            _ => false,
        }
    }
}

impl<'a> From<interface::Item<'a>> for Item<'a> {
    fn from(item: interface::Item<'a>) -> Item<'a> {
        match item {
            interface::Item::Function(ty) => Item::Function(Signature::new(ty)),
            interface::Item::Memory(ty) => Item::Memory(ty),
            interface::Item::Table(ty) => Item::Table(ty),
            interface::Item::Global(ty) => Item::Global(ty),
            interface::Item::Tag(ty) => Item::Tag(Signature::new(ty)),
        }
    }
}

impl<'a> Contents<'a> {
    /// Those of a module of this name. `wasi`: whether functions of WASI are in a trait of their own.
    pub fn new(interface: &Interface<'a>, name: &str, wasi: bool) -> Contents<'a> {
        let type_name = names::module_type_name(name);
        let mut taken = HashSet::from([type_name.clone()]);
        let is_wasi = |import: &interface::Import<'_>| wasi && crate::wasi::has(import);
        let uses_wasi = interface.imports.iter().any(is_wasi);
        let wasi = uses_wasi.then(|| names::trait_name(WASI_TRAIT, &mut taken));
        let others = interface.imports.iter().enumerate().filter(|(_, import)| !is_wasi(import));
        let others = others.map(|(position, import)| Found {
            module: import.module,
            name: import.name,
            item: import.item.into(),
            position,
        });
        Contents {
            exports: exports(interface),
            traits: traits(others, &mut taken),
            type_name,
            wasi,
        }
    }
}

fn exports<'a>(interface: &Interface<'a>) -> Vec<Export<'a>> {
    let names: Vec<&str> = interface.exports.iter().map(|export| export.name).collect();
    let methods = names::function_names(&names, OWN_FUNCTIONS);
    let all = interface.exports.iter().zip(methods);
    all.map(|(export, method)| Export { name: export.name, method, item: export.item.into() })
        .collect()
}

/// An import on its way to its trait.
struct Found<'a> {
    module: &'a str,
    name: &'a str,
    item: Item<'a>,
    position: usize,
}

fn traits<'a>(
    imports: impl Iterator<Item = Found<'a>>,
    taken: &mut HashSet<String>,
) -> Vec<Trait<'a>> {
    let mut traits: Vec<Trait<'a>> = Vec::new();
    let mut trait_of: HashMap<&str, usize> = HashMap::new();
    // Where in its trait each name is: most names have one type only.
    let mut named: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for Found { module, name, item, position } in imports {
        let number = *trait_of.entry(module).or_insert_with(|| {
            let name = names::trait_name(module, taken);
            traits.push(Trait { module, name, imports: Vec::new() });
            traits.len() - 1
        });
        let list = &mut traits[number].imports;
        let same_name = named.entry((module, name)).or_default();
        match same_name.iter().find(|&&at| list[at].item.is_like(&item)) {
            Some(&at) => list[at].positions.push(position),
            None => {
                let is_overload = !same_name.is_empty();
                same_name.push(list.len());
                let (method, positions) = (String::new(), vec![position]);
                list.push(Import { name, method, item, positions, is_overload });
            }
        }
    }
    for Trait { imports, .. } in &mut traits {
        let names: Vec<&str> = imports.iter().map(|import| import.name).collect();
        let methods = names::function_names(&names, &[]);
        for (import, method) in imports.iter_mut().zip(methods) {
            import.method = method;
        }
    }
    traits
}
