//! The machine compiled for, and how Cranelift is set up for it.
//!
//! In: the options. Out: the target, with every setting decided.
//!
//! Always true: code is position independent without any relocation that a loader would have to apply. That is why
//! `is_pic` is off: with it, Cranelift would go through a global offset table even within a module.

use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable, SetError};
use target_lexicon::{Architecture, Endianness, OperatingSystem, Triple};
use wootz_runtime::abi::artifact::{ByteOrder, System, image_alignment};

use crate::error::{Error, MissingProposal, Result};
use crate::options::{Features, OptLevel, Optimisation, Options};
use crate::{processor, target_names};

/// The machine compiled for.
pub struct Target {
    /// Cranelift for it.
    pub isa: OwnedTargetIsa,
    /// The same for functions for which what makes code fast would take too long: nothing is optimised, and registers are
    /// allocated in one pass.
    pub quick: OwnedTargetIsa,
    /// The CPU features that code may use, by Cranelift's names, sorted; but not those that every machine of the target's
    /// kind has.
    pub cpu_features: Vec<String>,
    /// What the beginning of every function is a multiple of, in bytes.
    pub function_alignment: u32,
    /// What is made of optimised functions besides what Cranelift does.
    pub own: OwnSteps,
}

/// What is made of optimised functions besides what Cranelift does. See [`Optimisation`].
#[derive(Clone, Copy, Debug)]
pub struct OwnSteps {
    /// What counts the turns of loops needs one register.
    pub counters: bool,
    /// What stays the same in a loop does not go round in it.
    pub parameters: bool,
    /// Accesses behind an address that was accessed add the distance.
    pub starts: bool,
    /// Fuel of loops whose turns are counted is charged once.
    pub loop_fuel: bool,
    /// Which loops are to make many turns at once.
    pub ahead: Ahead,
    /// What was stored just before is not loaded.
    pub forwarding: bool,
    /// Accesses add what their addresses consist of.
    pub addresses: bool,
    /// Accesses add a loop's counter to an address that is made in front of the loop.
    pub walks: bool,
    /// What ends two values is computed early, and what needs more registers than these gets another order.
    pub order: Option<Registers>,
    /// Instructions that compute may load their operands, and are where the loads are.
    pub joined_loads: bool,
    /// Comparisons of vectors trap if they load what is not aligned.
    pub aligned_compares: bool,
    /// Sums of several words take carries from the processor.
    pub carries: bool,
    /// Numbers that are extended have 64 bits where they are loaded.
    pub wide_loads: bool,
    /// They have them wherever they are made.
    pub wide_numbers: bool,
    /// What is made of machine code.
    pub rewriting: Rewriting,
}

/// What is made of machine code. By default, nothing.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Rewriting {
    /// Whether ways back to tables are to have jumps of their own.
    pub dispatches: bool,
    /// Whether loops are to ask at their end whether to go on.
    pub rotates: bool,
    /// Whether what a register holds is not to be loaded from the frame, or stored to it, once more.
    pub reloads: bool,
    /// Whether what is stored to the frame, and is not read before something else is, is not to be stored at all.
    pub drops_stores: bool,
    /// Whether instructions are to become shorter.
    pub shortens: bool,
    /// Whether loops are to be aligned.
    pub aligns: bool,
    /// Whether what always traps is to be a call.
    pub calls_traps: bool,
}

/// Which loops make many turns at once, by vectors.
#[derive(Clone, Copy, Debug)]
pub struct Ahead {
    /// Whether loops that look for something do.
    pub scans: bool,
    /// Whether loops that copy or fill memory do.
    pub copies: bool,
}

/// The target that the options describe.
///
/// # Errors
/// If the target, the CPU or a setting is unknown or not supported.
pub fn lookup(options: &Options) -> Result<Target> {
    let triple = target_names::triple(options.target.as_deref())?;
    if triple.operating_system == OperatingSystem::Windows && !options.unwind_info {
        let message = "code for Windows needs unwind tables: whatever walks the stack there finds its way by them";
        return Err(Error::Options { message: message.to_string() });
    }
    // The better way takes three times as long.
    let registers = match options.opt_level {
        OptLevel::None => "single_pass",
        OptLevel::Speed | OptLevel::SpeedAndSize => "backtracking",
    };
    let isa = code_generator(options, &triple, options.opt_level, registers)?;
    let quick = code_generator(options, &triple, OptLevel::None, "single_pass")?;
    let flags = isa.isa_flags();
    let on =
        flags.iter().filter(|flag| flag.as_bool() == Some(true) && flag.name.starts_with("has_"));
    let architecture = target_names::architecture(&triple);
    let on = on.filter(|flag| !processor::is_everywhere(architecture, flag.name));
    let mut cpu_features: Vec<String> = on.map(|flag| flag.name.to_string()).collect();
    cpu_features.sort();
    // Functions that begin in the middle of a line of the instruction cache cost some programs a tenth of their speed.
    let alignment = isa.function_alignment();
    let function_alignment = match options.opt_level {
        OptLevel::Speed => alignment.preferred,
        OptLevel::None | OptLevel::SpeedAndSize => alignment.minimum,
    };
    let widens = options.optimises(Optimisation::Widths);
    let own = OwnSteps {
        counters: options.optimises(Optimisation::Counters),
        parameters: options.optimises(Optimisation::Parameters),
        loop_fuel: options.optimises(Optimisation::LoopFuel),
        ahead: ahead(options, &triple),
        starts: options.optimises(Optimisation::Addresses),
        forwarding: options.optimises(Optimisation::Forwarding),
        // Instructions of AArch64 have no room for two registers and a number, those of RISC-V not even for two registers.
        addresses: options.optimises(Optimisation::Addresses)
            && triple.architecture == Architecture::X86_64,
        joined_loads: matches!(triple.architecture, Architecture::X86_64 | Architecture::S390x),
        order: options.optimises(Optimisation::Order).then(|| Registers::of(triple.architecture)),
        walks: options.opt_level == OptLevel::Speed
            && options.optimises(Optimisation::Walks)
            && triple.architecture == Architecture::X86_64,
        aligned_compares: triple.architecture == Architecture::X86_64
            && !flags.iter().any(|flag| flag.name == "has_avx" && flag.as_bool() == Some(true)),
        // RISC-V has none, and s390x adds numbers of 128 bits elsewhere.
        carries: options.optimises(Optimisation::Carries)
            && matches!(triple.architecture, Architecture::X86_64 | Architecture::Aarch64(_)),
        // Instructions of AArch64 extend addresses without more ado.
        wide_loads: widens && !matches!(triple.architecture, Architecture::Aarch64(_)),
        // Elsewhere, instructions of 32 bits leave something else than zeros in the other half of a register.
        wide_numbers: widens && triple.architecture == Architecture::X86_64,
        rewriting: rewriting(options, &triple),
    };
    Ok(Target { isa, quick, cpu_features, function_alignment, own })
}

/// How many values there are registers for at a time, but for what is always needed: the memory's address, what leads to everything else,
/// and what the code generator takes between two instructions.
#[derive(Clone, Copy, Debug)]
pub struct Registers {
    /// For integers.
    pub integers: u32,
    /// For floats and vectors.
    pub floats: u32,
}

impl Registers {
    fn of(architecture: Architecture) -> Registers {
        let (integers, floats) = match architecture {
            Architecture::Aarch64(_) => (24, 31),
            Architecture::Riscv64(_) => (23, 31),
            Architecture::S390x => (11, 31),
            _ => (13, 15),
        };
        Registers { integers, floats }
    }
}

/// Which loops make many turns at once.
fn ahead(options: &Options, triple: &Triple) -> Ahead {
    // Both have vectors everywhere, and their lowest lane first.
    let is_able = options.opt_level == OptLevel::Speed
        && matches!(triple.architecture, Architecture::X86_64 | Architecture::Aarch64(_));
    Ahead {
        scans: is_able && options.optimises(Optimisation::Scans),
        copies: is_able && options.optimises(Optimisation::Copies),
    }
}

/// What is made of machine code.
fn rewriting(options: &Options, triple: &Triple) -> Rewriting {
    let is_able = triple.architecture == Architecture::X86_64;
    let is_for_speed = is_able && options.opt_level == OptLevel::Speed;
    let reloads =
        is_able && options.opt_level != OptLevel::None && options.optimises(Optimisation::Reloads);
    Rewriting {
        dispatches: is_for_speed && options.optimises(Optimisation::Dispatch),
        rotates: is_for_speed && options.optimises(Optimisation::Rotation),
        reloads,
        // Debuggers look into the frame.
        drops_stores: reloads && options.debug_info.is_none(),
        shortens: is_able && options.optimises(Optimisation::ShortCode),
        aligns: is_for_speed && options.optimises(Optimisation::AlignedLoops),
        // Debuggers know what it means when the processor traps.
        calls_traps: is_able
            && triple.operating_system == OperatingSystem::Linux
            && options.debug_info.is_none()
            && options.optimises(Optimisation::CalledTraps),
    }
}

/// Cranelift for a machine. `registers` is how they are allocated, unless the options say it.
fn code_generator(
    options: &Options,
    triple: &Triple,
    opt_level: OptLevel,
    registers: &str,
) -> Result<OwnedTargetIsa> {
    let error = |message: String| Error::Options { message };
    let mut builder =
        isa::lookup(triple.clone()).map_err(|e| error(format!("target `{triple}`: {e}")))?;
    processor::choose(&mut builder, options)?;
    let flags = shared_flags(options, triple, opt_level, registers)?;
    builder.finish(flags).map_err(|e| error(format!("these settings of the code generator: {e}")))
}

/// Settings for all machines, the user's last.
fn shared_flags(
    options: &Options,
    triple: &Triple,
    opt_level: OptLevel,
    registers: &str,
) -> Result<settings::Flags> {
    let mut flags = settings::builder();
    let opt_level = match opt_level {
        OptLevel::None => "none",
        OptLevel::Speed => "speed",
        OptLevel::SpeedAndSize => "speed_and_size",
    };
    let truth = |value: bool| if value { "true" } else { "false" };
    for (name, value) in [
        ("opt_level", opt_level),
        ("regalloc_algorithm", registers),
        ("is_pic", "false"),
        ("unwind_info", "true"),
        // Backtraces walk frame pointers.
        ("preserve_frame_pointers", "true"),
        ("enable_probestack", "true"),
        ("probestack_strategy", "inline"),
        (
            "machine_code_cfg_info",
            truth(
                options.debug_info.is_some() || rewriting(options, triple) != Rewriting::default(),
            ),
        ),
        ("enable_verifier", truth(options.verifier)),
        ("enable_nan_canonicalization", truth(options.nan_canonicalization)),
    ] {
        flags.set(name, value).expect("a setting of Cranelift's");
    }
    for (name, value) in &options.cranelift_flags {
        let result = if value.is_empty() { flags.enable(name) } else { flags.set(name, value) };
        result.map_err(|e| Error::Options {
            message: match e {
                SetError::BadName(_) => format!("unknown Cranelift setting `{name}`"),
                SetError::BadType => format!("the Cranelift setting `{name}` takes another kind of value than `{value}`"),
                SetError::BadValue(expected) => {
                    format!("`{value}` is no value of the Cranelift setting `{name}`: expected {expected}")
                }
            },
        })?;
    }
    let flags = settings::Flags::new(flags);
    let relied_on = [
        ("preserve_frame_pointers", flags.preserve_frame_pointers(), true),
        ("enable_pinned_reg", flags.enable_pinned_reg(), false),
    ];
    for (name, found, needed) in relied_on {
        if found != needed {
            let message = format!(
                "the Cranelift setting `{name}` cannot be {found}: code relies on {needed}"
            );
            return Err(Error::Options { message });
        }
    }
    Ok(flags)
}

impl Target {
    /// Whether code may use a CPU feature, by Cranelift's name.
    pub fn has(&self, feature: &str) -> bool {
        self.cpu_features.iter().any(|name| name == feature)
    }

    /// The target's triple.
    pub fn triple(&self) -> &Triple {
        self.isa.triple()
    }

    /// The byte order of numbers in files for the target.
    pub fn byte_order(&self) -> ByteOrder {
        match self.triple().endianness() {
            Ok(Endianness::Big) => ByteOrder::Big,
            _ => ByteOrder::Little,
        }
    }

    /// What images of memories are aligned to.
    pub fn image_alignment(&self) -> u32 {
        image_alignment_of(self.triple())
    }

    /// Of some proposals, those that code for this target can do.
    pub fn able(&self, features: &Features) -> Features {
        let lacks_vectors = self.lacks_vectors();
        let unable = ["simd", "relaxed-simd"].into_iter().filter(|_| lacks_vectors);
        unable.fold(features.clone(), |features, name| features.without(name))
    }

    /// Whether there are no vectors: Cranelift has none on RISC-V without the extension of that name.
    fn lacks_vectors(&self) -> bool {
        matches!(self.triple().architecture, Architecture::Riscv64(_)) && !self.has("has_v")
    }

    /// Turns the error of a module that needs a proposal which the options allow, and this target is not [able](Self::able)
    /// to do, into one that says so.
    pub fn explain(&self, options: &Options, error: Error) -> Error {
        let Error::Invalid { message, offset, function, mut needs } = error else { return error };
        let able = self.able(&options.features);
        let is_unable = |need: &MissingProposal| {
            options.features.contains(need.name) && !able.contains(need.name)
        };
        match needs.iter().position(is_unable) {
            Some(position) if needs.iter().all(is_unable) => {
                let architecture = target_names::architecture(self.triple());
                Error::Target {
                    proposal: needs[position].name,
                    architecture,
                    cpu_feature: "v",
                    offset,
                    function,
                }
            }
            _ => {
                needs.retain(|need| !is_unable(need));
                Error::Invalid { message, offset, function, needs }
            }
        }
    }
}

/// What images of memories are aligned to in files for a target.
pub fn image_alignment_of(triple: &Triple) -> u32 {
    let system = match triple.operating_system {
        OperatingSystem::Darwin(_) => System::Macos,
        OperatingSystem::Windows => System::Windows,
        _ => System::Linux,
    };
    image_alignment(triple.architecture == Architecture::X86_64, system)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target_names::TARGETS;

    fn message(options: Options) -> String {
        lookup(&options).err().expect("an error").to_string()
    }

    fn on(target: &str, cpu: &str, features: &[&str]) -> Result<Target> {
        lookup(&Options {
            target: Some(target.to_string()),
            cpu: cpu.parse().unwrap(),
            cpu_features: features.iter().map(|feature| feature.parse().unwrap()).collect(),
            ..Options::default()
        })
    }

    #[test]
    fn unknown_settings_are_named() {
        let options = Options::default;
        assert!(
            message(Options { target: Some("z80-none".into()), ..options() })
                .contains("`z80-none`")
        );
        let target = Some("x86_64-windows".into());
        let without = message(Options { target, unwind_info: false, ..options() });
        assert!(without.contains("unwind tables"), "{without}");
        let flags = vec![("enable_magic".to_string(), "true".to_string())];
        assert!(
            message(Options { cranelift_flags: flags, ..options() }).contains("`enable_magic`")
        );
    }

    /// On some targets, Cranelift itself would panic.
    #[test]
    fn settings_that_code_relies_on_stay_as_they_are() {
        for target in TARGETS {
            for (name, refused, kept) in [
                ("preserve_frame_pointers", "false", "true"),
                ("enable_pinned_reg", "true", "false"),
            ] {
                let with = |value: &str| Options {
                    target: Some(target.to_string()),
                    cranelift_flags: vec![(name.to_string(), value.to_string())],
                    ..Options::default()
                };
                let message = message(with(refused));
                assert!(message.contains(&format!("`{name}` cannot be {refused}")), "{message}");
                assert!(lookup(&with(kept)).is_ok(), "{target}: {name}");
            }
        }
    }

    #[test]
    fn unknown_processors_and_features_are_named_with_those_that_there_are() {
        for (target, cpu, feature) in [
            ("x86_64-linux", "haswell", "avx2"),
            ("aarch64-linux", "neoverse-n1", "lse"),
            ("riscv64-linux", "rva23", "zba"),
            ("s390x-linux", "z15", "mie3"),
            ("aarch64-macos", "apple-m2", "dotprod"),
        ] {
            let unknown = on(target, "z80", &[]).err().unwrap().to_string();
            assert!(unknown.contains("`z80`") && unknown.contains(cpu), "{unknown}");
            let unknown = on(target, "baseline", &["+warp"]).err().unwrap().to_string();
            assert!(unknown.contains("`warp`") && unknown.contains(feature), "{unknown}");
            assert!(on(target, cpu, &[]).is_ok(), "{cpu}");
            assert!(
                on(target, "baseline", &[feature])
                    .is_ok_and(|target| target.has(&format!("has_{feature}")))
            );
        }
    }

    #[test]
    fn what_is_always_needed_cannot_be_left_out() {
        for (target, feature) in
            [("x86_64-linux", "-ssse3"), ("x86_64-macos", "-sse4.1"), ("riscv64-linux", "-d")]
        {
            let needed = on(target, "baseline", &[feature]).err().unwrap().to_string();
            assert!(
                needed.contains(&format!("`{}` cannot be left out", &feature[1..])),
                "{needed}"
            );
        }
        assert!(on("riscv64", "baseline", &["-c"]).is_ok());
    }

    #[test]
    fn features_follow_the_cpu() {
        let features = |cpu: &str| on("x86_64-unknown-linux-gnu", cpu, &[]).unwrap();
        assert!(!features("x86-64-v2").cpu_features.contains(&"has_avx2".to_string()));
        for (cpu, name) in
            [("x86-64-v3", "has_avx2"), ("x86-64-v3", "has_avx"), ("x86-64-v4", "has_avx512f")]
        {
            assert!(features(cpu).has(name), "{cpu}: {name}");
        }
        assert!(features("x86-64-v3").isa.has_native_fma());
        assert!(on("aarch64-macos", "baseline", &[]).unwrap().has("has_lse"));
        assert!(!on("aarch64-linux", "baseline", &[]).unwrap().has("has_lse"));
        assert_eq!(on("riscv64-linux", "baseline", &[]).unwrap().cpu_features, [""; 0]);
        assert_eq!(on("s390x-linux", "baseline", &[]).unwrap().cpu_features, [""; 0]);
        assert!(on("riscv64-linux", "rva23", &[]).unwrap().has("has_v"));
    }

    #[test]
    fn every_target_has_a_code_generator() {
        for name in TARGETS {
            let target = on(name, "baseline", &[]).unwrap();
            assert_eq!(target.triple().to_string(), *name);
            let big = target.byte_order() == ByteOrder::Big;
            assert_eq!(big, name.starts_with("s390x"), "{name}");
        }
    }
}
