//! Limits how much memory, how many instances and how much stack a guest may use.
//!
//! ```console
//! $ cargo run -p wootz-examples --bin limits
//! ```

use wootz::{
    Config, Engine, Instance, Module, ResourceLimiter, Result, Store, StoreLimits,
    StoreLimitsBuilder, Trap,
};

const GUEST: &str = r#"
    (module
      (memory (export "memory") 1)
      (func (export "grow") (param i32) (result i32)
        (memory.grow (local.get 0)))
      (func $deeper (export "depth") (param i32) (result i32)
        (if (result i32) (local.get 0)
          (then (i32.add (i32.const 1)
            (call $deeper (i32.sub (local.get 0) (i32.const 1)))))
          (else (i32.const 0)))))
"#;

const MIB: usize = 1 << 20;

/// What the host keeps for each guest.
struct Host {
    limits: StoreLimits,
}

/// A limiter of our own: all guests of a customer share a budget.
struct Customer {
    name: &'static str,
    bytes_left: usize,
}

impl ResourceLimiter for Customer {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        let wanted = desired - current;
        if wanted > self.bytes_left {
            println!("  {} cannot have {} KiB more", self.name, wanted >> 10);
            return Ok(false);
        }
        self.bytes_left -= wanted;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        Ok(desired <= 1000)
    }
}

fn main() -> Result<()> {
    let mut config = Config::new();
    config.max_wasm_stack(64 << 10);
    let engine = Engine::new(&config)?;
    let module = Module::new(&engine, GUEST)?;

    println!("Fixed limits");
    let limits = StoreLimitsBuilder::new().memory_size(2 * MIB).instances(2).build();
    let mut store = Store::new(&engine, Host { limits });
    store.limiter(|host| &mut host.limits);
    let instance = Instance::new(&mut store, &module, &[])?;
    let grow = instance.get_typed_func::<u32, i32>(&mut store, "grow")?;
    assert_eq!(grow.call(&mut store, 31)?, 1, "to 2 MiB");
    // The guest learns that it cannot have more, and goes on.
    assert_eq!(grow.call(&mut store, 1)?, -1);
    // So does the host.
    let memory = instance.get_memory(&mut store, "memory").expect("the guest exports a memory");
    println!("  {}", memory.grow(&mut store, 1).expect_err("there is no more"));
    Instance::new(&mut store, &module, &[])?;
    let error = Instance::new(&mut store, &module, &[]).expect_err("two is the limit");
    println!("  {error}");

    println!("Limits that end the call");
    let limits = StoreLimitsBuilder::new().memory_size(2 * MIB).trap_on_grow_failure(true).build();
    let mut store = Store::new(&engine, Host { limits });
    store.limiter(|host| &mut host.limits);
    let instance = Instance::new(&mut store, &module, &[])?;
    let grow = instance.get_typed_func::<u32, i32>(&mut store, "grow")?;
    let error = grow.call(&mut store, 32).expect_err("that is too much");
    println!("  {}", error.root_cause());

    println!("A limiter of our own");
    let mut store = Store::new(&engine, Customer { name: "Ada", bytes_left: MIB });
    store.limiter(|customer| customer);
    let first = Instance::new(&mut store, &module, &[])?;
    let second = Instance::new(&mut store, &module, &[])?;
    for instance in [first, second] {
        let grow = instance.get_typed_func::<u32, i32>(&mut store, "grow")?;
        grow.call(&mut store, 10)?;
    }
    println!("  {} KiB are left", store.data().bytes_left >> 10);

    println!("The stack");
    let depth = first.get_typed_func::<u32, u32>(&mut store, "depth")?;
    assert_eq!(depth.call(&mut store, 500)?, 500);
    let error = depth.call(&mut store, 1_000_000).expect_err("64 KiB are not enough");
    assert_eq!(error.downcast_ref(), Some(&Trap::StackOverflow));
    println!("  {}", error.root_cause());
    Ok(())
}
