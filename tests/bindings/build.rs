//! Compiles the modules of the tests.

use std::path::PathBuf;

use wootz_build::Builder;

fn main() -> wootz_build::Result<()> {
    for name in ["awkward", "empty", "items", "overloads", "plugin", "system"] {
        wootz_build::compile(format!("modules/{name}.wat"))?;
    }
    // Two of the same contents, and one of the same file with other settings.
    for name in ["first", "second"] {
        Builder::new().source("modules/counter.wat").name(name).compile()?;
    }
    Builder::new().source("modules/counter.wat").name("with_fuel").consume_fuel(true).compile()?;
    many()
}

/// Two hundred modules with functions of the same names, and one function of the crate's that uses all of them.
fn many() -> wootz_build::Result<()> {
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").expect("Cargo says where to write"));
    let (mut modules, mut uses) = (String::new(), String::new());
    for number in 0..200 {
        let name = format!("many_{number}");
        let source = folder.join(&name).with_extension("wat");
        let guest = format!(
            r#"(module (memory 1) (data (i32.const 8) "\{number:02x}")
                (func (export "number") (result i32) (i32.load8_u (i32.const 8)))
                (func (export "trap") unreachable))"#
        );
        std::fs::write(&source, guest)?;
        Builder::new().source(&source).compile()?;
        modules += &format!("mod {name} {{ wootz::include_module!(\"{name}\"); }}\n");
        uses += &format!(
            "    let guest = {name}::Many{number}::instantiate(&mut *store)?;
    all.push((guest.number(&mut *store)?, guest.trap(&mut *store).is_err()));\n"
        );
    }
    let function = format!(
        "pub fn numbers(store: &mut wootz::Store<()>) -> wootz::Result<Vec<(i32, bool)>> {{
    let mut all = Vec::new();\n{uses}    Ok(all)\n}}\n"
    );
    std::fs::write(folder.join("many.rs"), modules + &function)?;
    Ok(())
}
