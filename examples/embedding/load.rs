//! Compiles a module to a shared library, as a build step would, and loads it, as the finished program would.
//!
//! ```console
//! $ cargo run -p wootz-examples --bin load
//! ```

use wootz::{Engine, Instance, Module, Result, Store};

const GCD: &str = r#"
    (module
      (func (export "gcd") (param $a i32) (param $b i32) (result i32) (local $rest i32)
        loop $again
          local.get $b
          if
            (local.set $rest (i32.rem_u (local.get $a) (local.get $b)))
            (local.set $a (local.get $b))
            (local.set $b (local.get $rest))
            br $again
          end
        end
        local.get $a))
"#;

fn main() -> Result<()> {
    let engine = Engine::default();
    let folder = tempfile::tempdir()?;
    let library = folder.path().join("gcd.so");

    // The build step. On the command line: `wootz compile gcd.wat -o gcd.so`.
    std::fs::write(&library, engine.precompile_module(GCD.as_bytes())?)?;

    // The program. It needs no compiler: `wootz = { default-features = false }` has none.
    // SAFETY: the file was made above, and nobody has touched it since.
    let module = unsafe { Module::load(&engine, &library)? };
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let gcd = instance.get_typed_func::<(i32, i32), i32>(&mut store, "gcd")?;
    println!("gcd(6, 27) = {}", gcd.call(&mut store, (6, 27))?);
    Ok(())
}
