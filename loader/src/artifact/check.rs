//! Whether an artifact can run here, and with these settings.
//!
//! In: its compatibility record. Out: nothing, or the first need that is not met, by name.

use wootz_runtime::abi::compat::{Compatibility, Settings};
use wootz_runtime::abi::manifest::Manifest;

use super::cpu;
use super::error::ArtifactError;
use crate::config::Config;

/// The target: architecture and operating system. The rest of the triple makes no difference to compiled code.
pub fn target(compat: &Compatibility) -> Result<(), ArtifactError> {
    let (architecture, system) = (std::env::consts::ARCH, std::env::consts::OS);
    let mut parts = compat.target.split('-');
    let found = parts.next().unwrap_or_default();
    // Architectures have variants, such as riscv64gc.
    if !found.starts_with(architecture) {
        let (found, expected) = (found.to_string(), architecture.to_string());
        return Err(ArtifactError::OtherTarget { what: "architecture", found, expected });
    }
    if !parts.any(|part| part == system) {
        let (found, expected) = (compat.target.clone(), format!("{architecture} {system}"));
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
    // What the engine says nothing about, it allows.
    let refused =
        settings.features.iter().find(|name| config.features.get(name.as_str()) == Some(&false));
    match refused {
        Some(name) => {
            Err(ArtifactError::Setting { name: name.clone(), artifact: true, engine: false })
        }
        None => Ok(()),
    }
}

/// What the module has, as far as this loader cannot have it.
pub fn contents(manifest: &Manifest) -> Result<(), ArtifactError> {
    let shape = manifest.shape();
    match shape.tags == 0 && shape.imported_tags == 0 {
        true => Ok(()),
        false => Err(ArtifactError::Setting {
            name: "exceptions".to_string(),
            artifact: true,
            engine: false,
        }),
    }
}
