//! The machine compiled for, and how Cranelift is set up for it.
//!
//! In: the options. Out: the target, with every setting decided.
//!
//! Always true: code is position independent without any relocation that a loader would have to apply. That is why
//! `is_pic` is off: with it, Cranelift would go through a global offset table even within a module.

use std::str::FromStr;

use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable, SetError};
use target_lexicon::{Architecture, Endianness, OperatingSystem, Triple};
use wootz_runtime::abi::artifact::{ByteOrder, image_alignment};

use crate::error::{Error, Result};
use crate::options::{OptLevel, Options, TargetCpu};

/// The machine compiled for.
pub struct Target {
    /// Cranelift for it.
    pub isa: OwnedTargetIsa,
    /// The same for functions for which what makes code fast would take too long: nothing is optimised, and registers are
    /// allocated in one pass.
    pub quick: OwnedTargetIsa,
    /// The CPU features that code may use, by Cranelift's names, sorted.
    pub cpu_features: Vec<String>,
    /// What the beginning of every function is a multiple of, in bytes.
    pub function_alignment: u32,
}

/// The target that the options describe.
///
/// # Errors
/// If the triple, the CPU or a setting is unknown, or the target is not supported.
pub fn lookup(options: &Options) -> Result<Target> {
    let error = |message: String| Error::Options { message };
    let triple = match &options.target {
        Some(name) => {
            Triple::from_str(name).map_err(|e| error(format!("unknown target `{name}`: {e}")))?
        }
        None => Triple::host(),
    };
    if triple.architecture != Architecture::X86_64
        || triple.operating_system != OperatingSystem::Linux
    {
        return Err(error(format!(
            "the target `{triple}` is not supported yet; x86_64-unknown-linux-gnu is"
        )));
    }

    let isa = code_generator(options, &triple, options.opt_level, "backtracking")?;
    let quick = code_generator(options, &triple, OptLevel::None, "single_pass")?;
    let mut cpu_features: Vec<String> = isa
        .isa_flags()
        .iter()
        .filter(|flag| flag.as_bool() == Some(true))
        .map(|flag| flag.name.to_string())
        .collect();
    cpu_features.sort();
    if let Some(name) = NEEDED.iter().find(|name| !cpu_features.iter().any(|has| has == *name)) {
        let name = name.trim_start_matches("has_");
        return Err(error(format!(
            "the CPU feature `{name}` cannot be left out: code for {} relies on what {BASELINE} has",
            triple.architecture
        )));
    }
    // Functions that begin in the middle of a line of the instruction cache cost some programs a tenth of their speed.
    let alignment = isa.function_alignment();
    let function_alignment = match options.opt_level {
        OptLevel::Speed => alignment.preferred,
        OptLevel::None | OptLevel::SpeedAndSize => alignment.minimum,
    };
    Ok(Target { isa, quick, cpu_features, function_alignment })
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
    builder.enable(BASELINE).expect("a preset of Cranelift's");
    match &options.cpu {
        TargetCpu::Baseline => {}
        TargetCpu::Named(name) => {
            builder.enable(name).map_err(|_| error(unknown_cpu(name)))?;
            for (_, feature) in LEFT_OUT.iter().filter(|(cpu, _)| cpu == name) {
                builder.enable(feature).expect("a setting of Cranelift's");
            }
        }
        TargetCpu::Native if triple.architecture == Triple::host().architecture => {
            cranelift_native::infer_native_flags(&mut builder)
                .map_err(|message| error(format!("this machine is not supported: {message}")))?;
        }
        TargetCpu::Native => {
            return Err(error(format!(
                "the CPU `native` needs a target of this machine's kind, not `{triple}`"
            )));
        }
    }
    for feature in &options.cpu_features {
        let value = if feature.enabled { "true" } else { "false" };
        let name = feature.name.replace(['.', '-'], "");
        builder.set(&format!("has_{name}"), value).map_err(|_| {
            error(format!("unknown CPU feature `{}` of {}", feature.name, triple.architecture))
        })?;
    }
    let flags = shared_flags(options, opt_level, registers)?;
    builder.finish(flags).map_err(|e| error(format!("these settings of the code generator: {e}")))
}

/// What every x86-64 target has: below it, Cranelift would call library functions for rounding and shuffles.
const BASELINE: &str = "x86-64-v2";

/// What the levels of x86-64 have, and Cranelift's presets for them lack. Without the first of these, Cranelift leaves the
/// others unused.
const LEFT_OUT: &[(&str, &str)] =
    &[("x86-64-v3", "has_avx"), ("x86-64-v4", "has_avx"), ("x86-64-v4", "has_avx512f")];

/// The CPU features without which Cranelift calls library functions.
const NEEDED: &[&str] = &["has_sse3", "has_ssse3", "has_sse41"];

fn unknown_cpu(cpu: &str) -> String {
    format!(
        "unknown target CPU `{cpu}`; there are native, x86-64-v2, x86-64-v3, x86-64-v4, and names such as haswell or znver4"
    )
}

/// Settings for all machines, the user's last.
fn shared_flags(
    options: &Options,
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
    Ok(settings::Flags::new(flags))
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
        image_alignment(self.triple().architecture == Architecture::X86_64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(options: Options) -> String {
        lookup(&options).err().expect("an error").to_string()
    }

    #[test]
    fn unknown_settings_are_named() {
        let options = Options::default;
        assert!(
            message(Options { target: Some("z80-none".into()), ..options() })
                .contains("`z80-none`")
        );
        assert!(
            message(Options { cpu: TargetCpu::Named("z80".into()), ..options() }).contains("`z80`")
        );
        let feature = "+warp".parse().unwrap();
        assert!(message(Options { cpu_features: vec![feature], ..options() }).contains("`warp`"));
        let feature = "-ssse3".parse().unwrap();
        let needed = message(Options { cpu_features: vec![feature], ..options() });
        assert!(needed.contains("`ssse3` cannot be left out"), "{needed}");
        let flags = vec![("enable_magic".to_string(), "true".to_string())];
        assert!(
            message(Options { cranelift_flags: flags, ..options() }).contains("`enable_magic`")
        );
    }

    #[test]
    fn features_follow_the_cpu() {
        let features = |cpu: &str| {
            lookup(&Options { cpu: cpu.parse().unwrap(), ..Options::default() }).unwrap()
        };
        assert!(!features("x86-64-v2").cpu_features.contains(&"has_avx2".to_string()));
        for (cpu, name) in
            [("x86-64-v3", "has_avx2"), ("x86-64-v3", "has_avx"), ("x86-64-v4", "has_avx512f")]
        {
            assert!(features(cpu).has(name), "{cpu}: {name}");
        }
        assert!(features("x86-64-v3").isa.has_native_fma());
    }
}
