//! Names of a module's as names of Rust's.
//!
//! In: any names, in order. Out: identifiers that Rust takes without a warning, each different from the others of its
//! scope.
//!
//! Always true: a name that is an identifier of the right style already, and means nothing else in its scope, stays as it
//! is, whatever comes before it.

use std::collections::{HashMap, HashSet};

use heck::{ToSnakeCase, ToUpperCamelCase};

/// Words that Rust has for itself, in any edition.
const KEYWORDS: &[&str] = &[
    "Self", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue",
    "crate", "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if",
    "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub",
    "ref", "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Types and traits that every Rust program can name without saying where they come from. Whoever includes the bindings
/// should still be able to.
const PRELUDE: &[&str] = &[
    "AsMut",
    "AsRef",
    "AsyncFn",
    "AsyncFnMut",
    "AsyncFnOnce",
    "Box",
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "DoubleEndedIterator",
    "Drop",
    "Eq",
    "Err",
    "ExactSizeIterator",
    "Extend",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromIterator",
    "Future",
    "Hash",
    "Into",
    "IntoFuture",
    "IntoIterator",
    "Iterator",
    "None",
    "Ok",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Result",
    "Send",
    "Sized",
    "Some",
    "String",
    "Sync",
    "ToOwned",
    "ToString",
    "TryFrom",
    "TryInto",
    "Unpin",
    "Vec",
];

/// The parameter of generic functions.
const TYPE_PARAMETER: &str = "T";

/// Whether something is an identifier in Rust as in C: letters, digits and `_`, not beginning with a digit, and no
/// word that Rust has for itself.
pub fn is_identifier(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(is_part)
        && name.chars().any(|c| c != '_')
        && !KEYWORDS.contains(&name)
}

/// A name as those of types are written.
pub fn type_name(name: &str) -> String {
    in_style(name, |name| name.to_upper_camel_case(), "Unnamed")
}

/// The name of the type for a module of this name.
pub fn module_type_name(module: &str) -> String {
    let name = type_name(module);
    if PRELUDE.contains(&name.as_str()) { format!("{name}Module") } else { name }
}

/// The name of a trait for what is imported from a module, where some names are taken.
pub fn trait_name(module: &str, taken: &mut HashSet<String>) -> String {
    let name = type_name(module);
    let is_known = PRELUDE.contains(&name.as_str()) || name == TYPE_PARAMETER;
    let name = match is_known || taken.contains(&name) {
        true => format!("{}Imports", name.trim_end_matches('_')),
        false => name,
    };
    let first = Some(name.clone());
    let others = (2..).map(|number| format!("{name}{number}"));
    let name = first.into_iter().chain(others).find(|name| !taken.contains(name));
    let name = name.expect("there are more numbers than names");
    taken.insert(name.clone());
    name
}

/// Names as those of functions are written, each different from the others and from those that are taken.
pub fn function_names(names: &[&str], taken: &[&str]) -> Vec<String> {
    let styled: Vec<String> =
        names.iter().map(|name| in_style(name, |name| name.to_snake_case(), "unnamed")).collect();
    let mut used: HashSet<String> = taken.iter().map(|name| name.to_string()).collect();
    // Who has such a name already is asked first.
    let mut found: Vec<Option<String>> = names
        .iter()
        .zip(&styled)
        .map(|(name, styled)| {
            (name == styled && used.insert(styled.clone())).then(|| styled.clone())
        })
        .collect();
    let mut next: HashMap<String, u64> = HashMap::new();
    for (found, styled) in found.iter_mut().zip(styled) {
        if found.is_some() {
            continue;
        }
        let mut name = styled.clone();
        while used.contains(&name) {
            let number = next.entry(styled.clone()).or_insert(1);
            *number += 1;
            name = format!("{}_{number}", styled.trim_end_matches('_'));
        }
        used.insert(name.clone());
        *found = Some(name);
    }
    found.into_iter().flatten().collect()
}

/// A name in a style, of ASCII letters and digits: others separate words.
fn in_style(name: &str, style: impl Fn(&str) -> String, unnamed: &str) -> String {
    let ascii: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let mut styled = style(&ascii);
    if styled.is_empty() {
        styled = unnamed.to_string();
    }
    if styled.starts_with(|c: char| c.is_ascii_digit()) {
        styled.insert(0, '_');
    }
    if KEYWORDS.contains(&styled.as_str()) {
        styled.push('_');
    }
    styled
}

/// A name as comments show it: on one line, and in a way that ends no quotation.
pub fn shown(name: &str) -> String {
    let escape = |c: char| match c {
        '`' => "\\u{60}".to_string(),
        '\'' | '"' => c.to_string(),
        c => c.escape_debug().to_string(),
    };
    format!("`{}`", name.chars().map(escape).collect::<String>())
}

/// A name as a string literal.
pub fn literal(name: &str) -> String {
    format!("{name:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_style_of_rust() {
        for (name, function, ty) in [
            ("add", "add", "Add"),
            ("getValue", "get_value", "GetValue"),
            ("my-plugin", "my_plugin", "MyPlugin"),
            ("_start", "start", "Start"),
            ("i32.add", "i32_add", "I32Add"),
            ("wasi_snapshot_preview1", "wasi_snapshot_preview1", "WasiSnapshotPreview1"),
            ("", "unnamed", "Unnamed"),
            ("日本", "unnamed", "Unnamed"),
            ("größe", "gr_e", "GrE"),
            ("3d", "_3d", "_3d"),
            ("type", "type_", "Type"),
            ("self", "self_", "Self_"),
            ("a\nb\"c", "a_b_c", "ABC"),
        ] {
            assert_eq!(function_names(&[name], &[]), [function]);
            assert_eq!(type_name(name), ty);
        }
    }

    #[test]
    fn collisions_are_numbered_and_exact_names_stay() {
        let names = ["Add", "add", "ADD", "add_2", "type", "Type", "new", "", "!"];
        let found = function_names(&names, &["new"]);
        let expected =
            ["add_3", "add", "add_4", "add_2", "type_", "type_2", "new_2", "unnamed", "unnamed_2"];
        assert_eq!(found, expected);
    }

    #[test]
    fn collisions_of_many_names_take_no_time() {
        let names: Vec<String> = (0..100_000).map(|n| "-".repeat(n % 7)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = function_names(&names, &[]);
        assert_eq!(found.len(), names.len());
        assert_eq!(found.iter().collect::<HashSet<_>>().len(), names.len());
    }

    #[test]
    fn traits_hide_nothing_that_everybody_uses() {
        let mut taken = HashSet::from(["Plugin".to_string()]);
        for (module, name) in [
            ("env", "Env"),
            ("Env", "EnvImports"),
            ("ENV", "EnvImports2"),
            ("plugin", "PluginImports"),
            ("result", "ResultImports"),
            ("t", "TImports"),
            ("self", "Self_"),
        ] {
            assert_eq!(trait_name(module, &mut taken), name);
        }
    }

    #[test]
    fn types_hide_nothing_that_everybody_uses() {
        for (module, name) in
            [("plugin", "Plugin"), ("option", "OptionModule"), ("sized", "SizedModule")]
        {
            assert_eq!(module_type_name(module), name);
        }
    }

    #[test]
    fn what_is_shown_stays_on_its_line() {
        assert_eq!(shown("a\n`b`\u{202e}"), "`a\\n\\u{60}b\\u{60}\\u{202e}`");
        assert_eq!(literal("a\"\n"), r#""a\"\n""#);
    }
}
