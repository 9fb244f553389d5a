//! Runs one module on many threads, each with a store of its own, and stops whoever takes too long.
//!
//! ```console
//! $ cargo run -p wootz-examples --bin threads
//! ```

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use wootz::{Config, Engine, InstancePre, Linker, Module, Result, Store, Trap};

const GUEST: &str = r#"
    (module
      (import "host" "log" (func $log (param i32)))
      ;; The sum of the numbers up to n; endless if n is negative.
      (func (export "sum") (param $n i32) (result i32) (local $sum i32)
        (loop $next
          (local.set $sum (i32.add (local.get $sum) (local.get $n)))
          (br_if $next (i32.lt_s (local.get $n) (i32.const 0)))
          (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (call $log (local.get $sum))
        local.get $sum))
"#;

/// How often the epoch advances.
const TICK: Duration = Duration::from_millis(10);
/// After how many ticks a call is interrupted.
const PATIENCE: u64 = 50;

/// One request: a store, an instance, a call.
fn serve(guest: &InstancePre<Vec<i32>>, n: i32) -> Result<i32> {
    let mut store = Store::new(guest.module().engine(), Vec::new());
    store.set_epoch_deadline(PATIENCE);
    let instance = guest.instantiate(&mut store)?;
    let sum = instance.get_typed_func::<i32, i32>(&mut store, "sum")?.call(&mut store, n)?;
    assert_eq!(store.into_data(), [sum], "nobody else writes to this store's log");
    Ok(sum)
}

fn main() -> Result<()> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    let engine = Engine::new(&config)?;
    let module = Module::new(&engine, GUEST)?;
    let mut linker = Linker::<Vec<i32>>::new(&engine);
    linker.func_wrap("host", "log", |mut caller: wootz::Caller<'_, Vec<i32>>, value: i32| {
        caller.data_mut().push(value);
    })?;
    // Names are looked up and types checked once, for all threads.
    let guest = linker.instantiate_pre(&module)?;

    let done = AtomicBool::new(false);
    let results = thread::scope(|scope| {
        // One thread is the clock for all.
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                thread::sleep(TICK);
                engine.increment_epoch();
            }
        });
        let guest = &guest;
        let workers = [10, 100, -1, 1000].map(|n| scope.spawn(move || (n, serve(guest, n))));
        let results = workers.map(|worker| worker.join().expect("workers do not panic"));
        done.store(true, Ordering::Relaxed);
        results
    });
    for (n, result) in results {
        match result {
            Ok(sum) => println!("sum({n}) = {sum}"),
            Err(error) => {
                assert_eq!(error.downcast_ref(), Some(&Trap::Interrupt));
                println!("sum({n}): {}", error.root_cause());
            }
        }
    }
    Ok(())
}
