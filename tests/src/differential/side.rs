//! The sides of a comparison: an instance of a module in Wootz, or in the interpreter, and what a host can see of it.

use std::borrow::Cow;
use std::cell::UnsafeCell;

use wootz_compiler::Features;

use super::random::Random;
use super::trap::{Trap, of_wasmi, of_wootz};
use super::value::{Function, Kind, Object, Value};

/// What a module exports, as far as it is compared.
#[derive(Clone, Debug)]
pub enum Export {
    /// A function.
    Func {
        /// Its name.
        name: String,
        /// What it takes.
        params: Vec<Param>,
        /// How many values it returns.
        results: usize,
    },
    /// A memory.
    Memory(String),
    /// A global.
    Global(String),
    /// A table.
    Table(String),
}

/// A parameter.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// What kind of value it takes.
    pub kind: Kind,
    /// Whether it takes references to any function or host value, and null.
    pub takes_all: bool,
    /// Whether it takes null, if it is a reference.
    pub takes_null: bool,
}

impl Export {
    /// The exports of a module.
    pub fn all(module: &wootz::Module) -> Vec<Export> {
        let mut exports = Vec::new();
        for export in module.exports() {
            let name = export.name().to_string();
            exports.push(match export.ty() {
                wootz::ExternType::Func(ty) => {
                    let params = ty.params().map(|ty| Param::of(&ty)).collect();
                    Export::Func { name, params, results: ty.results().len() }
                }
                wootz::ExternType::Memory(_) => Export::Memory(name),
                wootz::ExternType::Global(_) => Export::Global(name),
                wootz::ExternType::Table(_) => Export::Table(name),
                _ => continue,
            });
        }
        exports
    }
}

impl Param {
    fn of(ty: &wootz::ValType) -> Param {
        let reference = ty.as_ref();
        Param {
            kind: Kind::of(ty),
            takes_all: reference.is_none_or(|ty| ty.is_nullable() && ty.heap_type().is_top()),
            takes_null: reference.is_none_or(|ty| ty.is_nullable()),
        }
    }

    /// Some value of its type; `None` if it takes none that is known here.
    pub fn random(&self, random: &mut Random) -> Option<Value> {
        if self.takes_all {
            return Some(self.kind.random(random));
        }
        let null = match self.kind {
            Kind::Func => Value::Func(None),
            Kind::Extern => Value::Extern(None),
            _ => Value::Other(None),
        };
        self.takes_null.then_some(null)
    }
}

/// What instantiation came to.
pub enum Instantiated<S> {
    /// An instance.
    Instance(S),
    /// The start function or a segment trapped.
    Trapped(Trap),
    /// A segment did not fit, which is said in different words.
    Refused,
}

/// An instance, seen from its host.
pub trait Side {
    /// Calls an exported function.
    ///
    /// # Errors
    /// If it stops with an error that is no trap.
    fn call(
        &mut self,
        name: &str,
        arguments: &[Value],
        results: usize,
    ) -> Result<Result<Vec<Value>, Trap>, String>;

    /// The contents of an exported memory.
    fn memory(&mut self, name: &str) -> Cow<'_, [u8]>;

    /// The value of an exported global.
    fn global(&mut self, name: &str) -> Value;

    /// The elements of an exported table.
    fn table(&mut self, name: &str) -> Vec<Value>;
}

/// An instance in Wootz.
pub struct Wootz {
    /// With the number of times that a guest has reached its deadline.
    store: wootz::Store<u32>,
    instance: wootz::Instance,
    module: wootz::Module,
}

impl Wootz {
    /// An instance of a module.
    ///
    /// # Errors
    /// If it fails for another reason than that a guest may have.
    pub fn new(module: &wootz::Module) -> Result<Instantiated<Wootz>, String> {
        let mut store = wootz::Store::new(module.engine(), 0u32);
        store.epoch_deadline_callback(|mut store| {
            *store.data_mut() += 1;
            // Not always, for it takes time.
            let count = *store.data();
            if count < 20 || count.is_multiple_of(200) {
                store.gc(None)?;
            }
            Ok(wootz::UpdateDeadline::Continue(0))
        });
        if module.engine().get_consume_fuel() {
            store.set_fuel(u64::MAX).map_err(|error| error.to_string())?;
        }
        let instance = match wootz::Instance::new(&mut store, module, &[]) {
            Ok(instance) => instance,
            Err(error) => return Ok(Instantiated::Trapped(of_wootz(&error)?)),
        };
        Ok(Instantiated::Instance(Wootz { store, instance, module: module.clone() }))
    }

    /// The first exported function, by name, that is of a type.
    fn function(&mut self, ty: &wootz::HeapType) -> Option<wootz::Func> {
        let fits = |function: &wootz::FuncType| match ty {
            wootz::HeapType::Func => true,
            wootz::HeapType::ConcreteFunc(wanted) => function.matches(wanted),
            _ => false,
        };
        let exports = self.module.exports();
        let fitting = exports.filter(|export| export.ty().func().is_some_and(fits));
        let name = fitting.map(|export| export.name().to_string()).min()?;
        self.instance.get_func(&mut self.store, &name)
    }

    fn lower(&mut self, value: Value, ty: &wootz::ValType) -> wootz::ValRaw {
        let function = match value {
            Value::Func(Some(Function)) => self.function(ty.unwrap_ref().heap_type()),
            _ => None,
        };
        // The guest is the only one to hold on to host values.
        let mut scope = wootz::RootScope::new(&mut self.store);
        let value =
            match value {
                Value::I32(value) => wootz::Val::I32(value),
                Value::I64(value) => wootz::Val::I64(value),
                Value::F32(bits) => wootz::Val::F32(bits),
                Value::F64(bits) => wootz::Val::F64(bits),
                Value::V128(bits) => wootz::Val::V128(bits.into()),
                Value::Func(_) => wootz::Val::FuncRef(function),
                Value::Other(_) => wootz::Val::null_ref(ty.unwrap_ref().heap_type()),
                Value::Extern(number) => wootz::Val::ExternRef(number.map(|number| {
                    wootz::ExternRef::new(&mut scope, number).expect("there is room")
                })),
            };
        value.to_raw(&mut scope).expect("it is of this store")
    }
}

fn from_wootz(store: impl wootz::AsContext, value: &wootz::Val) -> Value {
    match value {
        wootz::Val::I32(value) => Value::I32(*value),
        wootz::Val::I64(value) => Value::I64(*value),
        wootz::Val::F32(bits) => Value::F32(*bits),
        wootz::Val::F64(bits) => Value::F64(*bits),
        wootz::Val::V128(value) => Value::V128(value.as_u128()),
        wootz::Val::FuncRef(function) => Value::Func(function.map(|_| Function)),
        wootz::Val::ExternRef(value) => Value::Extern(value.as_ref().map(|value| {
            let data = value.data(store.as_context()).expect("it is rooted");
            let data = data.expect("what guests hold is not collected");
            *data.downcast_ref().expect("they are numbers")
        })),
        other => {
            let reference = other.ref_().expect("all others are references");
            Value::Other((!reference.is_null()).then_some(Object))
        }
    }
}

impl Side for Wootz {
    fn call(
        &mut self,
        name: &str,
        arguments: &[Value],
        results: usize,
    ) -> Result<Result<Vec<Value>, Trap>, String> {
        let function = self.instance.get_func(&mut self.store, name).expect("it is exported");
        let ty = function.ty(&self.store);
        let mut values = vec![wootz::ValRaw::default(); arguments.len().max(results)];
        for ((raw, argument), ty) in values.iter_mut().zip(arguments).zip(ty.params()) {
            *raw = self.lower(*argument, &ty);
        }
        // SAFETY: the arguments are of the function's types, and there is room for the results.
        let outcome = unsafe { function.call_unchecked(&mut self.store, &mut values[..]) };
        if let Err(error) = outcome {
            return of_wootz(&error).map(Err);
        }
        let mut scope = wootz::RootScope::new(&mut self.store);
        let value = |(ty, raw): (wootz::ValType, &wootz::ValRaw)| {
            // SAFETY: the function has left a value of this type.
            let value = unsafe { wootz::Val::from_raw(&mut scope, *raw, ty) };
            from_wootz(&scope, &value)
        };
        Ok(Ok(ty.results().zip(&values).map(value).collect()))
    }

    fn memory(&mut self, name: &str) -> Cow<'_, [u8]> {
        if let Some(memory) = self.instance.get_shared_memory(&mut self.store, name) {
            let data: *const [UnsafeCell<u8>] = memory.data();
            // SAFETY: no guest runs, nobody else has this memory, and it lives as long as the instance.
            return Cow::Borrowed(unsafe { &*(data as *const [u8]) });
        }
        let memory = self.instance.get_memory(&mut self.store, name).expect("it is exported");
        Cow::Borrowed(memory.data(&self.store))
    }

    fn global(&mut self, name: &str) -> Value {
        let mut scope = wootz::RootScope::new(&mut self.store);
        let global = self.instance.get_global(&mut scope, name).expect("it is exported");
        let value = global.get(&mut scope);
        from_wootz(&scope, &value)
    }

    fn table(&mut self, name: &str) -> Vec<Value> {
        let mut scope = wootz::RootScope::new(&mut self.store);
        let table = self.instance.get_table(&mut scope, name).expect("it is exported");
        let size = table.size(&scope);
        let element = |index| {
            let element = table.get(&mut scope, index).expect("there are as many");
            from_wootz(&scope, &element.into())
        };
        (0..size).map(element).collect()
    }
}

/// An instance in the interpreter.
pub struct Wasmi {
    store: wasmi::Store<()>,
    instance: wasmi::Instance,
    /// The first exported function, by name.
    function: wasmi::Ref<wasmi::Func>,
}

/// What the interpreter does not have.
const WASMI_LACKS: &[&str] = &["exceptions", "function-references", "gc", "threads"];

impl Wasmi {
    /// Those of some proposals that the interpreter has.
    pub fn features(of: &Features) -> Features {
        let mut features = of.clone();
        for name in of.iter().filter(|name| WASMI_LACKS.contains(name)) {
            features.set(name, false).expect("the proposal exists");
        }
        features
    }

    /// The interpreter with everything it has.
    pub fn engine() -> wasmi::Engine {
        let mut config = wasmi::Config::default();
        config.wasm_custom_page_sizes(true).wasm_wide_arithmetic(true);
        config.set_max_recursion_depth(20_000).set_max_stack_height(4 << 20);
        wasmi::Engine::new(&config)
    }

    /// An instance of a module.
    ///
    /// # Errors
    /// If it fails for another reason than that a guest may have.
    pub fn new(module: &wasmi::Module) -> Result<Instantiated<Wasmi>, String> {
        let mut store = wasmi::Store::new(module.engine(), ());
        let linker = wasmi::Linker::<()>::new(module.engine());
        let instance = match linker.instantiate_and_start(&mut store, module) {
            Ok(instance) => instance,
            Err(error) if error.as_trap_code().is_none() => return Ok(Instantiated::Refused),
            Err(error) => return Ok(Instantiated::Trapped(of_wasmi(&error)?)),
        };
        let functions = module.exports().filter(|export| export.ty().func().is_some());
        let first = functions.map(|export| export.name()).min();
        let function = first.and_then(|name| instance.get_func(&store, name));
        let function = function.map_or(wasmi::Ref::Null, wasmi::Ref::Val);
        Ok(Instantiated::Instance(Wasmi { store, instance, function }))
    }

    fn lower(&mut self, value: Value) -> wasmi::Val {
        match value {
            Value::I32(value) => wasmi::Val::I32(value),
            Value::I64(value) => wasmi::Val::I64(value),
            Value::F32(bits) => wasmi::Val::F32(wasmi::F32::from_bits(bits)),
            Value::F64(bits) => wasmi::Val::F64(wasmi::F64::from_bits(bits)),
            Value::V128(bits) => wasmi::Val::V128(bits.into()),
            Value::Func(None) => wasmi::Val::FuncRef(wasmi::Ref::Null),
            Value::Func(Some(Function)) => wasmi::Val::FuncRef(self.function),
            Value::Extern(None) => wasmi::Val::ExternRef(wasmi::Ref::Null),
            Value::Extern(Some(number)) => wasmi::ExternRef::new(&mut self.store, number).into(),
            Value::Other(_) => unreachable!("the interpreter has no other types"),
        }
    }

    fn lift(&self, value: &wasmi::Val) -> Value {
        match value {
            wasmi::Val::I32(value) => Value::I32(*value),
            wasmi::Val::I64(value) => Value::I64(*value),
            wasmi::Val::F32(value) => Value::F32(value.to_bits()),
            wasmi::Val::F64(value) => Value::F64(value.to_bits()),
            wasmi::Val::V128(value) => Value::V128(value.as_u128()),
            wasmi::Val::FuncRef(wasmi::Ref::Null) => Value::Func(None),
            wasmi::Val::FuncRef(_) => Value::Func(Some(Function)),
            wasmi::Val::ExternRef(wasmi::Ref::Null) => Value::Extern(None),
            wasmi::Val::ExternRef(wasmi::Ref::Val(value)) => {
                let data = value.data(&self.store);
                Value::Extern(Some(*data.downcast_ref().expect("they are numbers")))
            }
        }
    }
}

impl Side for Wasmi {
    fn call(
        &mut self,
        name: &str,
        arguments: &[Value],
        results: usize,
    ) -> Result<Result<Vec<Value>, Trap>, String> {
        let function = self.instance.get_func(&self.store, name).expect("it is exported");
        let arguments: Vec<_> = arguments.iter().map(|value| self.lower(*value)).collect();
        let mut values = vec![wasmi::Val::I32(0); results];
        match function.call(&mut self.store, &arguments, &mut values) {
            Ok(()) => Ok(Ok(values.iter().map(|value| self.lift(value)).collect())),
            Err(error) => of_wasmi(&error).map(Err),
        }
    }

    fn memory(&mut self, name: &str) -> Cow<'_, [u8]> {
        let memory = self.instance.get_memory(&self.store, name).expect("it is exported");
        Cow::Borrowed(memory.data(&self.store))
    }

    fn global(&mut self, name: &str) -> Value {
        let global = self.instance.get_global(&self.store, name).expect("it is exported");
        self.lift(&global.get(&self.store))
    }

    fn table(&mut self, name: &str) -> Vec<Value> {
        let table = self.instance.get_table(&self.store, name).expect("it is exported");
        let size = table.size(&self.store);
        let element = |index| table.get(&self.store, index).expect("there are as many");
        (0..size).map(|index| self.lift(&element(index))).collect()
    }
}
