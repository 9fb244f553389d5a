//! A program with a WebAssembly module in it that its build script has compiled: no file to ship, no compiler in the program,
//! and functions that the Rust compiler knows.
//!
//! ```console
//! $ cargo run -p wootz-example-build-script
//! ```

use wootz::{Caller, Engine, Error, Result, Store};

// A type `Prices` with a method for each export, and a trait `Shop` for what is imported from `shop`.
wootz::include_module!("prices");

/// What the module can ask for. Without one of the functions below, this program is not compiled.
struct Articles {
    cents: Vec<i64>,
}

impl Shop for Articles {
    fn price(caller: &mut Caller<'_, Articles>, article: i32) -> Result<i64> {
        let price = caller.data().cents.get(article as usize);
        price.copied().ok_or_else(|| Error::msg(format!("there is no article {article}")))
    }

    fn say(caller: &mut Caller<'_, Articles>, address: i32, bytes: i32) -> Result<()> {
        let memory = caller.get_export("memory").and_then(wootz::Extern::into_memory);
        let memory = memory.ok_or_else(|| Error::msg("the guest exports no memory"))?;
        // Whatever the guest says: the text is in its memory, or nowhere.
        let text = memory.data(&*caller).get(address as u32 as usize..);
        let text = text.and_then(|rest| rest.get(..bytes as u32 as usize));
        let text = text.ok_or_else(|| Error::msg("the text is not in the memory"))?;
        println!("  {}", String::from_utf8_lossy(text));
        Ok(())
    }
}

fn main() -> Result<()> {
    let engine = Engine::default();
    let mut store = Store::new(&engine, Articles { cents: vec![250, 1999] });
    let prices = Prices::instantiate(&mut store)?;
    for (article, count) in [(0, 3), (1, 12), (2, 1)] {
        println!("{count} of article {article}");
        match prices.total(&mut store, article, count) {
            Ok((cents, off)) => println!("  {cents} cents, {off} less than usual"),
            Err(error) => println!("  error: {}", error.root_cause()),
        }
    }
    println!("{} articles sold", prices.sold().get(&mut store).unwrap_i32());
    Ok(())
}
