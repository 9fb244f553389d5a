//! Whether settings make sense together, and whether this version has what they ask for.
//!
//! In: a [`Config`]. Out: nothing, or an error that names the method, what is wrong and what to do. Names of targets, CPUs
//! and settings of the code generator are checked by the compiler, which knows them.

use anyhow::{Result, bail};
use wootz_runtime::abi::compat::FEATURES;

use super::Config;
use super::choices::{
    Collector, Inlining, InstanceAllocationStrategy, ModuleVersionStrategy, ProfilingStrategy,
    Strategy,
};

/// Proposals, and the proposals that they build on.
const NEEDS: &[(&str, &str)] = &[
    ("reference-types", "bulk-memory"),
    ("relaxed-simd", "simd"),
    ("function-references", "reference-types"),
    ("exceptions", "reference-types"),
    ("gc", "function-references"),
];

/// Proposals that need [`Config::gc_support`].
const COLLECTED: &[&str] = &["function-references", "gc", "exceptions"];

/// The most address space that one memory may get, with its guards: half of what processors have.
const MOST_ADDRESS_SPACE: u64 = 1 << 46;

/// The default of [`Config::memory_guaranteed_dense_image_size`].
pub const DENSE_IMAGE_BYTES: u64 = 16 << 20;

/// Checks everything that does not need a compiler.
pub fn check(config: &Config) -> Result<()> {
    if let Some((method, reason)) = config.unsupported.iter().next() {
        bail!("`Config::{method}(true)` is not supported in this version: {reason}");
    }
    proposals(config)?;
    choices(config)?;
    memories(config)?;
    if config.max_wasm_stack == 0 {
        bail!("`Config::max_wasm_stack` must not be 0");
    }
    Ok(())
}

/// Whether a proposal is on or off; `None` if the settings say nothing about it, and what is implemented counts.
pub fn proposal(config: &Config, name: &str) -> Option<bool> {
    let set = config.features.get(name).copied();
    // What was not asked for is off together with what it needs.
    let missing = || {
        (!config.gc_support && COLLECTED.contains(&name))
            || needs(name).any(|needed| proposal(config, needed) == Some(false))
    };
    set.or_else(|| missing().then_some(false))
}

fn needs(name: &str) -> impl Iterator<Item = &'static str> {
    NEEDS.iter().filter(move |(user, _)| *user == name).map(|(_, needed)| *needed)
}

fn method(proposal: &str) -> String {
    format!("wasm_{}", proposal.replace('-', "_"))
}

fn proposals(config: &Config) -> Result<()> {
    for &name in FEATURES.iter().filter(|name| config.features.get(**name) == Some(&true)) {
        if !config.gc_support && COLLECTED.contains(&name) {
            bail!(
                "`Config::{}(true)` contradicts `Config::gc_support(false)`: the proposal needs it",
                method(name)
            );
        }
        let missing = needs(name).find(|needed| proposal(config, needed) == Some(false));
        if let Some(needed) = missing {
            bail!(
                "`Config::{}(true)` contradicts `Config::{}(false)`: the proposal `{name}` builds on `{needed}`; switch both \
                 on, or both off",
                method(name),
                method(needed)
            );
        }
    }
    Ok(())
}

fn choices(config: &Config) -> Result<()> {
    if config.strategy == Strategy::Winch {
        bail!(
            "`Config::strategy(Strategy::Winch)` is not supported in this version: choose `Strategy::Cranelift`, with \
             `OptLevel::None` to compile faster"
        );
    }
    if let Collector::DeferredReferenceCounting | Collector::Null = config.collector {
        bail!(
            "`Config::collector(Collector::{:?})` is not supported in this version: choose `Collector::Auto`",
            config.collector
        );
    }
    if let Inlining::Yes | Inlining::InterModuleAndIntraGc = config.inlining {
        bail!(
            "`Config::compiler_inlining(Inlining::{:?})` is not supported in this version, which does not inline: choose \
             `Inlining::No`",
            config.inlining
        );
    }
    if config.module_version != ModuleVersionStrategy::WasmtimeVersion {
        bail!(
            "`Config::module_version` supports only `ModuleVersionStrategy::WasmtimeVersion` in this version: artifacts are \
             told apart by the version of the binary interface and by the settings that matter to them"
        );
    }
    if let InstanceAllocationStrategy::Pooling(_) = config.allocation_strategy {
        bail!(
            "`Config::allocation_strategy` supports only `InstanceAllocationStrategy::OnDemand` in this version: there is no \
             pool of instances"
        );
    }
    if config.profiler != ProfilingStrategy::None && std::env::consts::OS == "windows" {
        bail!(
            "`Config::profiler(ProfilingStrategy::{:?})` is not supported on Windows: it shows code to profilers of Linux. \
             Load modules from files, which profilers find by themselves",
            config.profiler
        );
    }
    if !config.signals_based_traps {
        bail!(
            "`Config::signals_based_traps(false)` is not supported in this version: compiled code relies on the processor to \
             find invalid accesses and divisions by zero"
        );
    }
    Ok(())
}

fn memories(config: &Config) -> Result<()> {
    let (reservation, guard) = (config.memory_reservation, config.memory_guard_size);
    let before = if config.guard_before_linear_memory { guard } else { 0 };
    let all = u128::from(reservation) + u128::from(guard) + u128::from(before);
    if all > MOST_ADDRESS_SPACE.into() {
        bail!(
            "`Config::memory_reservation({reservation})` with `Config::memory_guard_size({guard})` exceeds the address space"
        );
    }
    if config.memory_reservation_for_growth > MOST_ADDRESS_SPACE {
        bail!(
            "`Config::memory_reservation_for_growth({})` exceeds the address space",
            config.memory_reservation_for_growth
        );
    }
    if config.force_memory_init_memfd && !config.memory_init_cow {
        bail!(
            "`Config::force_memory_init_memfd(true)` contradicts `Config::memory_init_cow(false)`: it says where images are \
             mapped from, and none are"
        );
    }
    if config.dense_image_bytes != DENSE_IMAGE_BYTES {
        bail!(
            "`Config::memory_guaranteed_dense_image_size({})` is not supported in this version: images consist of the pages \
             that have contents, however far apart; leave it at {DENSE_IMAGE_BYTES}",
            config.dense_image_bytes
        );
    }
    Ok(())
}
