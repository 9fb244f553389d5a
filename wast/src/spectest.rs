//! The module `spectest` that scripts import from: some functions that print, and one thing of each other kind.

use anyhow::Result;
use wootz::{
    Global, GlobalType, Linker, Memory, MemoryType, Mutability, Ref, RefType, SharedMemory, Store,
    Table, TableType, Val,
};

/// Defines the module.
///
/// # Errors
/// If there is no memory left.
pub fn link(linker: &mut Linker<()>, store: &mut Store<()>, print: fn(&str)) -> Result<()> {
    let module = "spectest";
    linker.func_wrap(module, "print", move || print(""))?;
    linker.func_wrap(module, "print_i32", move |a: i32| print(&format!("{a} : i32")))?;
    linker.func_wrap(module, "print_i64", move |a: i64| print(&format!("{a} : i64")))?;
    linker.func_wrap(module, "print_f32", move |a: f32| print(&format!("{a} : f32")))?;
    linker.func_wrap(module, "print_f64", move |a: f64| print(&format!("{a} : f64")))?;
    linker.func_wrap(module, "print_i32_f32", move |a: i32, b: f32| {
        print(&format!("{a} : i32\n{b} : f32"))
    })?;
    linker.func_wrap(module, "print_f64_f64", move |a: f64, b: f64| {
        print(&format!("{a} : f64\n{b} : f64"))
    })?;

    for (name, value) in [
        ("global_i32", Val::I32(666)),
        ("global_i64", Val::I64(666)),
        ("global_f32", Val::F32(666.6_f32.to_bits())),
        ("global_f64", Val::F64(666.6_f64.to_bits())),
    ] {
        let ty = GlobalType::new(value.ty(&mut *store)?, Mutability::Const);
        let global = Global::new(&mut *store, ty, value)?;
        linker.define(&mut *store, module, name, global)?;
    }
    let table =
        Table::new(&mut *store, TableType::new(RefType::FUNCREF, 10, Some(20)), Ref::Func(None))?;
    linker.define(&mut *store, module, "table", table)?;
    let memory = Memory::new(&mut *store, MemoryType::new(1, Some(2)))?;
    linker.define(&mut *store, module, "memory", memory)?;
    let memory = SharedMemory::new(store.engine(), MemoryType::shared(1, 2))?;
    linker.define(&mut *store, module, "shared_memory", memory)?;
    Ok(())
}
