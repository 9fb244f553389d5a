//! Whether an artifact can run here, and with these settings.
//!
//! In: its compatibility record. Out: nothing, or the first need that is not met, by name.

use wootz_runtime::abi::compat::{Compatibility, Settings};
use wootz_runtime::abi::manifest::{BoundsChecks, ImportType, Manifest, Memory};

use super::cpu;
use super::error::ArtifactError;
use crate::config::Config;

/// The target: architecture and operating system. The rest of the triple makes no difference to compiled code.
pub fn target(triple: &str) -> Result<(), ArtifactError> {
    let (architecture, system) = (std::env::consts::ARCH, std::env::consts::OS);
    let mut parts = triple.split('-');
    let found = parts.next().unwrap_or_default();
    // Architectures have variants, such as riscv64gc.
    if !found.starts_with(architecture) {
        let (found, expected) = (found.to_string(), architecture.to_string());
        return Err(ArtifactError::OtherTarget { what: "architecture", found, expected });
    }
    let names: &[&str] = if system == "macos" { &["macos", "darwin"] } else { &[system] };
    if !parts.any(|part| names.contains(&part)) {
        let (found, expected) = (triple.to_string(), format!("{architecture} {system}"));
        return Err(ArtifactError::OtherTarget { what: "operating system", found, expected });
    }
    Ok(())
}

/// The processor.
pub fn cpu(compat: &Compatibility) -> Result<(), ArtifactError> {
    match compat.cpu_features.iter().find(|name| !cpu::has(name)) {
        Some(name) => Err(ArtifactError::CpuFeature { name: name.clone() }),
        None => Ok(()),
    }
}

/// The settings that change what compiled code does.
pub fn settings(settings: &Settings, config: &Config) -> Result<(), ArtifactError> {
    for (name, artifact, engine) in [
        ("consume_fuel", settings.consume_fuel, config.consume_fuel),
        ("epoch_interruption", settings.epoch_interruption, config.epoch_interruption),
        ("signals_based_traps", settings.signals_based_traps, true),
    ] {
        if artifact != engine {
            return Err(ArtifactError::Setting { name: name.to_string(), artifact, engine });
        }
    }
    // What gives the same results everywhere is good enough for everybody.
    if config.relaxed_simd_deterministic && !settings.relaxed_simd_deterministic {
        let name = "relaxed_simd_deterministic".to_string();
        return Err(ArtifactError::Setting { name, artifact: false, engine: true });
    }
    // What the engine says nothing about, it allows.
    let refused = settings.features.iter().find(|name| config.proposal(name) == Some(false));
    match refused {
        Some(name) => {
            Err(ArtifactError::Setting { name: name.clone(), artifact: true, engine: false })
        }
        None => Ok(()),
    }
}

/// The memories, imported and its own: compiled code relies on the address space around them.
pub fn memories(manifest: &Manifest, config: &Config) -> Result<(), ArtifactError> {
    for memory in all_memories(manifest) {
        let (wanted, engine) =
            (memory.checks, (config.memory_reservation, config.memory_guard_size));
        let found = BoundsChecks::of(&memory.ty, engine.0, engine.1);
        for (setting, artifact_bytes, found_bytes, engine_bytes) in [
            ("memory_reservation", wanted.reservation(), found.reservation(), engine.0),
            ("memory_guard_size", wanted.guard(), found.guard(), engine.1),
        ] {
            if artifact_bytes > found_bytes {
                return Err(ArtifactError::AddressSpace { setting, artifact_bytes, engine_bytes });
            }
        }
    }
    Ok(())
}

fn all_memories(manifest: &Manifest) -> impl Iterator<Item = &Memory> {
    let imported = manifest.imports.iter().filter_map(|import| match &import.ty {
        ImportType::Memory(memory) => Some(memory),
        _ => None,
    });
    imported.chain(&manifest.memories)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compat(target: &str) -> Compatibility {
        let features = vec!["multi-value".to_string(), "simd".to_string()];
        Compatibility {
            target: target.to_string(),
            cpu_features: vec![],
            settings: Settings {
                consume_fuel: false,
                epoch_interruption: false,
                signals_based_traps: true,
                relaxed_simd_deterministic: false,
                features,
            },
            compiler: "test".into(),
            wasm_sha256: [0; 32],
        }
    }

    #[test]
    fn each_setting_that_differs_has_an_error_of_its_own() {
        let Compatibility { settings: same, .. } = compat("test");
        settings(&same, &Config::new()).unwrap();
        for (name, artifact) in [
            ("consume_fuel", Settings { consume_fuel: true, ..same.clone() }),
            ("epoch_interruption", Settings { epoch_interruption: true, ..same.clone() }),
            ("signals_based_traps", Settings { signals_based_traps: false, ..same.clone() }),
        ] {
            let error = settings(&artifact, &Config::new()).unwrap_err();
            assert!(matches!(&error, ArtifactError::Setting { name: found, .. } if found == name));
        }
        let mut config = Config::new();
        config.relaxed_simd_deterministic(true);
        let error = settings(&same, &config).unwrap_err();
        assert!(
            matches!(&error, ArtifactError::Setting { name, .. } if name == "relaxed_simd_deterministic")
        );
        let deterministic = Settings { relaxed_simd_deterministic: true, ..same.clone() };
        settings(&deterministic, &config).unwrap();
        settings(&deterministic, &Config::new()).unwrap();
        let mut config = Config::new();
        config.wasm_simd(false);
        let error = settings(&same, &config).unwrap_err();
        assert!(matches!(&error, ArtifactError::Setting { name, .. } if name == "simd"), "{error}");
    }

    #[test]
    fn targets_and_processors_are_named() {
        let here = format!("{}-unknown-{}-gnu", std::env::consts::ARCH, std::env::consts::OS);
        target(&here).unwrap();
        for (triple, what) in [
            (here.replace(std::env::consts::ARCH, "z80"), "architecture"),
            (here.replace(std::env::consts::OS, "plan9"), "operating system"),
        ] {
            let error = target(&triple).unwrap_err();
            assert!(
                matches!(error, ArtifactError::OtherTarget { what: found, .. } if found == what)
            );
        }
        let compat = Compatibility { cpu_features: vec!["has_warp_drive".into()], ..compat(&here) };
        let error = cpu(&compat).unwrap_err();
        assert!(matches!(error, ArtifactError::CpuFeature { name } if name == "has_warp_drive"));
    }
}
