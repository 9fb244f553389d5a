//! Stops a guest that would run for ever, from another thread.
//!
//! ```console
//! $ cargo run -p wootz-examples --bin interrupt
//! ```

use std::thread;
use std::time::Duration;

use wootz::{Config, Engine, Instance, Module, Result, Store, Trap};

const GUEST: &str = r#"
    (module
      (func (export "run")
        (loop $forever (br $forever))))
"#;

fn main() -> Result<()> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    let engine = Engine::new(&config)?;
    let module = Module::new(&engine, GUEST)?;
    let mut store = Store::new(&engine, ());
    // Without a deadline that lies in the future, nothing can be called.
    store.set_epoch_deadline(1);
    let instance = Instance::new(&mut store, &module, &[])?;
    let run = instance.get_typed_func::<(), ()>(&mut store, "run")?;

    let watch = thread::spawn({
        let engine = engine.clone();
        move || {
            thread::sleep(Duration::from_millis(100));
            println!("Interrupting");
            engine.increment_epoch();
        }
    });
    println!("Entering the endless loop");
    let error = run.call(&mut store, ()).expect_err("the loop has no end");
    watch.join().expect("the watch does not panic");

    assert_eq!(error.downcast_ref(), Some(&Trap::Interrupt));
    println!("Back again: {}", error.root_cause());
    Ok(())
}
