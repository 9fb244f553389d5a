//! The machine code of all functions to one text.
//!
//! In: the code of each piece of work. Out: one text, and every table that goes by offsets in it.
//!
//! Always true: the order is that of the work list, and nothing is left to relocate. What nothing leads to has no code, and
//! lies, with 0 bytes, where what is in front of it ends.

use cranelift_codegen::control::ControlPlane;
use wootz_runtime::abi::artifact::{CodePlace, CodePlaces, InlinedCall, StackMap};

use crate::codegen::{Frame, Function, Unwind};
use crate::error::{Error, Result};
use crate::options::{AddressMap, Optimisation, Options};
use crate::plan::{Plan, Trampoline, Work};
use crate::target::Target;

/// The code of a module. All offsets are relative to its beginning, and all tables ascend.
pub struct Code {
    /// Machine code.
    pub text: Vec<u8>,
    /// Where each symbol lies: its offset and size, in the order of the work list. What has no code has the size 0.
    pub symbols: Vec<(u32, u32)>,
    /// What may trap, and where code comes from.
    pub places: CodePlaces,
    /// The calls in whose place functions were translated.
    pub inlined_calls: Vec<InlinedCall>,
    /// Where frames hold references to host values.
    pub stack_maps: Vec<StackMap>,
    /// The wasm offsets at which backtraces may find functions.
    pub stops: Vec<u32>,
    /// What debuggers need to know about each symbol, in the order of the work list; relative to its beginning.
    pub frames: Vec<Option<Frame>>,
    /// How to unwind from each symbol.
    pub unwind: Vec<(u32, Unwind)>,
    /// Where the distance is to the cell that says where traps go, from behind it, if any go there.
    pub trap_cell: Option<u32>,
}

/// Places all functions one behind the other.
///
/// # Errors
/// If the code exceeds 2 GiB.
pub fn text(
    mut functions: Vec<Function>,
    plan: &Plan<'_>,
    target: &Target,
    options: &Options,
) -> Result<Code> {
    let map = match options.address_map {
        AddressMap::Stops if options.debug_info.is_some() => AddressMap::All,
        map => map,
    };
    // A debugger may want to see, and to call, any of them.
    if options.optimises(Optimisation::DeadFunctions) && options.debug_info.is_none() {
        let reached = reached(&functions, plan);
        let dead = functions.iter_mut().zip(reached).filter(|(_, is_reached)| !is_reached);
        dead.for_each(|(function, _)| *function = Function::without_code());
    }
    let imported = plan.module.imported_functions() as u32;
    let mut builder = target.isa.text_section_builder(functions.len());
    let mut control = ControlPlane::default();
    let mut starts = Vec::with_capacity(functions.len());
    for function in &functions {
        let start = builder.append(true, &function.code, function.alignment, &mut control);
        starts.push(
            u32::try_from(start)
                .ok()
                .filter(|start| i32::try_from(*start).is_ok())
                .ok_or_else(too_large)?,
        );
        for relocation in &function.relocations {
            let offset = start + u64::from(relocation.offset);
            let target = relocation.target.0 as usize;
            let resolved =
                builder.resolve_reloc(offset, relocation.kind, relocation.addend, target);
            assert!(resolved, "{:?} is no relocation between functions", relocation.kind);
        }
    }
    let mut text = builder.finish(&mut control);
    for (function, &start) in functions.iter().zip(&starts) {
        for &(offset, symbol) in &function.distances {
            let at = (start + offset) as usize;
            let distance = starts[symbol.0 as usize].wrapping_sub(start);
            text[at..at + 4].copy_from_slice(&target.byte_order().u32_bytes(distance));
        }
    }
    i32::try_from(text.len()).map_err(|_| too_large())?;

    let mut code = Code {
        text,
        symbols: Vec::new(),
        places: CodePlaces { rows: Vec::new(), are_complete: map == AddressMap::All },
        inlined_calls: Vec::new(),
        stack_maps: Vec::new(),
        stops: Vec::new(),
        frames: Vec::new(),
        unwind: Vec::new(),
        trap_cell: None,
    };
    for (function, start) in functions.into_iter().zip(starts) {
        code.trap_cell = code.trap_cell.or(function.trap_cell.map(|at| start + at));
        code.symbols.push((start, function.code.len() as u32));
        add_places(&mut code, &function, start, imported, map);
        code.stack_maps.extend(
            function.stack_maps.into_iter().map(|map| StackMap { code: start + map.code, ..map }),
        );
        code.stops.extend(function.stops);
        code.frames.push(function.frame);
        code.unwind.extend(function.unwind.map(|unwind| (start, unwind)));
    }
    code.stops.sort_unstable();
    code.stops.dedup();
    Ok(code)
}

/// What of the work is reached: what the loader and programs in C know, and what that leads to. Functions that were translated
/// wherever they are called are not, unless they can be referred to, and neither are built-in functions that nobody calls.
fn reached(functions: &[Function], plan: &Plan<'_>) -> Vec<bool> {
    let is_known = |work: &Work| match work {
        Work::Function(_)
        | Work::Table(_)
        | Work::Trap
        | Work::Trampoline(Trampoline::Builtin(_)) => false,
        Work::Trampoline(Trampoline::Entry(_) | Trampoline::Exit(_) | Trampoline::Export(_)) => {
            true
        }
    };
    let mut reached: Vec<bool> = plan.work.iter().map(is_known).collect();
    let referred_to = plan.module.funcrefs.iter().filter_map(|&function| plan.function(function));
    referred_to.for_each(|symbol| reached[symbol.0 as usize] = true);
    let mut open: Vec<usize> = (0..functions.len()).filter(|&position| reached[position]).collect();
    while let Some(position) = open.pop() {
        let Function { relocations, distances, .. } = &functions[position];
        let called = relocations.iter().map(|relocation| relocation.target);
        for symbol in called.chain(distances.iter().map(|&(_, symbol)| symbol)) {
            let is_reached = &mut reached[symbol.0 as usize];
            if !std::mem::replace(is_reached, true) {
                open.push(symbol.0 as usize);
            }
        }
    }
    reached
}

/// Adds what may trap in a function, and where its code comes from.
fn add_places(code: &mut Code, function: &Function, start: u32, imported: u32, map: AddressMap) {
    let first_call = code.inlined_calls.len() as u32;
    let number = |call: Option<u32>| call.map(|call| first_call + call);
    code.inlined_calls.extend(function.calls.iter().map(|call| InlinedCall {
        function: call.function.0 - imported,
        wasm_offset: call.at.wasm,
        caller: number(call.at.call),
    }));
    let place = |offset: u32| {
        let behind = function.positions.partition_point(|&(code, _)| code <= offset);
        behind.checked_sub(1).map(|at| function.positions[at])
    };
    let mut rows: Vec<_> =
        function.traps.iter().map(|&(offset, trap)| (offset, Some(trap))).collect();
    // What is true of a call is so from the first instruction on that belongs to it.
    let begins = |offset: &u32| Some((place(*offset)?.0, None));
    rows.extend(match map {
        AddressMap::All => function.positions.iter().map(|&(offset, _)| (offset, None)).collect(),
        _ => function.returns.iter().filter_map(begins).collect::<Vec<_>>(),
    });
    rows.sort_by_key(|&(offset, trap)| (offset, trap.is_none()));
    rows.dedup_by_key(|&mut (offset, _)| offset);
    let mut last = (None, None);
    for (offset, trap) in rows {
        let place = place(offset).map(|(_, place)| place);
        let wasm_offset = place.map(|place| place.wasm).filter(|_| map != AddressMap::None);
        let call = place.and_then(|place| number(place.call));
        if trap.is_some() || (wasm_offset, call) != last {
            code.places.rows.push(CodePlace { code: start + offset, wasm_offset, call, trap });
        }
        last = (wasm_offset, call);
    }
}

/// A name for a part of the code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Symbol {
    /// The name, without NUL. Different from those of all other symbols.
    pub name: String,
    /// Where it begins, as an offset in the code.
    pub offset: u32,
    /// How many bytes it has.
    pub bytes: u32,
    /// Whether other files may name it.
    pub is_global: bool,
}

/// The symbols as object files have them: only those that other files may name, unless `all` are wanted.
pub fn symbols(plan: &Plan<'_>, code: &Code, all: bool) -> Vec<Symbol> {
    let symbols = plan.work.iter().zip(&plan.symbols).zip(&code.symbols);
    let symbols = symbols.map(|((work, name), &(offset, bytes))| {
        let is_global = matches!(work, Work::Trampoline(Trampoline::Export(_)));
        Symbol { name: name.clone(), offset, bytes, is_global }
    });
    // What was left out has no name.
    symbols.filter(|symbol| symbol.bytes > 0 && (all || symbol.is_global)).collect()
}

fn too_large() -> Error {
    Error::Limit { message: "its machine code exceeds 2 GiB".to_string() }
}
