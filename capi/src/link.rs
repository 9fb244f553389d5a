//! What instances import, and how they are made.
//!
//! In: a list of what C has for guests, by name. Out: an instance, or an error that names the import that is missing or does
//! not fit.

use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;

use anyhow::{Context as _, Result, bail, ensure};
use loader::{Engine, Extern, ExternType, Instance, Linker, Module};

use crate::callback::{AnyFunction, Callback, Function};
use crate::error::{ErrorHandle, guarded};
use crate::module::{ItemKind, ModuleHandle};
use crate::pointer::{Out, handle, list};
use crate::store::{
    Context, Data, FuncHandle, GlobalHandle, InstanceBox, MemoryHandle, MemoryItem, StoreHandle,
    TableHandle, TagHandle,
};
use crate::text;

/// `wootz_import_t`
#[repr(C)]
pub struct Import {
    module: *const c_char,
    module_size: usize,
    name: *const c_char,
    name_size: usize,
    kind: c_int,
    callback: Option<Function>,
    function: AnyFunction,
    data: *mut c_void,
    item: *mut c_void,
}

/// What C has for guests, by name. Of the same name there may be several, for modules that import it several times.
type Offered<'a> = HashMap<(&'a str, &'a str), Vec<&'a Import>>;

/// # Safety
/// As the header asks.
unsafe fn by_name(imports: &[Import]) -> Result<Offered<'_>> {
    let mut offered = Offered::new();
    for (position, import) in imports.iter().enumerate() {
        let name = |pointer: *const c_char, size: usize, what: &str| {
            // SAFETY: the caller's promise.
            let bytes = unsafe { list(pointer.cast::<u8>(), size, what) };
            bytes
                .and_then(|bytes| text::checked(bytes, "a name"))
                .with_context(|| format!("wrong name of the import {position} of the list"))
        };
        let module = name(import.module, import.module_size, "bytes of a module's name")?;
        let name = name(import.name, import.name_size, "bytes of a name")?;
        offered.entry((module, name)).or_default().push(import);
    }
    Ok(offered)
}

/// What a module imports, in its order.
///
/// # Safety
/// As the header asks of what is offered.
unsafe fn resolve(
    store: &StoreHandle,
    context: &mut Context<'_>,
    module: &Module,
    offered: &Offered<'_>,
) -> Result<Vec<Extern>> {
    let engine = module.engine();
    ensure!(
        Engine::same(engine, context.engine()),
        "the module and the store belong to different engines"
    );
    let mut linker: Linker<Data> = Linker::new(engine);
    if StoreHandle::has_wasi(context) {
        wootz_wasi::add_imported_to_linker(&mut linker, [module], Data::wasi)?;
    }
    let mut seen: HashMap<(&str, &str), usize> = HashMap::new();
    let mut found = Vec::with_capacity(module.imports().len());
    for import in module.imports() {
        let names = (import.module(), import.name());
        let nth = seen.entry(names).or_default();
        // One of the list for each import of the same name; or the last for all that are left.
        let entry = offered.get(&names).and_then(|list| list.get(*nth).or(list.last()));
        *nth += 1;
        let what = || format!("`{}::{}`, {}", names.0, names.1, shown(&import.ty()));
        found.push(match entry {
            // SAFETY: the caller's promise.
            Some(entry) => unsafe { extern_of(store, context, entry, &import.ty()) }
                .with_context(|| format!("wrong import for {}", what()))?,
            None => match linker.get_by_import(&mut *context, &import) {
                Some(item) => item,
                None => {
                    let advice = advice(names.0, StoreHandle::has_wasi(context));
                    bail!("the module imports {}: {advice}", what())
                }
            },
        });
    }
    Ok(found)
}

fn advice(module: &str, has_wasi: bool) -> &'static str {
    match module {
        "wasi_snapshot_preview1" | "wasi_unstable" if has_wasi => {
            "the store's WASI has nothing of this name, and it is missing in the list of imports"
        }
        "wasi_snapshot_preview1" | "wasi_unstable" => {
            "a function of WASI, which the store does not have, see `wootz_store_set_wasi`"
        }
        _ => "this is missing in the list of imports",
    }
}

/// A type as it is in messages.
fn shown(ty: &ExternType) -> String {
    match ty {
        ExternType::Func(ty) => {
            let list = |word: &str, types: Vec<String>| match types.is_empty() {
                true => String::new(),
                false => format!(" ({word} {})", types.join(" ")),
            };
            let params = ty.params().map(|ty| ty.to_string()).collect();
            let results = ty.results().map(|ty| ty.to_string()).collect();
            format!("a function (func{}{})", list("param", params), list("result", results))
        }
        ty => format!("a {} {ty}", ItemKind::of(ty).name()),
    }
}

/// What stands in the list, as something of the store.
///
/// # Safety
/// As the header asks: a callback has the type that is imported.
unsafe fn extern_of(
    store: &StoreHandle,
    context: &mut Context<'_>,
    import: &Import,
    ty: &ExternType,
) -> Result<Extern> {
    let (wanted, found) = (ItemKind::of(ty), ItemKind::from_number(import.kind)?);
    ensure!(wanted == found, "expected a {}, found a {}", wanted.name(), found.name());
    if let (ExternType::Func(ty), Some(callback)) = (ty, import.callback) {
        let callback = Callback { callback, function: import.function, data: import.data };
        return Ok(callback.func(context, ty.clone()).into());
    }
    let item = import.item;
    ensure!(!item.is_null(), "it is null in the list of imports");
    Ok(match found {
        ItemKind::Func => store.find(item.cast::<FuncHandle>())?.item.func.into(),
        ItemKind::Table => store.find(item.cast::<TableHandle>())?.item.into(),
        ItemKind::Memory => match &store.find(item.cast::<MemoryHandle>())?.item {
            MemoryItem::Own(memory) => (*memory).into(),
            MemoryItem::Shared(memory) => memory.clone().into(),
        },
        ItemKind::Global => store.find(item.cast::<GlobalHandle>())?.item.into(),
        ItemKind::Tag => store.find(item.cast::<TagHandle>())?.item.into(),
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_instance_new(
    store: *const StoreHandle,
    module: *const ModuleHandle,
    imports: *const Import,
    count: usize,
    out: *mut *mut InstanceBox,
) -> *mut ErrorHandle {
    guarded(|| {
        // SAFETY: as the header asks.
        let (out, store, info, offered) = unsafe {
            let out = Out::new(out, null_mut())?;
            let (store, info) = (handle(store)?, handle(module)?.info.clone());
            (out, store, info, by_name(list(imports, count, "imports")?)?)
        };
        let instance = store.with(|mut context| {
            // SAFETY: as the header asks.
            let imports = unsafe { resolve(store, &mut context, &info.module, &offered) }?;
            let instance =
                store.begin(&info, || Instance::new(&mut context, &info.module, &imports))?;
            Ok(store.begin(&info, || store.instance(&mut context, instance)))
        })?;
        out.set(instance.as_ptr());
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_of_use() {
        let wasi = "wasi_snapshot_preview1";
        assert!(advice(wasi, false).contains("wootz_store_set_wasi"));
        assert!(advice(wasi, true).contains("nothing of this name"));
        assert_eq!(advice("env", true), advice("env", false));
    }
}
