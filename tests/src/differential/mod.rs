//! Modules that run twice, and must do the same both times: same results, same traps, and afterwards same memories, globals
//! and tables.
//!
//! In: bytes of no meaning, of which a module is made, or a module. Out: nothing, or a `Difference`. The sides are Wootz
//! with some settings and, as `Peer` says, an interpreter or Wootz with other settings.
//!
//! Always true: whatever is not determined by the specification is determined by the module, so every difference is a defect
//! of one side; and every module ends.

/// Modules of random operators, each function a chain of them.
pub mod chain;
/// What was compared.
pub mod counts;
/// All operators with their types.
pub mod operators;
/// Random numbers.
pub mod random;
/// Makes modules say the same everywhere.
pub mod rewrite;
/// What runs a module.
pub mod side;
/// Modules of all kinds.
pub mod smith;
/// Why guests stop.
pub mod trap;
/// Values, and at which of them operators change what they do.
pub mod value;

use std::fmt;
use std::path::PathBuf;

use arbitrary::Unstructured;
use wootz_compiler::Features;

use counts::Counts;
use random::Random;
use side::{Export, Instantiated, Param, Side, Wasmi, Wootz};
use trap::{EXHAUSTED, UNREACHABLE};
use value::Value;

/// What Wootz is compared with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// The interpreter wasmi, which does not have all proposals.
    Wasmi,
    /// Itself, with other settings.
    Settings,
}

/// How often each function is called in one instance. More than once, because a call may prepare the next.
const CALLS: usize = 4;
/// How many loop iterations and calls a module may make before it traps.
const FUEL: u32 = 1000;

/// Settings that modules are compiled with.
pub struct Setting {
    /// What they are called in messages.
    pub name: &'static str,
    engine: wootz::Engine,
}

/// The arguments for a call of a function with some parameters, given how often it was called before; `None` if it is not to
/// be called again.
pub type Arguments<'a> = dyn FnMut(&[Param], &mut Random, usize) -> Option<Vec<Value>> + 'a;

/// Compares modules.
pub struct Comparison {
    peer: Peer,
    features: Features,
    settings: Vec<Setting>,
    interpreter: wasmi::Engine,
    counts: Counts,
}

impl Comparison {
    /// Compares with a peer, on modules that need what both sides have.
    ///
    /// # Panics
    /// If the settings do not fit each other.
    pub fn new(peer: Peer) -> Comparison {
        let all = implemented();
        let features = match peer {
            Peer::Wasmi => Wasmi::features(&all),
            Peer::Settings => all,
        };
        Comparison {
            peer,
            features,
            settings: settings(),
            interpreter: Wasmi::engine(),
            counts: Counts::default(),
        }
    }

    /// The proposals that modules may need.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// The settings that Wootz has.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// What was compared so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Makes a module of some bytes, and compares the sides on it. Nothing happens if there are too few bytes.
    ///
    /// # Errors
    /// If the sides differ.
    pub fn run(&mut self, entropy: &[u8]) -> Result<(), Difference> {
        let Some(wasm) = generated(entropy, &self.features) else { return Ok(()) };
        let setting = Random::of(entropy).below(self.settings.len());
        self.compare(&wasm, setting)
    }

    /// Compares the sides on a module, in which the specification leaves nothing open; `setting` says which settings Wootz
    /// has.
    ///
    /// # Errors
    /// If the sides differ.
    pub fn compare(&mut self, wasm: &[u8], setting: usize) -> Result<(), Difference> {
        self.compare_calls(wasm, setting, &mut |params, random, call| match call < CALLS {
            true => params.iter().map(|param| param.random(random)).collect(),
            false => None,
        })
    }

    /// As [`compare`](Self::compare), with other arguments.
    ///
    /// # Errors
    /// If the sides differ.
    pub fn compare_calls(
        &mut self,
        wasm: &[u8],
        setting: usize,
        arguments: &mut Arguments,
    ) -> Result<(), Difference> {
        let Setting { name, engine } = &self.settings[setting];
        let mut run = || -> Result<(), String> {
            let module = wootz::Module::new(engine, wasm)
                .map_err(|error| format!("it cannot be compiled: {error:?}"))?;
            let exports = Export::all(&module);
            self.counts.modules += 1;
            self.counts.note_operators(wasm);
            let session = Session { exports: &exports, counts: &mut self.counts, arguments };
            match self.peer {
                Peer::Wasmi => {
                    let other = wasmi::Module::new(&self.interpreter, wasm)
                        .map_err(|error| format!("wasmi refuses it: {error}"))?;
                    session.run(wasm, || Wootz::new(&module), || Wasmi::new(&other))
                }
                Peer::Settings => {
                    // The first settings are the plainest.
                    let other = wootz::Module::new(&self.settings[0].engine, wasm)
                        .map_err(|error| format!("only once it can be compiled: {error:?}"))?;
                    session.run(wasm, || Wootz::new(&module), || Wootz::new(&other))
                }
            }
        };
        let peer = match self.peer {
            Peer::Wasmi => "wasmi",
            Peer::Settings => self.settings[0].name,
        };
        run().map_err(|message| Difference {
            message: format!("with the settings `{name}`, compared with `{peer}`: {message}"),
            wasm: wasm.to_vec(),
        })
    }
}

/// Changes settings.
type Change = fn(&mut wootz::Config);

/// Proposals that are off unless one asks for them, and how one does.
const OFF_BY_DEFAULT: &[(&str, Change)] = &[
    ("custom-page-sizes", |config| _ = config.wasm_custom_page_sizes(true)),
    ("wide-arithmetic", |config| _ = config.wasm_wide_arithmetic(true)),
];

/// All proposals that are implemented, whether on by default or not.
pub fn implemented() -> Features {
    let mut features = Features::default();
    for (name, _) in OFF_BY_DEFAULT.iter().filter(|(name, _)| Features::is_implemented(name)) {
        features.set(name, true).expect("it is implemented");
    }
    features
}

/// The settings that modules are compiled with, the plainest first.
fn settings() -> Vec<Setting> {
    let settings: [(&str, Change); 7] = [
        ("unoptimised", |config| _ = config.cranelift_opt_level(wootz::OptLevel::None)),
        ("default", |_| ()),
        ("baseline", |config| _ = config.target_cpu("baseline")),
        ("epochs", |config| _ = config.epoch_interruption(true)),
        ("fuel", |config| _ = config.consume_fuel(true).target_cpu("baseline")),
        ("checks", |config| {
            config.epoch_interruption(true).consume_fuel(true).memory_reservation(1 << 20);
        }),
        ("unoptimised epochs", |config| {
            config.epoch_interruption(true).cranelift_opt_level(wootz::OptLevel::None);
        }),
    ];
    settings
        .map(|(name, change)| {
            let mut config = wootz::Config::new();
            config.parallel_compilation(false).relaxed_simd_deterministic(true);
            change(&mut config);
            let off = OFF_BY_DEFAULT.iter().filter(|(name, _)| Features::is_implemented(name));
            off.for_each(|(_, switch_on)| switch_on(&mut config));
            let engine = wootz::Engine::new(&config).expect("the settings fit each other");
            Setting { name, engine }
        })
        .into()
}

/// A module made of some bytes that needs no more than some proposals; `None` if there are too few bytes.
///
/// # Panics
/// If a generator makes an invalid module.
pub fn generated(entropy: &[u8], features: &Features) -> Option<Vec<u8>> {
    let mut bytes = Unstructured::new(entropy);
    let wasm = match bytes.ratio(1, 2).ok()? {
        true => smith::module(&mut bytes, features, FUEL).ok()?,
        false => chain::module(&mut bytes, features, FUEL).ok()?,
    };
    Some(rewrite::determined(&wasm).unwrap_or_else(|error| {
        panic!("a generated module is invalid: {error}\n{}", saved(&wasm).display())
    }))
}

/// That two sides differ.
pub struct Difference {
    /// Where, and how.
    pub message: String,
    /// The module.
    pub wasm: Vec<u8>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nthe module is in {}", self.message, saved(&self.wasm).display())
    }
}

impl fmt::Debug for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Writes a module to a file, as text and in binary format, and says where.
fn saved(wasm: &[u8]) -> PathBuf {
    let number = Random::of(wasm).number();
    let file = std::env::temp_dir().join(format!("wootz-differential-{number:016x}.wasm"));
    let text = wasmprinter::print_bytes(wasm).unwrap_or_else(|error| format!(";; {error}"));
    let written =
        std::fs::write(&file, wasm).and_then(|()| std::fs::write(file.with_extension("wat"), text));
    written.expect("there is room for a file");
    file.with_extension("wat")
}

/// The comparison of one module.
struct Session<'a> {
    exports: &'a [Export],
    counts: &'a mut Counts,
    arguments: &'a mut Arguments<'a>,
}

impl Session<'_> {
    /// Calls all functions, each in an instance of its own on either side.
    fn run<A: Side, B: Side>(
        mut self,
        wasm: &[u8],
        one: impl Fn() -> Result<Instantiated<A>, String>,
        other: impl Fn() -> Result<Instantiated<B>, String>,
    ) -> Result<(), String> {
        let mut random = Random::new(wasm.len() as u64);
        for export in self.exports {
            let Export::Func { name, params, results } = export else { continue };
            let mut pair = None;
            for call in 0.. {
                let Some(arguments) = (self.arguments)(params, &mut random, call) else { break };
                let (one, other) = match &mut pair {
                    Some(pair) => pair,
                    None => match instances(one()?, other()?)? {
                        Some(instances) => pair.insert(instances),
                        None => {
                            self.counts.refused += 1;
                            return Ok(());
                        }
                    },
                };
                let what = format!("{name}({arguments:?}), call {call},");
                let found = one.call(name, &arguments, *results)?;
                let expected = other.call(name, &arguments, *results)?;
                if found == Err(EXHAUSTED) || expected == Err(EXHAUSTED) {
                    self.counts.exhausted += 1;
                    break;
                }
                same(&what, &found, &expected)?;
                self.compare_state(one, other)
                    .map_err(|message| format!("after {what} {message}"))?;
                match found {
                    Ok(values) => {
                        self.counts.returned += 1;
                        self.counts.results += values.len();
                    }
                    Err(trap) => {
                        *self.counts.traps.entry(trap).or_default() += 1;
                        // Probably there is no fuel left.
                        if trap == UNREACHABLE {
                            pair = None;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Compares what the module exports.
    fn compare_state(&mut self, one: &mut impl Side, other: &mut impl Side) -> Result<(), String> {
        for export in self.exports {
            match export {
                Export::Func { .. } => {}
                Export::Memory(name) => {
                    let (one, other) = (one.memory(name), other.memory(name));
                    same(&format!("the size of memory {name}"), &one.len(), &other.len())?;
                    if one != other {
                        let at = (0..one.len()).find(|&at| one[at] != other[at]).unwrap_or(0);
                        same(&format!("memory {name} at {at:#x}"), &one[at], &other[at])?;
                    }
                    self.counts.memories += 1;
                }
                Export::Global(name) => {
                    same(&format!("global {name}"), &one.global(name), &other.global(name))?;
                    self.counts.globals += 1;
                }
                Export::Table(name) => {
                    same(&format!("table {name}"), &one.table(name), &other.table(name))?;
                    self.counts.tables += 1;
                }
            }
        }
        Ok(())
    }
}

/// Both instances; none if there is none on either side, or one was too small to begin.
fn instances<A, B>(one: Instantiated<A>, other: Instantiated<B>) -> Result<Option<(A, B)>, String> {
    use Instantiated::{Instance, Refused, Trapped};
    let instances = match (one, other) {
        (Instance(one), Instance(other)) => Some((one, other)),
        (Trapped(EXHAUSTED), _) | (_, Trapped(EXHAUSTED)) => None,
        (Trapped(one), Trapped(other)) => {
            same("what instantiation says", &one, &other)?;
            None
        }
        (Instance(_), _) => return Err("only here it can be instantiated".into()),
        (_, Instance(_)) => return Err("only there it can be instantiated".into()),
        (Refused, _) | (_, Refused) => None,
    };
    Ok(instances)
}

fn same<V: PartialEq + fmt::Debug>(what: &str, found: &V, expected: &V) -> Result<(), String> {
    match found == expected {
        true => Ok(()),
        false => Err(format!("{what} is {found:?}, there {expected:?}")),
    }
}
