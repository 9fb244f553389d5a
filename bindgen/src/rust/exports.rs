//! The type that stands for a module, and its methods: one for each export.
//!
//! Always true: a function that the crate `wootz` cannot call with types that are known when the program is compiled has
//! the same signature here as if it could. Its values are checked as they come.

use super::contents::{Contents, Export, Item};
use super::names::{literal, shown};
use super::types::Signature;
use super::writer::Writer;

/// Lints that are for code that people write: names here are the module's, and nobody has to use all of it.
pub const ALLOWED: &str = "#[allow(clippy::all, clippy::pedantic, dead_code, unreachable_pub)]";

/// The type for a module, without its functions.
pub fn definition(out: &mut Writer, module: &str, contents: &Contents<'_>) {
    out.doc(format!(
        "An instance of the WebAssembly module {}: its exports are methods.",
        shown(module)
    ));
    let traits: Vec<String> = traits_of(contents).map(|name| format!("[`{name}`]")).collect();
    if !traits.is_empty() {
        out.doc(format!(
            "\nWhat it imports is in {}, for the type of the store's data to implement.",
            traits.join(", ")
        ));
    }
    out.line("#[derive(Clone, Debug)]");
    out.line(ALLOWED);
    out.open(format!("pub struct {} {{", contents.type_name));
    out.line("instance: ::wootz::Instance,");
    for Export { method, item, .. } in &contents.exports {
        out.line(format!("{method}: {},", field_type(item)));
    }
    out.close("}");
}

/// The traits that a store's data has to implement.
pub fn traits_of<'a>(contents: &'a Contents<'_>) -> impl Iterator<Item = &'a str> {
    let imported = contents.traits.iter().map(|imports| imports.name.as_str());
    imported.chain(contents.wasi.as_deref())
}

fn field_type(item: &Item<'_>) -> String {
    match item {
        Item::Function(signature) if signature.is_callable_with_types() => format!(
            "::wootz::TypedFunc<{}, {}>",
            signature.parameter_type(),
            signature.result_type()
        ),
        item => item.handle().to_string(),
    }
}

/// The function that finds all exports of an instance.
pub fn finder(out: &mut Writer, contents: &Contents<'_>) {
    out.doc(
        "The methods of an instance that was made in another way.\n\n\
         # Errors\nIf it is an instance of another module: an export is missing, or has another type.",
    );
    let store = if contents.exports.is_empty() { "_store" } else { "mut store" };
    let parameters =
        [format!("{store}: impl ::wootz::AsContextMut"), "instance: ::wootz::Instance".to_string()];
    out.open_list("pub fn new(", &parameters, ") -> ::wootz::Result<Self> {");
    out.open("Ok(Self {");
    for Export { name: export, method, item } in &contents.exports {
        let name = literal(export);
        match find(item) {
            Find::Typed => {
                out.line(format!("{method}: instance.get_typed_func(&mut store, {name})?,"));
            }
            Find::Handle(get) => {
                out.open(format!("{method}: instance"));
                out.line(format!(".{get}(&mut store, {name})"));
                let message = format!("the module exports no {} {}", item.kind(), shown(export));
                let message = literal(&message);
                out.line(format!(".ok_or_else(|| ::wootz::Error::msg({message}))?,"));
                out.shut();
            }
        }
    }
    out.line("instance,");
    out.close("})");
    out.close("}");
}

/// How an export is found in an instance.
enum Find {
    Typed,
    /// By this method.
    Handle(&'static str),
}

fn find(item: &Item<'_>) -> Find {
    match item {
        Item::Function(signature) if signature.is_callable_with_types() => Find::Typed,
        Item::Function(_) => Find::Handle("get_func"),
        Item::Memory(ty) if ty.shared => Find::Handle("get_shared_memory"),
        Item::Memory(_) => Find::Handle("get_memory"),
        Item::Table(_) => Find::Handle("get_table"),
        Item::Global(_) => Find::Handle("get_global"),
        Item::Tag(_) => Find::Handle("get_tag"),
    }
}

/// The methods for the exports.
pub fn methods(out: &mut Writer, exports: &[Export<'_>]) {
    for Export { name, method, item } in exports {
        out.blank();
        match item {
            Item::Function(signature) => {
                out.doc(format!(
                    "Calls the function {}: `{}`.\n\n\
                     # Errors\nIf the guest traps, or whatever error a host function gives.",
                    shown(name),
                    signature.text()
                ));
                call(out, name, method, signature);
            }
            item => {
                out.doc(format!("The {} {}: `{}`.", item.kind(), shown(name), item.text()));
                let is_shared = matches!(item, Item::Memory(ty) if ty.shared);
                out.open(format!("pub fn {method}(&self) -> {} {{", item.handle()));
                out.line(format!("self.{method}{}", if is_shared { ".clone()" } else { "" }));
                out.close("}");
            }
        }
    }
}

fn call(out: &mut Writer, name: &str, method: &str, signature: &Signature<'_>) {
    let mut parameters = vec!["&self".to_string(), "store: impl ::wootz::AsContextMut".to_string()];
    parameters.extend(signature.parameters());
    let results = signature.result_type();
    out.open_list(
        &format!("pub fn {method}("),
        &parameters,
        &format!(") -> ::wootz::Result<{results}> {{"),
    );
    if signature.is_callable_with_types() {
        let arguments = signature.arguments();
        let end = if arguments.len() == 1 { ",))" } else { "))" };
        out.list(&format!("self.{method}.call(store, ("), &arguments, end);
    } else {
        out.list("let params = [", &signature.argument_vals(), "];");
        let patterns = signature.result_patterns();
        out.line(format!("let mut results = [::wootz::Val::I32(0); {}];", patterns.len()));
        out.line(format!("self.{method}.call(store, &params, &mut results)?;"));
        if !patterns.is_empty() {
            out.open_list("let [", &patterns, "] = results else {");
            out.line(other_type(name));
            out.close("};");
        }
        out.line(format!("Ok({})", signature.found_results()));
    }
    out.close("}");
}

/// Ends a function of which a value has another type than is known here.
pub fn other_type(name: &str) -> String {
    let message = format!("{} has another type than was expected", shown(name));
    format!("return Err(::wootz::Error::msg({}));", literal(&message))
}
