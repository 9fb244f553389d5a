//! The directives of a script, one by one.

use std::collections::HashMap;

use anyhow::{Context, Error, Result, anyhow, bail, ensure};
use wast::token::Id;
use wast::{QuoteWat, WastDirective, WastExecute, WastInvoke, WastRet};
use wootz::{
    Engine, Extern, Instance, Linker, Module, SharedMemory, Store, Trap, UpdateDeadline, Val,
};

use super::compiler::Compiler;
use super::{spectest, values};

/// At how many checks of the epoch a script's guests are stopped to collect host values.
const MOST_CHECKS: u32 = 1000;

/// What a script has made so far.
pub struct Script<'a> {
    engine: Engine,
    compiler: &'a dyn Compiler,
    store: Store<()>,
    linker: Linker<()>,
    /// Modules that were defined: by name, and the last one.
    modules: HashMap<String, Module>,
    last_module: Option<Module>,
    /// Instances: by name, and the last one. None after an instantiation that failed.
    instances: HashMap<String, Instance>,
    last_instance: Option<Instance>,
    /// In threads: what they have of an instance of the thread that has started them, by its name: its shared memories, by
    /// the names of their exports.
    shared: HashMap<String, Vec<(String, SharedMemory)>>,
    print: fn(&str),
}

impl<'a> Script<'a> {
    /// A script at its beginning: there is nothing but `spectest`.
    ///
    /// # Errors
    /// If there is no memory left.
    pub fn new(engine: &Engine, compiler: &'a dyn Compiler, print: fn(&str)) -> Result<Script<'a>> {
        let mut store = Store::new(engine, ());
        if engine.get_consume_fuel() {
            store.set_fuel(u64::MAX)?;
        }
        // Nothing may be lost at checks of the epoch. After some, it would only take time.
        let mut checks = 0;
        store.epoch_deadline_callback(move |mut store| {
            store.gc(None)?;
            checks += 1;
            Ok(UpdateDeadline::Continue(if checks < MOST_CHECKS { 0 } else { u64::MAX }))
        });
        let mut linker = Linker::new(engine);
        // Scripts register several instances under one name.
        linker.allow_shadowing(true);
        spectest::link(&mut linker, &mut store, print)?;
        Ok(Script {
            engine: engine.clone(),
            compiler,
            store,
            linker,
            modules: HashMap::new(),
            last_module: None,
            instances: HashMap::new(),
            last_instance: None,
            shared: HashMap::new(),
            print,
        })
    }

    /// The script of a thread that shares memories of an instance with this one.
    ///
    /// # Errors
    /// If there is no such instance, or no memory left.
    pub fn of_thread(&mut self, instance: Option<Id<'_>>) -> Result<Script<'a>> {
        let mut script = Script::new(&self.engine, self.compiler, self.print)?;
        if let Some(id) = instance {
            let instance = self.instance(Some(id))?;
            let memories = instance.exports(&mut self.store).filter_map(|export| {
                let name = export.name().to_string();
                Some((name, export.into_shared_memory()?))
            });
            script.shared.insert(id.name().to_string(), memories.collect());
        }
        Ok(script)
    }

    /// Does what a directive says.
    ///
    /// # Errors
    /// If something else happens than it expects.
    pub fn directive(&mut self, directive: WastDirective<'_>) -> Result<()> {
        match directive {
            WastDirective::Module(mut module) => {
                self.last_instance = None;
                let name = module.name();
                let module = self.compile(&mut module)?;
                self.instantiate(name, &module)
            }
            WastDirective::ModuleDefinition(mut module) => {
                self.last_module = None;
                let name = module.name();
                let module = self.compile(&mut module)?;
                if let Some(name) = name {
                    self.modules.insert(name.name().to_string(), module.clone());
                }
                self.last_module = Some(module);
                Ok(())
            }
            WastDirective::ModuleInstance { instance, module, .. } => {
                self.last_instance = None;
                let module = match module {
                    Some(id) => self
                        .modules
                        .get(id.name())
                        .with_context(|| format!("no module ${}", id.name()))?,
                    None => self.last_module.as_ref().context("no module was defined")?,
                };
                let module = module.clone();
                self.instantiate(instance, &module)
            }
            WastDirective::Register { name, module: Some(id), .. }
                if self.shared.contains_key(id.name()) =>
            {
                for (export, memory) in &self.shared[id.name()] {
                    self.linker.define(&self.store, name, export, memory.clone())?;
                }
                Ok(())
            }
            WastDirective::Register { name, module, .. } => {
                let instance = self.instance(module)?;
                self.linker.instance(&mut self.store, name, instance)?;
                Ok(())
            }
            WastDirective::Invoke(invoke) => self.invoke(&invoke).map(drop),
            WastDirective::AssertReturn { exec, results, .. } => {
                let values = self.execute(exec)?;
                self.check_results(&values, &results)
            }
            WastDirective::AssertTrap { exec, message, .. } => {
                check_trap(self.execute(exec), message)
            }
            WastDirective::AssertExhaustion { call, message, .. } => {
                check_trap(self.invoke(&call), message)
            }
            WastDirective::AssertMalformed { mut module, message, .. }
            | WastDirective::AssertInvalid { mut module, message, .. } => {
                refused(self.compile(&mut module), message)
            }
            WastDirective::AssertMalformedCustom { mut module, message, .. }
            | WastDirective::AssertInvalidCustom { mut module, message, .. } => {
                let checked = module
                    .encode()
                    .map_err(Error::from)
                    .and_then(|binary| self.compiler.check_custom_sections(&binary));
                refused(checked, message)
            }
            WastDirective::AssertUnlinkable { mut module, message, .. } => {
                let module = self.compile_binary(&module.encode()?)?;
                match self.linker.instantiate(&mut self.store, &module) {
                    Ok(_) => bail!("expected not to link because of \"{message}\", but it did"),
                    Err(error) if error.is::<Trap>() => Err(error.context(format!(
                        "expected not to link because of \"{message}\", but it trapped"
                    ))),
                    Err(_) => Ok(()),
                }
            }
            WastDirective::AssertException { .. } => bail!("exceptions are not supported"),
            WastDirective::AssertSuspension { .. } => bail!("suspensions are not supported"),
            WastDirective::Thread(_) | WastDirective::Wait { .. } => {
                unreachable!("the script's runner starts threads and waits for them")
            }
        }
    }

    fn compile(&self, module: &mut QuoteWat<'_>) -> Result<Module> {
        let binary = module.encode()?;
        self.compile_binary(&binary)
    }

    fn compile_binary(&self, binary: &[u8]) -> Result<Module> {
        ensure!(binary.starts_with(b"\0asm"), "not a module in binary format");
        self.compiler.compile(&self.engine, binary)
    }

    fn instantiate(&mut self, name: Option<Id<'_>>, module: &Module) -> Result<()> {
        let instance = self.linker.instantiate(&mut self.store, module)?;
        if let Some(name) = name {
            self.instances.insert(name.name().to_string(), instance);
        }
        self.last_instance = Some(instance);
        Ok(())
    }

    fn instance(&self, name: Option<Id<'_>>) -> Result<Instance> {
        match name {
            Some(id) => self
                .instances
                .get(id.name())
                .copied()
                .with_context(|| format!("no instance ${}", id.name())),
            None => self
                .last_instance
                .context("no instance, because the module before was not instantiated"),
        }
    }

    fn export(&mut self, instance: Option<Id<'_>>, name: &str) -> Result<Extern> {
        let instance = self.instance(instance)?;
        instance.get_export(&mut self.store, name).with_context(|| format!("no export `{name}`"))
    }

    fn execute(&mut self, execute: WastExecute<'_>) -> Result<Vec<Val>> {
        match execute {
            WastExecute::Invoke(invoke) => self.invoke(&invoke),
            WastExecute::Wat(mut module) => {
                let module = self.compile_binary(&module.encode()?)?;
                self.linker.instantiate(&mut self.store, &module)?;
                Ok(Vec::new())
            }
            WastExecute::Get { module, global, .. } => {
                let export = self.export(module, global)?;
                let global = export
                    .into_global()
                    .with_context(|| format!("export `{global}` is no global"))?;
                Ok(vec![global.get(&mut self.store)])
            }
        }
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Result<Vec<Val>> {
        let export = self.export(invoke.module, invoke.name)?;
        let function = export
            .into_func()
            .with_context(|| format!("export `{}` is no function", invoke.name))?;
        let arguments =
            invoke.args.iter().map(|argument| values::argument(&mut self.store, argument));
        let arguments = arguments.collect::<Result<Vec<Val>>>()?;
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        function.call(&mut self.store, &arguments, &mut results)?;
        Ok(results)
    }

    fn check_results(&self, values: &[Val], expected: &[WastRet<'_>]) -> Result<()> {
        let mut is_expected = values.len() == expected.len();
        for (value, expected) in values.iter().zip(expected) {
            is_expected &= values::is_expected(&self.store, value, expected)?;
        }
        let message = || {
            anyhow!("expected {}, got {}", values::show_expected(expected), values::show(values))
        };
        is_expected.then_some(()).ok_or_else(message)
    }
}

/// Checks that a module was refused.
fn refused<T>(result: Result<T>, expected: &str) -> Result<()> {
    match result {
        Ok(_) => bail!("expected to be refused with \"{expected}\", but it compiled"),
        Err(_) => Ok(()),
    }
}

/// Checks that a trap came, for the expected reason.
fn check_trap(result: Result<Vec<Val>>, expected: &str) -> Result<()> {
    let error = match result {
        Ok(values) => bail!("expected the trap \"{expected}\", got {}", values::show(&values)),
        Err(error) => error,
    };
    match error.downcast_ref::<Trap>() {
        Some(trap) if is_expected_trap(&trap.to_string(), expected) => Ok(()),
        Some(trap) => bail!("expected the trap \"{expected}\", got \"{trap}\""),
        None => Err(Error::context(error, format!("expected the trap \"{expected}\""))),
    }
}

/// Whether a message of ours tells what a script's says. Scripts abbreviate, and sometimes tell which element it was, or
/// what kind of null reference.
fn is_expected_trap(message: &str, expected: &str) -> bool {
    if let Some(kind) =
        expected.strip_prefix("null ").and_then(|rest| rest.strip_suffix(" reference"))
    {
        return !kind.is_empty() && message.contains("null reference");
    }
    let without_index = expected.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end();
    message.contains(expected) || message.contains(without_index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_compared_by_what_they_begin_with() {
        assert!(is_expected_trap("wasm trap: uninitialized element", "uninitialized element 2"));
        assert!(is_expected_trap("wasm trap: indirect call type mismatch", "indirect call"));
        assert!(!is_expected_trap("wasm trap: integer overflow", "integer divide by zero"));
        assert!(is_expected_trap("wasm trap: null reference", "null function reference"));
        assert!(is_expected_trap("wasm trap: null reference", "null reference"));
        assert!(!is_expected_trap("wasm trap: integer overflow", "null function reference"));
    }
}
