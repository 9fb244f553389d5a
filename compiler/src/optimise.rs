//! CLIF to better CLIF: what Cranelift does, and what it does not.
//!
//! In: the function in the worker's context, and the plan. Out: the same function, optimised, with its flow graph and
//! dominators; and the code generator that is to make code of it.
//!
//! Always true: everything here is optional. Each of our own steps can be switched off by name
//! ([`Optimisation`](crate::options::Optimisation)), and none of them runs when nothing is to be optimised; but positions are put right,
//! and loads kept out of what would trap.

/// Addresses, which accesses add up.
mod addresses;
/// Loops that go through memory.
mod ahead;
/// Carries between sums.
mod carries;
/// The epoch in loops.
mod epochs;
/// Loads of what was stored.
mod forwarding;
/// Fuel of loops whose turns are counted.
mod fuel;
/// Blocks that nothing but one jump leads to.
mod joined;
/// Loops: what goes round in them.
mod loops;
/// The order of what is computed.
mod order;
/// Parameters of blocks.
mod parameters;
/// Where loads are in the wasm file that other instructions make.
mod positions;
/// The order of computations where registers run out.
mod pressure;
/// Bounds of numbers.
mod ranges;
/// Addresses behind others.
mod reached;
/// Sums that continue others.
mod sums;
/// How many turns loops have.
mod turns;
/// Comparisons of vectors that must not load.
mod unaligned;
/// Who names values, and others in their places.
mod values;
/// Accesses that go through memory with a loop's counter.
mod walks;
/// Numbers of 32 bits in registers of 64.
mod widths;

use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::{Context, ir};
use wootz_runtime::abi::manifest::Memory;

use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::target::Target;
use crate::translate;
use crate::worker::Worker;

/// The product of blocks and values from which on a function is huge.
const HUGE: usize = 1 << 28;

/// Whether optimising would take too long: the better allocation of registers has a set of values for each block, and the
/// search for common expressions looks through all dominating blocks, so time and memory grow with the product of both.
/// This much is about a second's work.
fn is_huge(func: &ir::Function) -> bool {
    func.dfg.num_blocks().saturating_mul(func.dfg.num_values()) >= HUGE
}

/// Whether a debugger knows variables in memory, and may change them from one line to the next.
fn has_variables(plan: &Plan<'_>) -> bool {
    plan.kept.as_ref().is_some_and(|kept| !kept.by_text)
}

/// If a region is a memory of the module's own that never has its last page: how many bytes always fault behind what 32 bits can address.
fn short_memory(plan: &Plan<'_>, region: u32) -> Option<u64> {
    let Memory { ty, checks } = plan.memories[translate::own_memory(region)?.index()];
    ty.never_has_last_page().then_some(checks.guard())
}

/// Optimises the function in the worker's context.
///
/// # Errors
/// If it is too large for the code generator.
pub fn function<'t>(
    worker: &mut Worker,
    plan: &Plan<'_>,
    target: &'t Target,
) -> Result<&'t dyn TargetIsa> {
    let context = &mut worker.context;
    let is_huge = is_huge(&context.func);
    let isa = if is_huge { &*target.quick } else { &*target.isa };
    // A debugger may stop at the end of each block, and what asks for the epoch has blocks of its own.
    if target.own.order.is_some() && plan.kept.is_none() && !plan.interrupts.epochs && !is_huge {
        joined::join(&mut context.func);
    }
    if target.own.parameters && !is_huge {
        parameters::remove_same(&mut context.func);
    }
    let optimised = context.optimize(isa, &mut worker.control).and_then(|()| {
        if !is_huge {
            let Context { func, cfg, domtree, loop_analysis, .. } = context;
            if plan.skips_turns && plan.interrupts.epochs {
                epochs::gather(func, cfg, &translate::is_epoch);
                cfg.compute(func);
                domtree.compute(func, cfg);
                loop_analysis.compute(func, cfg, domtree);
            }
            if target.own.carries {
                carries::take_carries(func);
            }
            if target.own.starts {
                let guard = |region| short_memory(plan, region);
                // With debug information, what traps is what is written to.
                reached::share_starts(func, &guard, plan.kept.is_none());
            }
            if target.own.forwarding && !has_variables(plan) {
                forwarding::forward(func);
            }
            // A debugger would not see the turns that are left out.
            if plan.kept.is_none()
                && ahead::look_ahead(func, cfg, domtree, target.own.ahead, &translate::is_epoch)
            {
                cfg.compute(func);
                domtree.compute(func, cfg);
                loop_analysis.compute(func, cfg, domtree);
            }
            if target.own.addresses && loop_analysis.is_valid() {
                addresses::split_addresses(func, cfg, domtree, loop_analysis);
            }
            if target.own.counters {
                loops::shorten_counters(func, domtree);
                sums::continue_sums(func, cfg, domtree);
            }
            // Others have taken the place of addresses and counters.
            if target.own.counters || target.own.addresses {
                loops::remove_unused(func);
            }
            // In a turn that is there twice, a debugger would have to stop twice.
            if target.own.loop_fuel
                && plan.interrupts.fuel
                && plan.kept.is_none()
                && fuel::charge_once(func, cfg, &translate::is_fuel)
            {
                cfg.compute(func);
                domtree.compute(func, cfg);
                loop_analysis.compute(func, cfg, domtree);
            }
            if target.own.walks && loop_analysis.is_valid() {
                let is_short = |region| short_memory(plan, region).is_some();
                walks::walk(func, cfg, domtree, loop_analysis, &is_short);
            }
            if plan.skips_turns
                && plan.interrupts.epochs
                && plan.kept.is_none()
                && epochs::count_less(func, cfg, &translate::is_epoch)
            {
                cfg.compute(func);
                domtree.compute(func, cfg);
            }
            if target.own.wide_loads || target.own.wide_numbers {
                let flow = target.own.wide_numbers.then_some((&*cfg, &*domtree));
                widths::widen(func, flow);
            }
            // A debugger wants to know where each operator is.
            if plan.kept.is_none() && (target.own.order.is_some() || target.own.joined_loads) {
                let uses = values::count_uses(func);
                if let Some(registers) = target.own.order {
                    order::compute_early(func, &uses);
                    pressure::relieve(func, &uses, registers);
                }
                if target.own.joined_loads {
                    positions::take_from_loads(func, &uses);
                }
            }
        }
        if target.own.aligned_compares {
            unaligned::keep_loads_out(&mut context.func);
        }
        context.verify_if(isa)
    });
    match optimised {
        Ok(()) => Ok(isa),
        Err(error) => Err(Error::code_generator(&context.func.name.to_string(), &error)),
    }
}
