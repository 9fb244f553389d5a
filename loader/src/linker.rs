//! Imports by name.
//!
//! In: definitions of names, and modules that import them. Out: instances, or an error that names the import that is
//! missing or does not fit.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::sync::Arc;

use anyhow::{Context, Error, Result, bail, ensure, format_err};
use wootz_runtime::abi::vmctx::ValRaw;

use crate::engine::Engine;
use crate::externs::Extern;
use crate::func::{Caller, IntoFunc, dynamic, typed_body, unchecked};
use crate::handle::{Func, Instance};
use crate::instance::{InstancePre, Item, Resolved};
use crate::module::Module;
use crate::store::{AsContext, AsContextMut, StoreCore};
use crate::types::{ExternType, FuncType, ImportType};
use crate::value::Val;

/// Definitions of names, for modules to import.
///
/// ```
/// # #[cfg(feature = "compiler")] {
/// use wootz::{Engine, Linker, Module, Store};
///
/// let engine = Engine::default();
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("host", "twice", |value: i32| value * 2)?;
/// let module = Module::new(&engine, r#"(module
///     (import "host" "twice" (func $twice (param i32) (result i32)))
///     (func (export "run") (result i32) (call $twice (i32.const 21))))"#)?;
/// // What a linker defines is for any number of stores.
/// for _ in 0..2 {
///     let mut store = Store::new(&engine, ());
///     let instance = linker.instantiate(&mut store, &module)?;
///     let run = instance.get_typed_func::<(), i32>(&mut store, "run")?;
///     assert_eq!(run.call(&mut store, ())?, 42);
/// }
/// # }
/// # Ok::<(), wootz::Error>(())
/// ```
pub struct Linker<T: 'static> {
    engine: Engine,
    allow_shadowing: bool,
    allow_unknown_exports: bool,
    /// By module, then by name.
    definitions: HashMap<Arc<str>, HashMap<Arc<str>, Resolved>>,
    _data: PhantomData<fn() -> T>,
}

impl<T: 'static> Clone for Linker<T> {
    fn clone(&self) -> Linker<T> {
        Linker {
            engine: self.engine.clone(),
            allow_shadowing: self.allow_shadowing,
            allow_unknown_exports: self.allow_unknown_exports,
            definitions: self.definitions.clone(),
            _data: PhantomData,
        }
    }
}

/// A module imports something that has not been defined.
#[derive(Clone, Debug)]
pub struct UnknownImportError {
    module: String,
    name: String,
    ty: ExternType,
}

impl UnknownImportError {
    /// The first name of the import.
    pub fn module(&self) -> &str {
        &self.module
    }

    /// The second name of the import.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What should be imported.
    pub fn ty(&self) -> ExternType {
        self.ty.clone()
    }
}

impl fmt::Display for UnknownImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown import: `{}::{}` has not been defined", self.module, self.name)?;
        match &self.ty {
            ExternType::Func(ty) => write!(f, "; the module expects {}", ty.signature().ty()),
            ty => write!(f, "; the module expects {ty}"),
        }
    }
}

impl std::error::Error for UnknownImportError {}

/// How a module wants to be used, by the exports that tell (the WASI application ABI).
enum Kind {
    /// Each call of an export is a run of its own.
    Command,
    /// It is initialised once, and then its exports are called.
    Reactor,
}

impl Kind {
    fn of(module: &Module) -> Result<Kind> {
        let has = |name: &str| match module.get_export(name) {
            Some(ExternType::Func(_)) => Ok(true),
            Some(_) => Err(format_err!("`{name}` must be a function")),
            None => Ok(false),
        };
        match (has("_start")?, has("_initialize")?) {
            (true, true) => bail!("Program cannot be both a Command and a Reactor"),
            (true, false) => Ok(Kind::Command),
            (false, _) => Ok(Kind::Reactor),
        }
    }
}

impl<T: 'static> Linker<T> {
    /// A linker without definitions.
    pub fn new(engine: &Engine) -> Linker<T> {
        Linker {
            engine: engine.clone(),
            allow_shadowing: false,
            allow_unknown_exports: false,
            definitions: HashMap::new(),
            _data: PhantomData,
        }
    }

    /// Its engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether a name may be defined again, which replaces its definition. Otherwise, and by default, it is an error.
    pub fn allow_shadowing(&mut self, allow: bool) -> &mut Linker<T> {
        self.allow_shadowing = allow;
        self
    }

    /// Whether [`module`](Self::module) ignores exports of commands that are not functions. Otherwise, and by default, they
    /// are an error.
    pub fn allow_unknown_exports(&mut self, allow: bool) -> &mut Linker<T> {
        self.allow_unknown_exports = allow;
        self
    }

    fn insert(&mut self, module: &str, name: &str, definition: Resolved) -> Result<&mut Linker<T>> {
        if !self.allow_shadowing && self.lookup(module, name).is_some() {
            bail!("import of `{module}::{name}` defined twice");
        }
        if !self.definitions.contains_key(module) {
            self.definitions.insert(module.into(), HashMap::new());
        }
        let names = self.definitions.get_mut(module).expect("inserted if it was missing");
        names.insert(name.into(), definition);
        Ok(self)
    }

    fn lookup(&self, module: &str, name: &str) -> Option<&Resolved> {
        self.definitions.get(module)?.get(name)
    }

    /// Defines a name as something in a store; modules can then be instantiated in this store only.
    ///
    /// # Errors
    /// If the name is defined already.
    pub fn define(
        &mut self,
        store: impl AsContext<Data = T>,
        module: &str,
        name: &str,
        item: impl Into<Extern>,
    ) -> Result<&mut Linker<T>> {
        let item = Item::new(&store.as_context().0.core, item.into());
        self.insert(module, name, Resolved::Item(item))
    }

    /// As [`define`](Self::define), for a name in the module whose name is empty.
    ///
    /// # Errors
    /// If the name is defined already.
    pub fn define_name(
        &mut self,
        store: impl AsContext<Data = T>,
        name: &str,
        item: impl Into<Extern>,
    ) -> Result<&mut Linker<T>> {
        self.define(store, "", name, item)
    }

    /// Defines a name as a host function whose type follows from a closure's.
    ///
    /// # Errors
    /// If the name is defined already.
    pub fn func_wrap<Params, Results>(
        &mut self,
        module: &str,
        name: &str,
        func: impl IntoFunc<T, Params, Results>,
    ) -> Result<&mut Linker<T>> {
        let body = typed_body(&self.engine, func);
        self.insert(module, name, Resolved::Host(body))
    }

    /// Defines a name as a host function of a type that is known only at run time. See [`Func::new`].
    ///
    /// # Errors
    /// If the name is defined already.
    pub fn func_new(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<&mut Linker<T>> {
        self.check_type(&ty);
        self.insert(module, name, Resolved::Host(dynamic(ty, func)))
    }

    /// Defines a name as a host function that reads its arguments and writes its results as compiled code passes them. See
    /// [`Func::new_unchecked`].
    ///
    /// # Errors
    /// If the name is defined already.
    ///
    /// # Safety
    /// As [`Func::new_unchecked`].
    pub unsafe fn func_new_unchecked(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &mut [MaybeUninit<ValRaw>]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<&mut Linker<T>> {
        self.check_type(&ty);
        self.insert(module, name, Resolved::Host(unchecked(ty, func)))
    }

    fn check_type(&self, ty: &FuncType) {
        assert!(
            Engine::same(ty.engine(), &self.engine),
            "the type must belong to the linker's engine"
        );
    }

    /// Defines, under the name of a module, all exports of an instance.
    ///
    /// # Errors
    /// If a name is defined already.
    pub fn instance(
        &mut self,
        mut store: impl AsContextMut<Data = T>,
        module_name: &str,
        instance: Instance,
    ) -> Result<&mut Linker<T>> {
        let mut store = store.as_context_mut();
        let exports: Vec<_> = instance
            .exports(store.reborrow())
            .map(|export| (export.name().to_string(), export.into_extern()))
            .collect();
        for (name, item) in exports {
            let item = Item::new(&store.0.core, item);
            self.insert(module_name, &name, Resolved::Item(item))?;
        }
        Ok(self)
    }

    /// Defines, under a name, all exports of a module, depending on what kind of module it is.
    ///
    /// A *command* has an export `_start`: each call of one of its functions runs in an instance of its own. Anything else is
    /// a *reactor*: it is instantiated once, and its export `_initialize` is called if there is one.
    ///
    /// # Errors
    /// If the module cannot be instantiated or initialised, if a name is defined already, or if a command exports something
    /// that is not a function.
    pub fn module(
        &mut self,
        mut store: impl AsContextMut<Data = T>,
        module_name: &str,
        module: &Module,
    ) -> Result<&mut Linker<T>> {
        let mut store = store.as_context_mut();
        match Kind::of(module)? {
            Kind::Command => self.command(module_name, module),
            Kind::Reactor => {
                let instance = self.instantiate(store.reborrow(), module)?;
                if let Some(func) = instance.get_func(store.reborrow(), "_initialize") {
                    func.typed::<(), ()>(store.reborrow())
                        .and_then(|func| func.call(store.reborrow(), ()))
                        .context("calling the Reactor initialization function")?;
                }
                self.instance(store, module_name, instance)
            }
        }
    }

    fn command(&mut self, module_name: &str, module: &Module) -> Result<&mut Linker<T>> {
        // What toolchains export besides functions, and nobody imports from a command.
        const IGNORED: [&str; 7] = [
            "memory",
            "__indirect_function_table",
            "table",
            "__data_end",
            "__heap_base",
            "__dso_handle",
            "__rtti_base",
        ];
        for export in module.exports() {
            let name = export.name().to_string();
            let ExternType::Func(ty) = export.ty() else {
                if self.allow_unknown_exports || IGNORED.contains(&export.name()) {
                    continue;
                }
                bail!("command export '{name}' is not a function");
            };
            let pre = self.instantiate_pre(module)?;
            let export = name.clone();
            let run = move |mut caller: Caller<'_, T>, params: &[Val], results: &mut [Val]| {
                let instance = pre.instantiate(&mut caller)?;
                let func =
                    instance.get_func(&mut caller, &export).expect("the module has this export");
                func.call(&mut caller, params, results)
            };
            self.func_new(module_name, &name, ty, run)?;
        }
        Ok(self)
    }

    /// Defines a name as what another name means now.
    ///
    /// # Errors
    /// If the other name is not defined, or this one is already.
    pub fn alias(
        &mut self,
        module: &str,
        name: &str,
        as_module: &str,
        as_name: &str,
    ) -> Result<&mut Linker<T>> {
        let Some(definition) = self.lookup(module, name).cloned() else {
            bail!("no item named `{module}::{name}` defined");
        };
        self.insert(as_module, as_name, definition)
    }

    /// Defines all names of a module as those of another.
    ///
    /// # Errors
    /// If one is defined already.
    pub fn alias_module(&mut self, module: &str, as_module: &str) -> Result<()> {
        let definitions = self.definitions.get(module).cloned().unwrap_or_default();
        for (name, definition) in definitions {
            self.insert(as_module, &name, definition)?;
        }
        Ok(())
    }

    /// Defines every function that a module imports and that has no definition yet as one that fails when it is called.
    ///
    /// # Errors
    /// Never in this version.
    pub fn define_unknown_imports_as_traps(&mut self, module: &Module) -> Result<()> {
        for import in module.imports() {
            if let (None, ExternType::Func(ty)) =
                (self.lookup(import.module(), import.name()), import.ty())
            {
                let error = unknown(&import);
                self.func_new(import.module(), import.name(), ty, move |_, _, _| {
                    Err(Error::new(error.clone()))
                })?;
            }
        }
        Ok(())
    }

    /// Defines everything that a module imports and that has no definition yet: functions that return zeros and nulls,
    /// globals that are zero or null, tables of nulls and memories of zeros, all as small as the import allows. Of these, only
    /// functions are for any store.
    ///
    /// # Errors
    /// If a result, global or element has no such value, or if the store's limiter refuses.
    pub fn define_unknown_imports_as_default_values(
        &mut self,
        mut store: impl AsContextMut<Data = T>,
        module: &Module,
    ) -> Result<()> {
        let mut store = store.as_context_mut();
        for import in module.imports() {
            if self.lookup(import.module(), import.name()).is_some() {
                continue;
            }
            let definition = default(store.reborrow(), import.ty()).with_context(|| {
                format!(
                    "no default value exists for `{}::{}` with type `{}`",
                    import.module(),
                    import.name(),
                    import.ty()
                )
            })?;
            self.insert(import.module(), import.name(), definition)?;
        }
        Ok(())
    }

    /// An instance of a module that imports what is defined.
    ///
    /// # Errors
    /// If something is not defined or does not fit, and as [`Instance::new`].
    pub fn instantiate(
        &self,
        mut store: impl AsContextMut<Data = T>,
        module: &Module,
    ) -> Result<Instance> {
        let mut store = store.as_context_mut();
        let pre = self.resolve(module, Some(&store.0.core))?;
        pre.instantiate(store.reborrow())
    }

    /// A module with everything it imports, as it is defined now.
    ///
    /// # Errors
    /// If something is not defined or does not fit. What counts are the sizes that memories and tables had when they were
    /// defined.
    pub fn instantiate_pre(&self, module: &Module) -> Result<InstancePre<T>> {
        Ok(self.resolve(module, None)?.for_many())
    }

    fn resolve(&self, module: &Module, store: Option<&StoreCore>) -> Result<InstancePre<T>> {
        let imports = module.imports().map(|import| {
            let found = self.lookup(import.module(), import.name()).cloned();
            found.ok_or_else(|| Error::new(unknown(&import)))
        });
        InstancePre::new(&self.engine, module, imports.collect::<Result<_>>()?, store)
    }

    /// Everything that is defined, as it is in a store: module, name, item.
    pub fn iter<'a>(
        &'a self,
        mut store: impl AsContextMut<Data = T> + 'a,
    ) -> impl Iterator<Item = (&'a str, &'a str, Extern)> + 'a {
        let all = self.definitions.iter().flat_map(|(module, names)| {
            names.iter().map(move |(name, definition)| (&**module, &**name, definition))
        });
        all.map(move |(module, name, definition)| (module, name, item(&mut store, definition)))
    }

    /// What a name is defined as, in a store.
    ///
    /// # Errors
    /// If it is not defined.
    pub fn get(
        &self,
        store: impl AsContextMut<Data = T>,
        module: &str,
        name: &str,
    ) -> Result<Extern> {
        match self.lookup(module, name) {
            Some(definition) => Ok(item(store, definition)),
            None => bail!("missing definition for `{module}::{name}`"),
        }
    }

    /// What an import is defined as, in a store.
    pub fn get_by_import(
        &self,
        store: impl AsContextMut<Data = T>,
        import: &ImportType<'_>,
    ) -> Option<Extern> {
        self.lookup(import.module(), import.name()).map(|definition| item(store, definition))
    }

    /// As [`get_by_import`](Self::get_by_import).
    ///
    /// # Errors
    /// Never in this version.
    pub fn try_get_by_import(
        &self,
        store: impl AsContextMut<Data = T>,
        import: &ImportType<'_>,
    ) -> Result<Option<Extern>> {
        Ok(self.get_by_import(store, import))
    }

    /// The function to run of a module: that with an empty name, `_start`, or one that does nothing.
    ///
    /// # Errors
    /// If that is not a function.
    pub fn get_default(
        &self,
        mut store: impl AsContextMut<Data = T>,
        module: &str,
    ) -> Result<Func> {
        let mut store = store.as_context_mut();
        for (name, what) in [("", "default export"), ("_start", "`_start`")] {
            if let Ok(item) = self.get(store.reborrow(), module, name) {
                return item
                    .into_func()
                    .ok_or_else(|| format_err!("{what} in '{module}' is not a function"));
            }
        }
        Ok(Func::wrap(store, || {}))
    }
}

/// What an import is when nobody says anything else.
fn default<T: 'static>(mut store: impl AsContextMut<Data = T>, ty: ExternType) -> Result<Resolved> {
    Ok(match ty {
        ExternType::Func(ty) => {
            let has_defaults = ty.results().all(|ty| ty.default_value().is_some());
            ensure!(has_defaults, "function results do not have a default value");
            // Results are zero or null unless they are filled in.
            Resolved::Host(dynamic::<T, _>(ty, |_, _, _| Ok(())))
        }
        ty => {
            let item = ty.default_value(&mut store)?;
            Resolved::Item(Item::new(&store.as_context().0.core, item))
        }
    })
}

fn unknown(import: &ImportType<'_>) -> UnknownImportError {
    UnknownImportError {
        module: import.module().to_string(),
        name: import.name().to_string(),
        ty: import.ty(),
    }
}

fn item<T: 'static>(mut store: impl AsContextMut<Data = T>, definition: &Resolved) -> Extern {
    match definition {
        Resolved::Item(item) => item.item.clone(),
        Resolved::Host(body) => store.as_context_mut().0.core.host_func(body).into(),
    }
}

impl<T: 'static> Default for Linker<T> {
    fn default() -> Linker<T> {
        Linker::new(&Engine::default())
    }
}

impl<T: 'static> fmt::Debug for Linker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linker").finish_non_exhaustive()
    }
}
