//! A module as a header for C and C++.
//!
//! In: what a module imports and exports, and the prefix that its object was compiled with. Out: a header that needs `wootz.h`
//! only. It has a prototype for each export, whose code is in the object; a struct of typed pointers for what is imported;
//! and inline functions that make instances of both.
//!
//! Always true: everything of ours that is no tag of a struct is called `PREFIX_wootz_...`, as no export is. What WASI
//! provides is not in the struct: the store answers for it.

/// How values are written in C.
mod types;
/// Names and texts of any characters, in C.
mod text;
/// What is imported: the struct, and what stands between it and the library.
mod imports;

use wootz_compiler::c_names;
use wootz_runtime::abi::manifest::Manifest;

use crate::error::{Error, Result};
use crate::interface::{Export, Interface, Item};

use self::imports::Imports;
use self::text::comment;
use self::types::{handle, parameters, shown};

/// The header of a module whose object was compiled with a prefix.
///
/// ```
/// let wasm = wat::parse_str(r#"(module
///     (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"#)?;
/// let manifest = wootz_compiler::interface(&wasm, &wootz_compiler::Options::default())?;
/// let header = wootz_bindgen::c::header(&manifest, "plugin")?;
/// let prototype = "wootz_error_t *plugin_add(struct plugin *instance, int32_t p0, int32_t p1, int32_t *r0);";
/// assert!(header.contains(prototype));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If C symbols cannot begin with the prefix, or the library's do; or if the manifest comes from a damaged file.
pub fn header(manifest: &Manifest, prefix: &str) -> Result<String> {
    check_prefix(prefix)?;
    let interface = Interface::new(manifest)?;
    let imports = Imports::new(&interface, prefix);
    let mut text = opening(manifest, prefix);
    text += &exports(&interface.exports, prefix);
    text += &imports.structure();
    text += &instance(prefix);
    text += &imports.adapters();
    text += &imports.instantiation();
    text += "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n";
    Ok(text)
}

/// Programs with headers are linked with the library, so that less is possible than in objects alone.
fn check_prefix(prefix: &str) -> Result<()> {
    let failed = |message: String| Err(Error::Prefix { message });
    match c_names::check_prefix(prefix) {
        Err(error) => failed(error.to_string()),
        Ok(()) if prefix.starts_with("wootz_") => failed(format!(
            "the prefix `{prefix}` belongs to the library for C, whose names begin with `wootz_`"
        )),
        Ok(()) => Ok(()),
    }
}

fn opening(manifest: &Manifest, prefix: &str) -> String {
    let name = match &manifest.name {
        Some(name) => format!("The module `{}`", comment(name)),
        None => "A WebAssembly module".to_string(),
    };
    format!(
        "\
/*
 * {name} for C and C++. Made by Wootz; what is changed here is lost when it is made again.
 *
 * The object comes from `wootz compile --emit object --prefix {prefix}`. Link it, and libwootz.
 *
 * A function that can fail returns NULL, or an error that the caller deletes; see wootz.h. Results are written only if
 * nothing has failed, and no pointer to a result may be NULL; nor may the instance whose function is called. Memories,
 * tables, globals and tags of no instance (NULL) are NULL.
 */
#ifndef {prefix}_wootz_header
#define {prefix}_wootz_header

#include <wootz.h>

#ifdef __cplusplus
extern \"C\" {{
#endif

/* An instance of the module. */
struct {prefix};

/* The module itself. */
extern const wootz_static_module_t {prefix}_wootz_module;
"
    )
}

fn exports(exports: &[Export<'_>], prefix: &str) -> String {
    let mut text = String::new();
    if !exports.is_empty() {
        text += "\n/* ---- Exports ---- */\n";
    }
    for Export { name, item } in exports {
        let symbol = c_names::export_symbol(prefix, name);
        text += &format!("\n/* `{}`: {} */\n", comment(name), shown(item));
        text += &match item {
            Item::Function(ty) => {
                format!("wootz_error_t *{symbol}(struct {prefix} *instance{});\n", parameters(ty))
            }
            item => format!("{}{symbol}(struct {prefix} *instance);\n", handle(item)),
        };
    }
    text
}

fn instance(prefix: &str) -> String {
    format!(
        "
/* ---- Instances ---- */

/* The same instance, for the functions of wootz.h. */
static inline wootz_instance_t *{prefix}_wootz_instance(struct {prefix} *instance) {{
    return (wootz_instance_t *)instance;
}}

/* The same instance, if it is one of this module; otherwise NULL. */
static inline struct {prefix} *{prefix}_wootz_of(wootz_instance_t *instance) {{
    return instance && wootz_instance_is_of(instance, &{prefix}_wootz_module) ? (struct {prefix} *)instance : NULL;
}}

/* Gives the pointer to an instance back before the store is deleted. See wootz_instance_delete. */
static inline void {prefix}_wootz_delete(struct {prefix} *instance) {{
    wootz_instance_delete((wootz_instance_t *)instance);
}}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_of(module: &str) -> String {
        let wasm = wat::parse_str(module).unwrap();
        let manifest =
            wootz_compiler::interface(&wasm, &wootz_compiler::Options::default()).unwrap();
        header(&manifest, "p").unwrap()
    }

    #[track_caller]
    fn has(text: &str, lines: &[&str]) {
        for line in lines {
            assert!(text.lines().any(|found| found.trim() == *line), "{line}\n\n{text}");
        }
    }

    #[test]
    fn every_kind_of_export_has_a_prototype() {
        let text = header_of(
            r#"(module $a
                (func (export "get-*/") (param i32 i64 f32 f64 v128 funcref externref)
                    (result v128 externref funcref i32) unreachable)
                (func (export "wootz_module"))
                (memory (export "memory") 1)
                (table (export "") 1 funcref)
                (global (export "g") (mut i64) (i64.const 0)))"#,
        );
        has(
            &text,
            &[
                "* The module `a` for C and C++. Made by Wootz; what is changed here is lost when it is made again.",
                "/* `get-*\\/`: (func (param i32 i64 f32 f64 v128 funcref externref) \
                 (result v128 externref funcref i32)) */",
                "wootz_error_t *p_get_x2D_x2A_x2F(struct p *instance, int32_t p0, int64_t p1, float p2, double p3, \
                 const wootz_v128_t *p4, wootz_func_t *p5, void *p6, wootz_v128_t *r0, void **r1, wootz_func_t **r2, \
                 int32_t *r3);",
                "wootz_error_t *p__x77ootz_module(struct p *instance);",
                "wootz_memory_t *p_memory(struct p *instance);",
                "wootz_table_t *p_(struct p *instance);",
                "wootz_global_t *p_g(struct p *instance);",
            ],
        );
    }

    #[test]
    fn every_kind_of_import_has_a_field() {
        let module = r#"(module
            (import "env" "log" (func (param i32)))
            (import "env" "log" (func (param i32)))
            (import "env" "log" (func (param i64) (result i64)))
            (import "env" "m" (memory 1))
            (import "data" "int" (func (result funcref)))
            (import "" "7" (global i32))
            (import "wasi_snapshot_preview1" "not_in_any" (func (result i32)))
            (import "wasi_snapshot_preview1" "sched_yield" (func (result i32))))"#;
        let text = header_of(module);
        has(
            &text,
            &[
                "wootz_error_t *(*log)(void *data, struct p *caller, int32_t p0);",
                "wootz_error_t *(*log_x232)(void *data, struct p *caller, int64_t p0, int64_t *r0);",
                "wootz_memory_t *m;",
                "} env;",
                "wootz_error_t *(*_x69nt)(void *data, struct p *caller, wootz_func_t **r0);",
                "} _x64ata;",
                "wootz_global_t *_x37;",
                "} _x5F;",
                "wootz_error_t *(*not_in_any)(void *data, struct p *caller, int32_t *r0);",
                "} wasi_snapshot_preview1;",
            ],
        );
        assert_eq!(text.matches("(*log)").count(), 1, "{text}");
        assert!(!text.contains("sched_yield"), "{text}");
        assert_eq!(text, header_of(module), "the same module, the same text");
    }

    #[test]
    fn prefixes_are_checked() {
        let manifest = Manifest::default();
        for (prefix, message) in [
            ("", "the prefix `` is no C identifier"),
            ("1a", "the prefix `1a` is no C identifier"),
            ("a-b", "the prefix `a-b` is no C identifier"),
            ("class", "the prefix `class` is no C identifier"),
            ("wootz", "the prefix `wootz` belongs to the library"),
            ("wootz_store", "the prefix `wootz_store` belongs to the library"),
        ] {
            let error = header(&manifest, prefix).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
        assert!(header(&manifest, "wootzy").is_ok());
    }
}
