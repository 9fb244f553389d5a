//! Compiles the module for the machine that the program is for.

fn main() -> wootz_build::Result<()> {
    wootz_build::compile("src/prices.wat")
}
