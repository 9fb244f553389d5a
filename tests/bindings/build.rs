//! Compiles the modules of the tests.

use wootz_build::Builder;

fn main() -> wootz_build::Result<()> {
    for name in ["awkward", "empty", "items", "overloads", "plugin", "system"] {
        wootz_build::compile(format!("modules/{name}.wat"))?;
    }
    // Two of the same contents, and one of the same file with other settings.
    for name in ["first", "second"] {
        Builder::new().source("modules/counter.wat").name(name).compile()?;
    }
    Builder::new().source("modules/counter.wat").name("with_fuel").consume_fuel(true).compile()
}
