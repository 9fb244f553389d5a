//! Gives values of the host to a guest, which can keep them and pass them on, but not look into them.
//!
//! ```console
//! $ cargo run -p wootz-examples --bin externref
//! ```

use wootz::{Engine, ExternRef, Instance, Module, Ref, Result, RootScope, Rooted, Store, Val};

const GUEST: &str = r#"
    (module
      (table (export "table") 10 externref)
      (global (export "global") (mut externref) (ref.null extern))
      (func (export "same") (param externref) (result externref)
        local.get 0))
"#;

/// Says when it is dropped.
struct Noisy(&'static str);

impl Drop for Noisy {
    fn drop(&mut self) {
        println!("  {} is dropped", self.0);
    }
}

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, GUEST)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let table = instance.get_table(&mut store, "table").expect("the guest exports a table");
    let global = instance.get_global(&mut store, "global").expect("the guest exports a global");
    let same = instance.get_typed_func::<Option<Rooted<ExternRef>>, Option<Rooted<ExternRef>>>(
        &mut store, "same",
    )?;

    {
        // References that are made in a scope end with it. Otherwise they would end with the store.
        let mut scope = RootScope::new(&mut store);

        println!("Through a table");
        let apple = ExternRef::new(&mut scope, Noisy("the apple"))?;
        table.set(&mut scope, 3, Ref::Extern(Some(apple)))?;
        let element = table.get(&mut scope, 3).expect("the table has ten elements");
        let back = *element.unwrap_extern().expect("it is not null");
        assert!(Rooted::ref_eq(&scope, &apple, &back)?);

        println!("Through a global");
        let pear = ExternRef::new(&mut scope, Noisy("the pear"))?;
        global.set(&mut scope, Val::ExternRef(Some(pear)))?;
        let value = global.get(&mut scope);
        assert!(Rooted::ref_eq(&scope, &pear, value.unwrap_externref().expect("not null"))?);

        println!("Through a function");
        let plum = ExternRef::new(&mut scope, Noisy("the plum"))?;
        let back = same.call(&mut scope, Some(plum))?.expect("it is not null");
        let data = back.data(&scope)?.expect("it is a value of the host's");
        let Noisy(name) = data.downcast_ref().expect("all values here are of this type");
        println!("  {name} is back");
        assert!(same.call(&mut scope, None)?.is_none());
    }

    println!("Collecting what nobody refers to");
    store.gc(None)?;
    println!("Collecting, after the table was cleared");
    table.set(&mut store, 3, Ref::Extern(None))?;
    store.gc(None)?;
    println!("Dropping the store");
    drop(store);
    Ok(())
}
