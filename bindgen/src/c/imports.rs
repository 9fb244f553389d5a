//! What is imported: the struct that the host fills in, and what stands between it and the library.
//!
//! The library knows callbacks of one type, which find their arguments in an array. For each type of function that the module
//! imports there is an adapter: a callback that is told which function of the host's to call, and calls it as one of that type.
//!
//! Always true: each import has a field, which it shares with others of the same names and type only.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use wootz_compiler::c_names::mangle_alone;
use wootz_runtime::abi::types::{FuncType, ValType};

use crate::interface::{Import, Interface, Item};
use crate::wasi;

use super::text::{comment, elements, literal};
use super::types::{field, handle, kind, parameters, result, shown};

/// What the host has to provide.
pub struct Imports<'a> {
    prefix: &'a str,
    /// In the module's order.
    all: Vec<Bound<'a>>,
    /// The structs, in the order in which the module mentions them, and the fields of each, as positions in `all`.
    groups: Vec<(String, Vec<usize>)>,
    /// The types of functions, in the same order.
    types: Vec<&'a FuncType>,
}

/// An import, and where the host puts what it is.
struct Bound<'a> {
    import: Import<'a>,
    group: String,
    field: String,
    /// The position of its type, if it is a function.
    adapter: Option<usize>,
}

impl<'a> Imports<'a> {
    pub fn new(interface: &Interface<'a>, prefix: &'a str) -> Imports<'a> {
        let mut imports =
            Imports { prefix, all: Vec::new(), groups: Vec::new(), types: Vec::new() };
        let mut fields = Fields::new(&interface.imports);
        let mut positions: HashMap<&FuncType, usize> = HashMap::new();
        let mut groups: HashMap<String, usize> = HashMap::new();
        for &import in &interface.imports {
            if wasi::has(&import) {
                continue;
            }
            let adapter = match import.item {
                Item::Function(ty) => Some(*positions.entry(ty).or_insert_with(|| {
                    imports.types.push(ty);
                    imports.types.len() - 1
                })),
                _ => None,
            };
            let group = match mangle_alone(import.module) {
                // Beside the structs stands the pointer that all functions get.
                name if name == "data" => "_x64ata".to_string(),
                name => name,
            };
            let at = *groups.entry(group.clone()).or_insert_with(|| {
                imports.groups.push((group.clone(), Vec::new()));
                imports.groups.len() - 1
            });
            let (field, is_new) = fields.of(&import);
            if is_new {
                imports.groups[at].1.push(imports.all.len());
            }
            imports.all.push(Bound { import, group, field, adapter });
        }
        imports
    }

    /// The struct that the host fills in.
    pub fn structure(&self) -> String {
        let prefix = self.prefix;
        let mut text = format!(
            "
/* ---- Imports ---- */

/*
 * What the module imports, to be filled in. Functions get `data`, which must be good as long as the store, and the instance
 * that calls them: NULL if that is the host, or an instance of another module. See wootz_callback_t.
 */
struct {prefix}_imports {{
    void *data;
"
        );
        for (group, fields) in &self.groups {
            text += "    struct {\n";
            for bound in fields.iter().map(|&position| &self.all[position]) {
                let Bound { import: Import { module, name, item }, field, .. } = bound;
                let names = format!("`{}` `{}`", comment(module), comment(name));
                writeln!(text, "        /* {names}: {} */", shown(item)).expect(WRITABLE);
                match item {
                    Item::Function(ty) => writeln!(
                        text,
                        "        wootz_error_t *(*{field})(void *data, struct {prefix} *caller{});",
                        parameters(ty)
                    ),
                    item => writeln!(text, "        {}{field};", handle(item)),
                }
                .expect(WRITABLE);
            }
            writeln!(text, "    }} {group};").expect(WRITABLE);
        }
        text + "};\n"
    }

    /// The callbacks that call the host's functions.
    pub fn adapters(&self) -> String {
        let types = self.types.iter().enumerate();
        types.map(|(position, ty)| adapter(self.prefix, position, ty)).collect()
    }

    /// The functions that make instances.
    pub fn instantiation(&self) -> String {
        let prefix = self.prefix;
        let count = self.all.len();
        let (mut names, mut list) = (String::new(), String::new());
        for (position, bound) in self.all.iter().enumerate() {
            let mut name = |which: &str, text: &str| {
                literal(text).unwrap_or_else(|| {
                    let name = format!("{prefix}_wootz_{which}_{position}");
                    let elements = elements(text);
                    write!(names, "\nstatic const char {name}[] = {{\n    {elements}}};\n")
                        .expect(WRITABLE);
                    name
                })
            };
            let Bound { import, group, field, adapter } = bound;
            let module = name("module", import.module);
            let name = name("name", import.name);
            let place = format!("imports->{group}.{field}");
            let what = match adapter {
                Some(adapter) => format!(
                    "{place} ? {prefix}_wootz_call_{adapter} : NULL, (wootz_function_t){place}, imports->data, NULL"
                ),
                None => format!("NULL, NULL, NULL, {place}"),
            };
            writeln!(
                list,
                "        {{{module}, {}, {name}, {}, {}, {what}}},",
                import.module.len(),
                import.name.len(),
                kind(&import.item)
            )
            .expect(WRITABLE);
        }
        let given = match count {
            0 => "    (void)imports;\n".to_string(),
            _ => format!(
                "    if (!imports) {{
        return wootz_error_new(\"the module `{prefix}` imports something, but `imports` is NULL\");
    }}
"
            ),
        };
        let (list, passed) = match count {
            0 => (String::new(), "NULL"),
            _ => (format!("    const wootz_import_t list[] = {{\n{list}    }};\n"), "list"),
        };
        format!(
            "{names}
/* As below, of a module that was made of {prefix}_wootz_module before: faster if there are many instances. */
static inline wootz_error_t *{prefix}_wootz_instantiate_module(wootz_store_t *store, const wootz_module_t *module,
    const struct {prefix}_imports *imports, struct {prefix} **out) {{
    if (!out) {{
        return wootz_error_new(\"there is no place for the result: its pointer is null\");
    }}
    *out = NULL;
{given}{list}    wootz_instance_t *instance = NULL;
    wootz_error_t *error = wootz_instance_new(store, module, {passed}, {count}, &instance);
    *out = (struct {prefix} *)instance;
    return error;
}}

/* Makes an instance of the module, which belongs to the store. */
static inline wootz_error_t *{prefix}_wootz_instantiate(
    wootz_store_t *store, const struct {prefix}_imports *imports, struct {prefix} **out) {{
    wootz_module_t *module = NULL;
    wootz_error_t *error = wootz_module_from_static(wootz_store_engine(store), &{prefix}_wootz_module, &module);
    if (out) {{
        *out = NULL;
    }}
    if (!error) {{
        error = {prefix}_wootz_instantiate_module(store, module, imports, out);
        wootz_module_delete(module);
    }}
    return error;
}}
"
        )
    }
}

const WRITABLE: &str = "strings can be written to";

/// A callback that calls a function of the host's of this type.
fn adapter(prefix: &str, position: usize, ty: &FuncType) -> String {
    let mut text = format!(
        "
/* Calls a function {ty} of the host's. */
static inline wootz_error_t *{prefix}_wootz_call_{position}(void *data, wootz_function_t function,
    wootz_instance_t *caller, wootz_value_t *values, size_t count) {{
    wootz_error_t *(*typed)(void *data, struct {prefix} *caller{})
        = (wootz_error_t * (*)(void *data, struct {prefix} *caller{})) function;
    wootz_error_t *error;
",
        parameters(ty),
        parameters(ty)
    );
    for (position, &ty) in ty.results.iter().enumerate() {
        let zero = match ty {
            ValType::V128 => "{{0}}",
            ValType::Ref(_) => "NULL",
            _ => "0",
        };
        writeln!(text, "    {}r{position} = {zero};", result(ty)).expect(WRITABLE);
    }
    let params = ty.params.iter().enumerate().map(|(position, &ty)| match ty {
        ValType::V128 => format!(", &values[{position}].v128"),
        ty => format!(", values[{position}].{}", field(ty)),
    });
    let results = (0..ty.results.len()).map(|position| format!(", &r{position}"));
    let arguments: String = params.chain(results).collect();
    text += "    (void)values;\n    (void)count;\n";
    writeln!(text, "    error = typed(data, {prefix}_wootz_of(caller){arguments});")
        .expect(WRITABLE);
    if !ty.results.is_empty() {
        text += "    if (!error) {\n";
        for (position, &ty) in ty.results.iter().enumerate() {
            writeln!(text, "        values[{position}].{} = r{position};", field(ty))
                .expect(WRITABLE);
        }
        text += "    }\n";
    }
    text + "    return error;\n}\n"
}

/// The fields of imports.
struct Fields<'a> {
    /// What each name of each module has been so far, and the fields of these.
    given: HashMap<(&'a str, &'a str), Vec<(Item<'a>, String)>>,
    /// Names that belong to imports, whatever happens to others.
    taken: HashMap<&'a str, BTreeSet<String>>,
}

impl<'a> Fields<'a> {
    fn new(imports: &[Import<'a>]) -> Fields<'a> {
        let mut taken: HashMap<&str, BTreeSet<String>> = HashMap::new();
        for import in imports {
            taken.entry(import.module).or_default().insert(mangle_alone(import.name));
        }
        Fields { given: HashMap::new(), taken }
    }

    /// The field of an import, and whether none before it has had this one.
    fn of(&mut self, import: &Import<'a>) -> (String, bool) {
        let given = self.given.entry((import.module, import.name)).or_default();
        if let Some((_, field)) = given.iter().find(|(item, _)| *item == import.item) {
            return (field.clone(), false);
        }
        let field = match given.len() {
            0 => mangle_alone(import.name),
            others => {
                let taken = self.taken.entry(import.module).or_default();
                let mut numbered = (others + 1..)
                    .map(|number| mangle_alone(&format!("{}#{number}", import.name)))
                    .filter(|field| !taken.contains(field));
                let field = numbered.next().expect("numbers do not end before names do");
                taken.insert(field.clone());
                field
            }
        };
        given.push((import.item, field.clone()));
        (field, true)
    }
}
