//! Loads of what was stored just before.
//!
//! In: an optimised function. Out: the same function with the same blocks; loads are missing.
//!
//! What a function stores in wasm's stack for another that is translated in place of its call, or for a product of 128 bits, is
//! loaded again a few instructions later. (Cranelift forgets what was stored at each store that follows, wherever that leads.)
//!
//! Always true: what is forwarded was stored to, or loaded from, the same address in the same block, and nothing that may have
//! changed it lies between.

use cranelift_codegen::ir::{
    AliasRegion, Block, Function, Inst, MemFlagsData, Opcode, Type, Value,
};

use super::addresses::access;
use super::values::Others;

/// How many places are remembered.
const MOST_PLACES: usize = 64;

/// What lies at a place.
struct Place {
    address: Value,
    offset: i32,
    ty: Type,
    flags: MemFlagsData,
    value: Value,
}

/// Lets values take the way through registers that would be stored and loaded.
pub fn forward(func: &mut Function) {
    let mut replaced = Others::default();
    let blocks: Vec<Block> = func.layout.blocks().collect();
    for block in blocks {
        let mut places: Vec<Place> = Vec::new();
        let mut next = func.layout.first_inst(block);
        while let Some(inst) = next {
            next = func.layout.next_inst(inst);
            let opcode = func.dfg.insts[inst].opcode();
            match opcode {
                Opcode::Store => {
                    forget(func, inst, &mut places);
                    remember(func, inst, func.dfg.inst_args(inst)[0], &mut places);
                }
                Opcode::Istore8 | Opcode::Istore16 | Opcode::Istore32 => {
                    forget(func, inst, &mut places);
                }
                Opcode::Load => {
                    let loaded = func.dfg.first_result(inst);
                    match known(func, inst, &places) {
                        Some(value) => {
                            replaced.insert(loaded, value);
                            func.layout.remove_inst(inst);
                        }
                        None => remember(func, inst, loaded, &mut places),
                    }
                }
                _ if opcode.can_store() || opcode.is_call() || opcode.other_side_effects() => {
                    places.clear();
                }
                _ => {}
            }
        }
    }
    // What is forwarded may itself have been replaced.
    replaced.resolve();
    replaced.replace(func);
}

/// The flags of an access to wasm memory, which are the same for all that see the same bytes there.
fn flags(func: &Function, inst: Inst) -> Option<(MemFlagsData, AliasRegion)> {
    let flags = func.dfg.insts[inst].memflags_data(&func.dfg)?;
    Some((flags, flags.alias_region()?))
}

fn remember(func: &Function, inst: Inst, value: Value, places: &mut Vec<Place>) {
    if let (Some((address, offset)), Some((flags, _))) = (access(func, inst), flags(func, inst)) {
        if places.len() == MOST_PLACES {
            places.remove(0);
        }
        let ty = func.dfg.value_type(value);
        places.push(Place { address, offset, ty, flags, value });
    }
}

fn known(func: &Function, inst: Inst, places: &[Place]) -> Option<Value> {
    let ((address, offset), (flags, _)) = (access(func, inst)?, flags(func, inst)?);
    let ty = func.dfg.value_type(func.dfg.first_result(inst));
    let place = places.iter().rev().find(|place| {
        place.address == address && place.offset == offset && place.ty == ty && place.flags == flags
    });
    Some(place?.value)
}

/// Forgets what a store may change.
fn forget(func: &Function, inst: Inst, places: &mut Vec<Place>) {
    let (Some((address, offset)), Some((_, region))) = (access(func, inst), flags(func, inst))
    else {
        places.clear();
        return;
    };
    let value = func.dfg.value_type(func.dfg.inst_args(inst)[0]);
    let bytes = match func.dfg.insts[inst].opcode() {
        Opcode::Istore8 => 1,
        Opcode::Istore16 => 2,
        Opcode::Istore32 => 4,
        _ => value.bytes(),
    };
    let (start, end) = (i64::from(offset), i64::from(offset) + i64::from(bytes));
    places.retain(|place| {
        let (from, to) =
            (i64::from(place.offset), i64::from(place.offset) + i64::from(place.ty.bytes()));
        let is_beside = place.address == address && (to <= start || end <= from);
        is_beside || place.flags.alias_region() != Some(region)
    });
}
