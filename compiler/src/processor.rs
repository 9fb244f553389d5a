//! Processors by name, and what they can do.
//!
//! In: the options, and Cranelift's settings for an architecture. Out: these settings as the options want them.
//!
//! Always true: what a processor is called here is what compilers call it, and what it can do is said by Cranelift's
//! settings whose names begin with `has_`. Each architecture has a *baseline*: the least that code relies on, unless
//! somebody asks for more.

use cranelift_codegen::isa::Builder;
use cranelift_codegen::settings::{Configurable, SettingKind};
use target_lexicon::{Architecture, OperatingSystem, Triple};

use crate::error::{Error, Result};
use crate::options::{CpuFeature, Options, TargetCpu};
use crate::target_names::architecture;

/// A processor by name, and the settings that it has on.
type Processor = (&'static str, &'static [&'static str]);

/// The processors of an architecture that Cranelift has no names for, or has too little of.
fn processors(architecture: &str) -> &'static [Processor] {
    match architecture {
        // Cranelift's presets lack the first of these, and leave the others unused without it.
        "x86_64" => &[("x86-64-v3", &["has_avx"]), ("x86-64-v4", &["has_avx", "has_avx512f"])],
        "aarch64" => &[
            ("armv8-a", &[]),
            ("armv8.1-a", &["has_lse"]),
            ("armv8.2-a", &["has_lse"]),
            ("armv8.4-a", &["has_lse", "has_dotprod"]),
            ("armv8.6-a", &["has_lse", "has_dotprod", "has_i8mm"]),
            ("armv9-a", &["has_lse", "has_fp16", "has_dotprod"]),
            ("apple-m1", &["has_lse", "has_fp16", "has_dotprod"]),
            ("apple-m2", &["has_lse", "has_fp16", "has_dotprod", "has_i8mm"]),
            ("apple-m3", &["has_lse", "has_fp16", "has_dotprod", "has_i8mm"]),
            ("apple-m4", &["has_lse", "has_fp16", "has_dotprod", "has_i8mm"]),
            ("cortex-a53", &[]),
            ("cortex-a72", &[]),
            ("cortex-a76", &["has_lse", "has_fp16", "has_dotprod"]),
            ("neoverse-n1", &["has_lse", "has_fp16", "has_dotprod"]),
            ("neoverse-n2", &["has_lse", "has_fp16", "has_dotprod", "has_i8mm"]),
            ("neoverse-v1", &["has_lse", "has_fp16", "has_dotprod", "has_i8mm"]),
            ("neoverse-v2", &["has_lse", "has_fp16", "has_dotprod", "has_i8mm"]),
        ],
        "riscv64" => &[
            ("rv64gc", &["has_zca", "has_zcd"]),
            ("rva20", &["has_zca", "has_zcd"]),
            ("rva22", &["has_zca", "has_zcd", "has_zba", "has_zbb", "has_zbs", "has_zfhmin"]),
            (
                "rva23",
                &[
                    "has_zca",
                    "has_zcd",
                    "has_zcb",
                    "has_zba",
                    "has_zbb",
                    "has_zbs",
                    "has_zfa",
                    "has_zfhmin",
                    "has_zicond",
                    "has_v",
                    "has_zvl32b",
                    "has_zvl64b",
                    "has_zvl128b",
                    "has_zvbb",
                ],
            ),
        ],
        _ => &[("z14", &[]), ("arch12", &[])],
    }
}

/// Whether a preset of Cranelift's is a processor: others stand for features.
fn is_processor(architecture: &str, preset: &str) -> bool {
    match architecture {
        "x86_64" => {
            !preset.starts_with("sse")
                && !["ssse3", "baseline", "x86-64", "nocona", "core2", "k8"].contains(&preset)
        }
        "riscv64" => false,
        _ => true,
    }
}

/// What every processor of a target has: its name, and who has it.
fn baseline(triple: &Triple) -> &'static str {
    match (triple.architecture, triple.operating_system) {
        // Below it, Cranelift would call library functions for rounding and shuffles.
        (Architecture::X86_64, _) => "x86-64-v2",
        // There has never been another one that runs this system.
        (Architecture::Aarch64(_), OperatingSystem::Darwin(_)) => "apple-m1",
        (Architecture::Aarch64(_), _) => "armv8-a",
        (Architecture::Riscv64(_), _) => "rv64gc",
        // Cranelift knows nothing older.
        _ => "z14",
    }
}

/// What cannot be left out: without it, Cranelift calls library functions or makes no code at all.
fn needed(architecture: &str) -> &'static [&'static str] {
    match architecture {
        "x86_64" => &["has_sse3", "has_ssse3", "has_sse41"],
        "riscv64" => &["has_m", "has_a", "has_f", "has_d", "has_zicsr", "has_zifencei"],
        _ => &[],
    }
}

/// What every machine of an architecture has that runs any supported system, so that nobody has to look for it there.
pub fn is_everywhere(architecture: &str, setting: &str) -> bool {
    let compressed = ["has_zca", "has_zcd"];
    architecture == "riscv64"
        && (needed(architecture).contains(&setting) || compressed.contains(&setting))
}

/// The settings that a feature stands for, where it is not the one of the same name: as compilers call features.
fn settings_of(architecture: &str, feature: &str) -> Vec<String> {
    let plain = feature.to_lowercase().replace(['.', '-'], "");
    let several: &[&str] = match (architecture, plain.as_str()) {
        ("riscv64", "c") => &["has_zca", "has_zcd"],
        ("s390x", "vectorenhancements2") => &["has_vxrs_ext2"],
        ("s390x", "vectorenhancements3") => &["has_vxrs_ext3"],
        ("s390x", "miscellaneousextensions3") => &["has_mie3"],
        ("s390x", "miscellaneousextensions4") => &["has_mie4"],
        ("x86_64", "avxvnni") => &["has_avx_vnni"],
        _ => return vec![format!("has_{plain}")],
    };
    several.iter().map(|name| name.to_string()).collect()
}

/// Sets what code may use.
///
/// # Errors
/// If the processor or a feature is unknown, or something is left out that is always needed.
pub fn choose(builder: &mut Builder, options: &Options) -> Result<()> {
    let error = |message: String| Error::Options { message };
    let triple = builder.triple().clone();
    let architecture = architecture(&triple);
    let least = baseline(&triple);
    enable(builder, architecture, least);
    match &options.cpu {
        TargetCpu::Baseline => {}
        TargetCpu::Named(name) => {
            let names = names(builder, architecture);
            if !names.contains(&name.as_str()) {
                return Err(error(format!(
                    "unknown target CPU `{name}` of {architecture}; there are native, {}",
                    names.join(", ")
                )));
            }
            enable(builder, architecture, name);
        }
        TargetCpu::Native if triple.architecture == Triple::host().architecture => {
            cranelift_native::infer_native_flags(builder)
                .map_err(|message| error(format!("this machine is not supported: {message}")))?;
            // Some processors can sign return addresses; who walks frame pointers could not read them.
            for signing in builder.iter().filter(|it| it.name.starts_with("sign_return_address")) {
                builder.set(signing.name, "false").expect("a switch of Cranelift's");
            }
        }
        TargetCpu::Native => {
            return Err(error(format!(
                "the CPU `native` needs a target of this machine's kind, not `{triple}`"
            )));
        }
    }
    for CpuFeature { name, enabled } in &options.cpu_features {
        let value = if *enabled { "true" } else { "false" };
        for setting in settings_of(architecture, name) {
            if !enabled && needed(architecture).contains(&&*setting) {
                return Err(error(format!(
                    "the CPU feature `{name}` cannot be left out: code for {architecture} relies on what {least} has"
                )));
            }
            builder.set(&setting, value).map_err(|_| {
                error(format!(
                    "unknown CPU feature `{name}` of {architecture}; there are {}",
                    features(builder).join(", ")
                ))
            })?;
        }
    }
    Ok(())
}

/// Switches on what a processor has.
fn enable(builder: &mut Builder, architecture: &str, processor: &str) {
    let presets = || builder.iter().filter(|setting| setting.kind == SettingKind::Preset);
    if is_processor(architecture, processor) && presets().any(|preset| preset.name == processor) {
        builder.enable(processor).expect("a preset of Cranelift's");
    }
    for (_, settings) in processors(architecture).iter().filter(|(name, _)| *name == processor) {
        for setting in *settings {
            builder.enable(setting).expect("a setting of Cranelift's");
        }
    }
}

/// The processors of an architecture, sorted.
fn names(builder: &Builder, architecture: &str) -> Vec<&'static str> {
    let presets = builder
        .iter()
        .filter(|setting| setting.kind == SettingKind::Preset)
        .map(|setting| setting.name);
    let own = processors(architecture).iter().map(|(name, _)| *name);
    let mut names: Vec<_> =
        presets.filter(|name| is_processor(architecture, name)).chain(own).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The features of an architecture, sorted.
fn features(builder: &Builder) -> Vec<&'static str> {
    let switches = builder.iter().filter(|setting| setting.kind == SettingKind::Bool);
    let mut names: Vec<_> =
        switches.filter_map(|setting| setting.name.strip_prefix("has_")).collect();
    names.sort_unstable();
    names
}
