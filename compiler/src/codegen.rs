//! CLIF to machine code.
//!
//! In: the function in the worker's context. Out: its code, and everything about the code that later rooms need.
//!
//! Always true: relocations name symbols of this module only; code never calls a library.

use std::collections::HashSet;

use cranelift_codegen::binemit::{Addend, Reloc};
use cranelift_codegen::ir::{self, ExternalName};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::isa::unwind::UnwindInst;
use cranelift_codegen::{CompiledCode, FinalizedRelocTarget};
use target_lexicon::{Architecture, OperatingSystem};
use wootz_runtime::abi::artifact::StackMap;
use wootz_runtime::abi::index::TableIndex;
use wootz_runtime::abi::trap::TrapCode;

use crate::compact::{self, Compact, Moves};
use crate::convention::const_table::{ELSEWHERE, NULL, OUTSIDE};
use crate::error::{Error, Result};
use crate::kept::{Notes, Slot};
use crate::options::{Event, Observe, Step};
use crate::places::{Call, Place, Places};
use crate::plan::{Plan, Symbol};
use crate::target::{Rewriting, Target};
use crate::trampoline::NEVER_RETURNS;
use crate::unwinding::{self, Rules};
use crate::worker::Worker;

/// The machine code of one symbol. All offsets are relative to its beginning.
pub struct Function {
    /// The code.
    pub code: Vec<u8>,
    /// What its beginning must be a multiple of.
    pub alignment: u32,
    /// Where other symbols are named.
    pub relocations: Vec<Relocation>,
    /// Which instructions may trap, and why; ascending.
    pub traps: Vec<(u32, TrapCode)>,
    /// From which offset on code comes from where; ascending.
    pub positions: Vec<(u32, Place)>,
    /// The last bytes of calls, by which backtraces look them up; ascending.
    pub returns: Vec<u32>,
    /// The calls in whose place functions were translated, by their numbers.
    pub calls: Vec<Call>,
    /// Where its frame holds references to host values, by call.
    pub stack_maps: Vec<StackMap>,
    /// The wasm offsets at which a backtrace may find it: those of what may trap, and of calls.
    pub stops: Vec<u32>,
    /// How to unwind from it, if it is code.
    pub unwind: Option<Unwind>,
    /// Where it has the distance from its beginning to that of another symbol: 32 bits.
    pub distances: Vec<(u32, Symbol)>,
    /// How much of the stack it uses at least for itself, for calls, and to come back.
    pub frame_bytes: u32,
    /// What debuggers need to know, if they are to find anything.
    pub frame: Option<Frame>,
    /// Where it has the distance to the cell that says where traps go, from behind these four bytes.
    pub trap_cell: Option<u32>,
}

impl Function {
    /// A symbol that nothing leads to.
    pub fn without_code() -> Function {
        Function {
            code: Vec::new(),
            alignment: 1,
            relocations: Vec::new(),
            traps: Vec::new(),
            positions: Vec::new(),
            returns: Vec::new(),
            calls: Vec::new(),
            stack_maps: Vec::new(),
            stops: Vec::new(),
            unwind: None,
            distances: Vec::new(),
            frame_bytes: 0,
            frame: None,
            trap_cell: None,
        }
    }
}

/// What debuggers need to know about a function's code and frame.
#[derive(Debug)]
pub struct Frame {
    /// What the frame keeps, and how far that is from where the frame pointer points; on s390x, which has none, from where
    /// the stack pointer points.
    pub slots: Vec<(Slot, i64)>,
    /// Pieces of code and the wasm offsets they come from: beginning, end, offset; ascending. Gaps come from nowhere.
    pub pieces: Vec<(u32, u32, u32)>,
    /// Where basic blocks begin; ascending.
    pub blocks: Vec<u32>,
    /// The wasm offsets of operators that change what debuggers can see; ascending.
    pub effects: Vec<u32>,
    /// The instructions that may trap; ascending.
    pub traps: Vec<u32>,
    /// The return addresses of calls; ascending.
    pub calls: Vec<u32>,
}

/// How to unwind from a function.
pub enum Unwind {
    /// As DWARF tells it.
    Cfa(Rules),
    /// What its prologue does, of which Windows has a description of its own.
    Prologue {
        /// The steps, and where in the code each ends.
        steps: Vec<(u32, UnwindInst)>,
        /// How many bytes of code there are.
        code_bytes: u32,
    },
}

/// A place in code that names another symbol.
pub struct Relocation {
    /// Where.
    pub offset: u32,
    /// How the distance is encoded.
    pub kind: Reloc,
    /// The symbol.
    pub target: Symbol,
    /// What is added to its address.
    pub addend: Addend,
}

/// Makes machine code of the function in the worker's context, with the code generator that [optimised](crate::optimise) it.
///
/// # Errors
/// If it is too large for the code generator.
pub fn function(
    worker: &mut Worker,
    plan: &Plan<'_>,
    target: &Target,
    isa: &dyn TargetIsa,
    observe: &Observe<'_>,
) -> Result<Function> {
    observe(Event::Step(Step::Generate));
    let context = &worker.context;
    let func = &context.func;
    let compiled = isa
        .compile_function(
            func,
            &context.domtree,
            &mut worker.registers,
            context.want_disasm,
            &mut worker.control,
        )
        .map_err(|error| Error::code_generator(&func.name.to_string(), &error))?
        .apply_params(&func.params);
    observe(Event::Step(Step::Finish));
    let compiled = &*worker.code.insert(compiled);
    let buffer = &compiled.buffer;
    let Code { bytes: code, moved, leaves, alignment } = code(compiled, target.own.rewriting);
    let mut relocations: Vec<Relocation> = buffer
        .relocs()
        .iter()
        .map(|reloc| Relocation {
            offset: moved.end(reloc.offset),
            kind: reloc.kind,
            target: symbol(func, &reloc.target),
            addend: reloc.addend,
        })
        .collect();
    let traps = buffer.traps().iter();
    let traps = traps.filter_map(|trap| Some((trap.offset, trap_code(trap.code)?)));
    let traps = moved.beginnings(traps);
    if let Some(symbol) = plan.trap {
        relocations.extend(trap_calls(compiled, &code, &moved, symbol));
    }
    let places = &worker.places;
    let positions = positions(func, compiled, &moved, places, &traps);
    let stack_maps = buffer
        .user_stack_maps()
        .iter()
        .map(|(code, frame_bytes, map)| {
            let mut slots: Vec<u32> = map.entries().map(|(_, slot)| slot).collect();
            slots.sort_unstable();
            StackMap { code: moved.end(*code), frame_bytes: *frame_bytes, slots }
        })
        .collect();
    // A return address is looked up by the byte before.
    let returns: Vec<u32> = buffer.call_sites().map(|call| moved.end(call.ret_addr) - 1).collect();
    let stops = traps.iter().map(|&(offset, _)| offset).chain(returns.iter().copied());
    let stops = stops.filter_map(|offset| {
        let behind = positions.partition_point(|&(code, _)| code <= offset);
        Some(positions[behind.checked_sub(1)?].1.wasm)
    });
    let stops = stops.chain(places.calls().iter().map(|call| call.at.wasm)).collect();
    let unwind = unwind(compiled, &code, &moved, leaves, target);
    let frame = worker.notes.take().map(|notes| frame(compiled, &moved, notes, target));
    Ok(Function {
        code,
        alignment: buffer.alignment.max(target.function_alignment).max(alignment),
        relocations,
        traps,
        positions,
        returns,
        calls: places.calls().to_vec(),
        stack_maps,
        stops,
        unwind: Some(unwind),
        distances: Vec::new(),
        frame_bytes: frame_bytes(compiled),
        frame,
        trap_cell: None,
    })
}

/// The code of a function, and where what Cranelift says about it is now.
struct Code {
    bytes: Vec<u8>,
    moved: Moves,
    /// Where it leaves its frame, if that is no longer as Cranelift does it.
    leaves: Option<Vec<u32>>,
    alignment: u32,
}

/// The code, in as few bytes as we can.
fn code(compiled: &CompiledCode, mut steps: Rewriting) -> Code {
    let buffer = &compiled.buffer;
    // Where calls go on that do not return is nowhere in the code.
    steps.reloads &= buffer.call_sites().all(|call| call.exception_handlers.is_empty());
    let unchanged = || Code {
        bytes: buffer.data().to_vec(),
        moved: Moves::default(),
        leaves: None,
        alignment: 1,
    };
    if steps == Rewriting::default() {
        return unchanged();
    }
    let relocations: Vec<u32> = buffer.relocs().iter().map(|reloc| reloc.offset).collect();
    let traps: Vec<u32> = buffer.traps().iter().map(|trap| trap.offset).collect();
    let called_traps = match steps.calls_traps {
        true => explicit_traps(compiled).collect(),
        false => Vec::new(),
    };
    let facts = compact::Facts {
        code: buffer.data(),
        blocks: &compiled.bb_starts,
        relocations: &relocations,
        traps: &traps,
        called_traps: &called_traps,
        prologue: &buffer.unwind_info,
        frame_bytes: buffer.frame_layout().expect("a function has a frame").frame_to_fp_offset,
        alignment: buffer.alignment,
        tables: &[],
    };
    match compact::function(&facts, steps) {
        Some(Compact { code, moves, leaves, alignment }) => {
            Code { bytes: code, moved: moves, leaves: steps.shortens.then_some(leaves), alignment }
        }
        None => unchanged(),
    }
}

/// Where the instructions of x86-64 are that do nothing but trap.
fn explicit_traps(compiled: &CompiledCode) -> impl Iterator<Item = u32> {
    const UD2: [u8; 2] = [0x0f, 0x0b];
    let code = compiled.buffer.data();
    let traps = compiled.buffer.traps().iter();
    let traps = traps.filter(|trap| trap_code(trap.code).is_some()).map(|trap| trap.offset);
    traps.filter(|&offset| code[offset as usize..].starts_with(&UD2))
}

/// The calls that explicit traps have become: what they call.
fn trap_calls(
    compiled: &CompiledCode,
    code: &[u8],
    moved: &Moves,
    symbol: Symbol,
) -> impl Iterator<Item = Relocation> {
    const CALL: u8 = 0xe8;
    let traps = explicit_traps(compiled).map(|offset| moved.beginning(offset));
    // In functions that were not rewritten they are what they were.
    let calls = traps.filter(|&offset| code[offset as usize] == CALL);
    calls.map(move |offset| Relocation {
        offset: offset + 1,
        kind: Reloc::X86CallPCRel4,
        target: symbol,
        addend: -4,
    })
}

/// What traps call on x86-64: a jump to the address in the cell that says where they go.
pub fn trap(target: &Target) -> Function {
    let code = vec![0xff, 0x25, 0, 0, 0, 0];
    let unwinding = unwinding::Code {
        bytes: &code,
        prologue: &[],
        relocations: Vec::new(),
        overflows: Vec::new(),
        leaves: None,
    };
    Function {
        unwind: Some(Unwind::Cfa(Rules::of(&unwinding, &*target.isa))),
        trap_cell: Some(2),
        code,
        ..Function::without_code()
    }
}

/// What calls through a table that never changes look at. Each element has two numbers: how far its function is, and the number
/// of its signature, or why there is none to be called. There is one element more, for indices that are too great.
pub fn table(plan: &Plan<'_>, target: &Target, index: TableIndex) -> Function {
    let (table, _) = plan.const_table(index).expect("it is in the work list");
    let mut code = Vec::new();
    let mut distances = Vec::new();
    for element in &table.elements {
        let own = element.and_then(|function| Some((plan.function(function)?, function)));
        let what = match (element, own) {
            (_, Some((symbol, function))) => {
                distances.push((code.len() as u32, symbol));
                plan.module.functions[function.index()].0
            }
            (Some(_), None) => ELSEWHERE,
            (None, None) => NULL,
        };
        code.extend(0_u32.to_le_bytes());
        code.extend(target.byte_order().u32_bytes(what));
    }
    code.extend(0_u32.to_le_bytes());
    code.extend(target.byte_order().u32_bytes(OUTSIDE));
    Function { code, alignment: 16, distances, ..Function::without_code() }
}

/// How much of the stack a function uses: the frame, and above it the frame pointer and the return address.
fn frame_bytes(compiled: &CompiledCode) -> u32 {
    let layout = compiled.buffer.frame_layout().expect("a function has a frame");
    layout.frame_to_fp_offset + 16
}

/// What debuggers need to know about a function.
fn frame(compiled: &CompiledCode, moved: &Moves, notes: Notes, target: &Target) -> Frame {
    let buffer = &compiled.buffer;
    let known = buffer.get_srclocs_sorted().iter().filter(|range| !range.loc.is_default());
    let pieces = known.map(|range| (range.start, range.end, range.loc.bits())).collect();
    let pieces = moved.pieces(pieces);
    // A store that the code generator has found to be useless is not there.
    let present: HashSet<u32> = pieces.iter().map(|&(_, _, wasm)| wasm).collect();
    let mut lost = notes.lost;
    let missing = notes.stores.iter().filter(|(_, wasm)| !present.contains(wasm));
    lost.extend(missing.map(|(slot, _)| *slot));
    let layout = buffer.frame_layout().expect("a function has a frame");
    let pointer = match target.triple().architecture {
        Architecture::S390x => 0,
        _ => i64::from(layout.frame_to_fp_offset),
    };
    let slots = layout.stackslots.values().filter_map(|slot| {
        let kept = Slot::of(slot.key?.bits());
        Some((kept, i64::from(slot.offset) - pointer))
    });
    Frame {
        slots: slots.filter(|(slot, _)| !lost.contains(slot)).collect(),
        pieces,
        blocks: beginnings(moved, compiled.bb_starts.iter().copied()),
        effects: notes.effects,
        traps: beginnings(moved, buffer.traps().iter().map(|trap| trap.offset)),
        calls: buffer.call_sites().map(|call| moved.end(call.ret_addr)).collect(),
    }
}

/// Where everything begins now that began at these offsets, which ascend.
fn beginnings(moved: &Moves, offsets: impl Iterator<Item = u32>) -> Vec<u32> {
    moved.beginnings(offsets.map(|offset| (offset, ()))).into_iter().map(|(at, ())| at).collect()
}

/// What Cranelift itself makes of the prologue for Windows is not used: it says where saved registers are wrongly on x86-64,
/// and refuses some of what the convention `PreserveAll` saves on AArch64.
fn unwind(
    compiled: &CompiledCode,
    bytes: &[u8],
    moved: &Moves,
    leaves: Option<Vec<u32>>,
    target: &Target,
) -> Unwind {
    let buffer = &compiled.buffer;
    let steps = buffer.unwind_info.iter();
    let prologue: Vec<_> = steps.map(|(offset, step)| (moved.end(*offset), step.clone())).collect();
    if target.triple().operating_system == OperatingSystem::Windows {
        return Unwind::Prologue { steps: prologue, code_bytes: bytes.len() as u32 };
    }
    let overflows = buffer.traps().iter().filter(|it| it.code == ir::TrapCode::STACK_OVERFLOW);
    let code = unwinding::Code {
        bytes,
        prologue: &prologue,
        relocations: buffer.relocs().iter().map(|reloc| moved.end(reloc.offset)).collect(),
        overflows: overflows.map(|trap| moved.beginning(trap.offset)).collect(),
        leaves,
    };
    Unwind::Cfa(Rules::of(&code, &*target.isa))
}

/// From which offset on code comes from which wasm offset. A stack that overflows does so at the function's beginning, even
/// though the instruction that says so lies behind its end.
fn positions(
    func: &ir::Function,
    compiled: &CompiledCode,
    moved: &Moves,
    places: &Places,
    traps: &[(u32, TrapCode)],
) -> Vec<(u32, Place)> {
    let known = compiled.buffer.get_srclocs_sorted().iter().filter(|range| !range.loc.is_default());
    let mut positions: Vec<_> =
        known.map(|range| (range.start, places.of(range.loc.bits()))).collect();
    let seams = moved.seams().filter_map(|at| {
        let behind = positions.partition_point(|&(start, _)| start <= at);
        Some((at, positions[behind.checked_sub(1)?].1))
    });
    let seams: Vec<_> = seams.collect();
    if !seams.is_empty() {
        positions.extend(seams);
        positions.sort_by_key(|&(offset, _)| offset);
    }
    let mut positions = moved.beginnings(positions);
    let beginning = func.params.base_srcloc();
    if !beginning.is_default() {
        let overflows = traps.iter().filter(|(_, trap)| *trap == TrapCode::StackOverflow);
        positions.extend(overflows.map(|&(offset, _)| (offset, places.of(beginning.bits()))));
        positions.sort_unstable_by_key(|&(offset, _)| offset);
    }
    positions.dedup_by_key(|&mut (_, place)| place);
    positions
}

fn symbol(func: &ir::Function, target: &FinalizedRelocTarget) -> Symbol {
    match target {
        FinalizedRelocTarget::ExternalName(ExternalName::User(name)) => {
            Symbol(func.params.user_named_funcs()[*name].index)
        }
        target => panic!("code names {target:?}, which is no symbol of the module"),
    }
}

fn trap_code(code: ir::TrapCode) -> Option<TrapCode> {
    Some(match code {
        ir::TrapCode::STACK_OVERFLOW => TrapCode::StackOverflow,
        ir::TrapCode::INTEGER_OVERFLOW => TrapCode::IntegerOverflow,
        ir::TrapCode::HEAP_OUT_OF_BOUNDS => TrapCode::MemoryOutOfBounds,
        ir::TrapCode::INTEGER_DIVISION_BY_ZERO => TrapCode::IntegerDivisionByZero,
        ir::TrapCode::BAD_CONVERSION_TO_INTEGER => TrapCode::BadConversionToInteger,
        code if code.as_raw().get() == NEVER_RETURNS => return None,
        code => TrapCode::from_u8(code.as_raw().get()).expect("only our own codes are used"),
    })
}
