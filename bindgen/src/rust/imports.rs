//! The traits for what a module imports, and the functions that link what implements them.
//!
//! Always true: each import is a method without a default, so that a program in which one is missing is not compiled.

use super::contents::{Contents, Import, Item, Trait};
use super::exports::{ALLOWED, other_type, traits_of};
use super::names::{literal, shown};
use super::types::Signature;
use super::writer::Writer;

/// The traits.
pub fn traits(out: &mut Writer, module: &str, contents: &Contents<'_>) {
    for Trait { module: from, name, imports } in &contents.traits {
        out.blank();
        out.doc(format!(
            "What the module {} imports from {}, for the type of the store's data to implement.",
            shown(module),
            shown(from)
        ));
        hint(out, module, from, name);
        out.open(format!("pub trait {name}: Sized + 'static {{"));
        for (position, import) in imports.iter().enumerate() {
            if position > 0 {
                out.blank();
            }
            method(out, import);
        }
        out.close("}");
    }
    if let Some(name) = &contents.wasi {
        out.blank();
        out.doc(format!(
            "What the module {} uses of the system, for the type of the store's data to implement.",
            shown(module)
        ));
        hint(out, module, "WASI", name);
        out.open(format!("pub trait {name}: Sized + 'static {{"));
        out.doc("What it may use.");
        out.line("fn wasi(&mut self) -> &mut ::wootz_wasi::WasiCtx;");
        out.close("}");
    }
}

/// What the compiler says where the trait is not implemented.
fn hint(out: &mut Writer, module: &str, from: &str, name: &str) {
    // Braces have a meaning in such messages.
    let plain = |text: &str| shown(text).replace(['{', '}'], "?");
    let message = format!(
        "`{{Self}}` has nothing of what the module {} imports from {}",
        plain(module),
        plain(from)
    );
    let note = format!("implement `{name}` for the type of the store's data");
    out.open("#[diagnostic::on_unimplemented(");
    out.line(format!("message = {},", literal(&message)));
    out.line(format!("note = {}", literal(&note)));
    out.close(")]");
    out.line(ALLOWED);
}

fn method(out: &mut Writer, import: &Import<'_>) {
    let Import { name, method, item, .. } = import;
    let text = format!("The {} {}: `{}`.", item.kind(), shown(name), item.text());
    match item {
        Item::Function(signature) => {
            out.doc(format!(
                "{text}\n\n# Errors\nWhat it gives ends the call of the guest, whose caller gets it."
            ));
            let mut parameters = vec!["caller: &mut ::wootz::Caller<'_, Self>".to_string()];
            parameters.extend(signature.parameters());
            let results = signature.result_type();
            out.list(
                &format!("fn {method}("),
                &parameters,
                &format!(") -> ::wootz::Result<{results}>;"),
            );
        }
        item => {
            out.doc(format!(
                "{text} Asked for once for each instance.\n\n# Errors\nWhat it gives ends the instantiation."
            ));
            out.list(
                &format!("fn {method}("),
                &["store: &mut ::wootz::StoreContextMut<'_, Self>".to_string()],
                &format!(") -> ::wootz::Result<{}>;", item.handle()),
            );
        }
    }
}

/// What a store's data must be, as the bound of a type parameter.
fn bound(contents: &Contents<'_>) -> String {
    let traits: Vec<&str> = traits_of(contents).collect();
    if traits.is_empty() { "'static".to_string() } else { traits.join(" + ") }
}

/// The functions that make instances.
pub fn instantiation(out: &mut Writer, contents: &Contents<'_>, is_linked: bool) {
    let bound = bound(contents);
    if is_linked {
        out.doc(
            "An instance that imports what the store's data implements.\n\n\
             The module is looked at anew each time: who makes many instances keeps what \
             [`module`](Self::module) returns, and uses\n[`instantiate_module`](Self::instantiate_module).\n\n\
             # Errors\nAs [`module`](Self::module) and [`instantiate_module`](Self::instantiate_module).",
        );
        out.open_list(
            &format!("pub fn instantiate<T: {bound}>("),
            &["store: impl ::wootz::AsContextMut<Data = T>".to_string()],
            ") -> ::wootz::Result<Self> {",
        );
        out.line("let module = Self::module(store.as_context().engine())?;");
        out.line("Self::instantiate_module(store, &module)");
        out.close("}");
        out.blank();
    }
    out.doc(
        "An instance of this module, loaded already, that imports what the store's data implements.\n\n\
         # Errors\nIf it is another module or of another engine, if the store may not have as much, or if the module's \
         segments or\nstart function trap.",
    );
    let uses_store = all(contents)
        .any(|(_, import)| import.is_overload || !matches!(import.item, Item::Function(_)));
    let store = if uses_store { "mut store" } else { "store" };
    out.open_list(
        &format!("pub fn instantiate_module<T: {bound}>("),
        &[
            format!("{store}: impl ::wootz::AsContextMut<Data = T>"),
            "module: &::wootz::Module".to_string(),
        ],
        ") -> ::wootz::Result<Self> {",
    );
    out.line("let mut linker = ::wootz::Linker::new(module.engine());");
    out.line("Self::add_to_linker(&mut linker, module)?;");
    for (imports, import) in all(contents) {
        if matches!(import.item, Item::Function(_)) || import.is_overload {
            continue;
        }
        out.line(format!("let item = {};", made(imports, import)));
        out.line(format!(
            "linker.define(&store, {}, {}, item)?;",
            literal(imports.module),
            literal(import.name)
        ));
    }
    match all(contents).any(|(_, import)| import.is_overload) {
        true => by_position(out, contents),
        false => out.line("Self::instantiate_with(store, module, &linker)"),
    }
    out.close("}");
    out.blank();
    with_linker(out);
}

/// An instance whose imports have names that stand for several things.
fn by_position(out: &mut Writer, contents: &Contents<'_>) {
    out.line("let mut imports: Vec<::wootz::Extern> = Vec::new();");
    out.open("for (position, import) in module.imports().enumerate() {");
    out.open("imports.push(match position {");
    for (imports, import) in all(contents).filter(|(_, import)| import.is_overload) {
        let positions: Vec<String> = import.positions.iter().map(usize::to_string).collect();
        out.open(format!("{} => {{", positions.join(" | ")));
        match import.item {
            Item::Function(signature) if signature.is_wrappable() => {
                out.open("let func = ::wootz::Func::wrap(");
                out.line("&mut store,");
                closure(out, imports, import, &signature);
                out.close(");");
                out.line("func.into()");
            }
            Item::Function(signature) => {
                out.line(function_type(import));
                out.open("let func = ::wootz::Func::new(");
                out.line("&mut store,");
                out.line("ty,");
                dynamic_closure(out, imports, import, &signature);
                out.close(");");
                out.line("func.into()");
            }
            _ => out.line(format!("{}.into()", made(imports, import))),
        }
        out.close("}");
    }
    out.open("_ => linker");
    out.line(".get_by_import(&mut store, &import)");
    out.line(".ok_or_else(|| ::wootz::format_err!(\"unknown import: {import:?}\"))?,");
    out.shut();
    out.close("});");
    out.close("}");
    out.line("let instance = ::wootz::Instance::new(&mut store, module, &imports)?;");
    out.line("Self::new(store, instance)");
}

fn with_linker(out: &mut Writer) {
    out.doc(
        "An instance of this module that imports what a linker defines.\n\n\
         # Errors\nIf something is not defined or does not fit, and as [`instantiate_module`](Self::instantiate_module).",
    );
    out.open_list(
        "pub fn instantiate_with<T: 'static>(",
        &[
            "mut store: impl ::wootz::AsContextMut<Data = T>".to_string(),
            "module: &::wootz::Module".to_string(),
            "linker: &::wootz::Linker<T>".to_string(),
        ],
        ") -> ::wootz::Result<Self> {",
    );
    out.line("let instance = linker.instantiate(&mut store, module)?;");
    out.line("Self::new(store, instance)");
    out.close("}");
}

/// The function that defines what is imported in a linker.
pub fn linking(out: &mut Writer, contents: &Contents<'_>) {
    let functions: Vec<_> = all(contents)
        .filter(|(_, import)| matches!(import.item, Item::Function(_)) && !import.is_overload)
        .collect();
    out.doc(
        "Defines the functions that this module imports, as the store's data implements them. What else it imports belongs to \
         a store,\nand is defined with [`Linker::define`](::wootz::Linker::define).\n\n\
         # Errors\nIf one is defined already, and the linker does not allow shadowing.",
    );
    out.open_list(
        &format!("pub fn add_to_linker<T: {}>(", bound(contents)),
        &["linker: &mut ::wootz::Linker<T>".to_string(), "module: &::wootz::Module".to_string()],
        ") -> ::wootz::Result<()> {",
    );
    let uses_module = functions.iter().any(|(_, import)| !is_wrappable(import));
    if !uses_module && contents.wasi.is_none() {
        out.line("let _ = module;");
    }
    if functions.is_empty() && contents.wasi.is_none() {
        out.line("let _ = linker;");
    }
    for (imports, import) in functions {
        let Item::Function(signature) = import.item else { continue };
        if !is_wrappable(import) {
            out.line(function_type(import));
        }
        out.open(if is_wrappable(import) { "linker.func_wrap(" } else { "linker.func_new(" });
        out.line(format!("{},", literal(imports.module)));
        out.line(format!("{},", literal(import.name)));
        if is_wrappable(import) {
            closure(out, imports, import, &signature);
        } else {
            out.line("ty,");
            dynamic_closure(out, imports, import, &signature);
        }
        out.close(")?;");
    }
    if let Some(name) = &contents.wasi {
        out.line(format!(
            "::wootz_wasi::add_imported_to_linker(linker, [module], <T as {name}>::wasi)?;"
        ));
    }
    out.line("Ok(())");
    out.close("}");
}

fn all<'a, 'm>(
    contents: &'a Contents<'m>,
) -> impl Iterator<Item = (&'a Trait<'m>, &'a Import<'m>)> {
    contents
        .traits
        .iter()
        .flat_map(|imports| imports.imports.iter().map(move |import| (imports, import)))
}

fn is_wrappable(import: &Import<'_>) -> bool {
    matches!(import.item, Item::Function(signature) if signature.is_wrappable())
}

/// What a store's data gives for an import that is no function.
fn made(imports: &Trait<'_>, import: &Import<'_>) -> String {
    format!("<T as {}>::{}(&mut store.as_context_mut())?", imports.name, import.method)
}

/// Finds the type of an imported function in the module, where it cannot be said in Rust.
fn function_type(import: &Import<'_>) -> String {
    let position = import.positions.first().copied().unwrap_or_default();
    format!(
        "let ty = module.imports().nth({position}).and_then(|import| import.ty().func().cloned());\n\
         let ty = ty.ok_or_else(|| ::wootz::Error::msg(\"another module than expected\"))?;"
    )
}

/// A closure of the function's type.
fn closure(out: &mut Writer, imports: &Trait<'_>, import: &Import<'_>, signature: &Signature<'_>) {
    let mut parameters = vec!["mut caller: ::wootz::Caller<'_, T>".to_string()];
    parameters.extend(signature.parameters());
    out.open_list("|", &parameters, "| {");
    let mut arguments = vec!["&mut caller".to_string()];
    arguments.extend(signature.arguments());
    out.list(&format!("<T as {}>::{}(", imports.name, import.method), &arguments, ")");
    out.close("},");
}

/// A closure that takes and gives values of any type.
fn dynamic_closure(
    out: &mut Writer,
    imports: &Trait<'_>,
    import: &Import<'_>,
    signature: &Signature<'_>,
) {
    let (params, results) = (signature.argument_patterns(), signature.result_vals());
    out.open(format!(
        "|mut caller: ::wootz::Caller<'_, T>, {}: &[::wootz::Val], {}: &mut [::wootz::Val]| {{",
        if params.is_empty() { "_params" } else { "params" },
        if results.is_empty() { "_results" } else { "results" },
    ));
    if !params.is_empty() {
        out.open_list("let &[", &params, "] = params else {");
        out.line(other_type(import.name));
        out.close("};");
    }
    let mut arguments = vec!["&mut caller".to_string()];
    arguments.extend(signature.found_arguments());
    let function = format!("<T as {}>::{}(", imports.name, import.method);
    if results.is_empty() {
        out.list(&function, &arguments, ")");
    } else {
        out.list(&format!("let {} = {function}", signature.result_pattern()), &arguments, ")?;");
        out.list("let values = [", &results, "];");
        out.open("for (result, value) in results.iter_mut().zip(values) {");
        out.line("*result = value;");
        out.close("}");
        out.line("Ok(())");
    }
    out.close("},");
}
