//! Modules that a build script has compiled into the program.
//!
//! The macros do nothing but name what `wootz-build` has written.

/// Includes the bindings of a module that a build script has compiled with `wootz_build`: a type for the module, and traits for
/// what it imports. The name is the one that the build script has given it, or else that of its file.
///
/// With a module `src/plugin.wat` and this `build.rs`
///
/// ```ignore
/// fn main() -> wootz_build::Result<()> {
///     wootz_build::compile("src/plugin.wat")
/// }
/// ```
///
/// the program has a type `Plugin`:
///
/// ```ignore
/// wootz::include_module!("plugin");
///
/// /// The data of the store, which has what the module imports.
/// struct Host;
///
/// impl Env for Host {
///     fn log(_caller: &mut wootz::Caller<'_, Host>, value: i32) -> wootz::Result<()> {
///         println!("the guest says {value}");
///         Ok(())
///     }
/// }
///
/// fn main() -> wootz::Result<()> {
///     let mut store = wootz::Store::new(&wootz::Engine::default(), Host);
///     let plugin = Plugin::instantiate(&mut store)?;
///     println!("{}", plugin.add(&mut store, 1, 2)?);
///     Ok(())
/// }
/// ```
///
/// Two modules that import from one of the same name have a trait of the same name each: include each in a Rust module of its
/// own.
#[macro_export]
macro_rules! include_module {
    ($name:literal) => {
        include!(concat!(
            env!(
                "OUT_DIR",
                "`include_module!` needs a build script that compiles the module with `wootz-build`"
            ),
            "/",
            $name,
            ".rs"
        ));
    };
}

/// What bindings find a module with that is linked into the program. Whoever made the bindings has made the module, too.
#[doc(hidden)]
#[macro_export]
macro_rules! __linked_module {
    ($engine:expr, $descriptor:ident) => {{
        unsafe extern "C" {
            static $descriptor: $crate::StaticModule;
        }
        // SAFETY: it is the descriptor of the module that was compiled together with the bindings, and is as long as the
        // program.
        unsafe { $crate::Module::from_static($engine, &raw const $descriptor) }
    }};
}
