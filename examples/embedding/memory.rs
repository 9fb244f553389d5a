//! Reads, writes and grows the memory of a guest, and makes one for a guest.
//!
//! ```console
//! $ cargo run -p wootz-examples --bin memory
//! ```

use wootz::{Engine, Instance, Memory, MemoryType, Module, Result, Store, Trap};

const GUEST: &str = r#"
    (module
      (memory (export "memory") 2 3)
      (func (export "size") (result i32) (memory.size))
      (func (export "load") (param i32) (result i32)
        (i32.load8_u (local.get 0)))
      (func (export "store") (param i32 i32)
        (i32.store8 (local.get 0) (local.get 1)))
      (data (i32.const 0x1000) "\01\02\03\04"))
"#;

/// Has no memory of its own.
const BORROWER: &str = r#"
    (module
      (import "host" "memory" (memory 1))
      (func (export "sum") (result i32)
        (i32.add (i32.load (i32.const 0)) (i32.load (i32.const 4)))))
"#;

const PAGE: usize = 0x10000;

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, GUEST)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let memory = instance.get_memory(&mut store, "memory").expect("the guest exports a memory");
    let size = instance.get_typed_func::<(), i32>(&mut store, "size")?;
    let load = instance.get_typed_func::<u32, u32>(&mut store, "load")?;
    let write = instance.get_typed_func::<(u32, u32), ()>(&mut store, "store")?;

    println!("Its type and size");
    let ty = memory.ty(&store);
    println!("  {ty}: from {} to {:?} pages", ty.minimum(), ty.maximum());
    assert_eq!((memory.size(&store), memory.data_size(&store)), (2, 2 * PAGE));
    assert_eq!(size.call(&mut store, ())?, 2);

    println!("Reading and writing");
    // A view of everything, valid until the store is used for something else.
    assert_eq!(memory.data(&store)[0x1000..0x1004], [1, 2, 3, 4]);
    // A guest and the host see the same bytes.
    assert_eq!(load.call(&mut store, 0x1003)?, 4);
    memory.data_mut(&mut store)[0x1003] = 5;
    assert_eq!(load.call(&mut store, 0x1003)?, 5);
    write.call(&mut store, (0x1002, 6))?;
    let mut bytes = [0; 4];
    memory.read(&store, 0x1000, &mut bytes)?;
    println!("  at 0x1000: {bytes:?}");
    memory.write(&mut store, 2 * PAGE - 2, b"ok")?;
    assert_eq!(load.call(&mut store, 2 * PAGE as u32 - 1)?, u32::from(b'k'));

    println!("Outside of it");
    let error = load.call(&mut store, 2 * PAGE as u32).expect_err("that is behind the end");
    assert_eq!(error.downcast_ref(), Some(&Trap::MemoryOutOfBounds));
    println!("  the guest: {}", error.root_cause());
    assert!(write.call(&mut store, (2 * PAGE as u32, 0)).is_err());
    let error = memory.write(&mut store, 2 * PAGE - 1, b"ok").expect_err("the second byte is");
    println!("  the host: {error}");
    assert_eq!(load.call(&mut store, 2 * PAGE as u32 - 1)?, u32::from(b'k'), "nothing was written");

    println!("Growing it");
    assert_eq!(memory.grow(&mut store, 1)?, 2, "it had two pages");
    assert_eq!(size.call(&mut store, ())?, 3);
    assert_eq!(load.call(&mut store, 2 * PAGE as u32)?, 0, "new bytes are zero");
    println!(
        "  by one page more: {}",
        memory.grow(&mut store, 1).expect_err("three is the maximum")
    );
    assert_eq!(memory.grow(&mut store, 0)?, 3);

    println!("A memory of the host's");
    let memory = Memory::new(&mut store, MemoryType::new(1, None))?;
    memory.write(&mut store, 0, &20i32.to_le_bytes())?;
    memory.write(&mut store, 4, &22i32.to_le_bytes())?;
    let borrower = Module::new(&engine, BORROWER)?;
    let borrower = Instance::new(&mut store, &borrower, &[memory.into()])?;
    let sum = borrower.get_typed_func::<(), i32>(&mut store, "sum")?;
    println!("  the sum of what is in it: {}", sum.call(&mut store, ())?);
    Ok(())
}
