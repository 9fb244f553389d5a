//! Which functions ask whether there is enough stack.
//!
//! In: a module, and who calls whom. Out: the functions that need not ask, because whoever calls them has.
//!
//! A function that does not ask has a small frame, calls no more than a few others that do not either, one from the other, and is
//! called by functions of the module only, by name. What they all use, the runtime keeps free below the limit
//! ([`UNCHECKED_STACK_BYTES`]).
//!
//! Always true: on every way round through the graph of calls at least one function asks.

use wootz_runtime::abi::vmctx::UNCHECKED_STACK_BYTES;

use crate::parse::Module;
use crate::survey::Survey;

/// How many functions that do not ask may have frames at the same time.
const MOST_UNCHECKED: u32 = 16;

/// How large the frame of a function may be that does not ask, with all that belongs to it.
pub const MOST_UNCHECKED_BYTES: u32 = UNCHECKED_STACK_BYTES / MOST_UNCHECKED;

/// Which functions ask, by their position among those with a body.
pub fn find(module: &Module<'_>, survey: &Survey) -> Vec<bool> {
    let imported = module.imported_functions();
    let count = survey.bodies.len();
    // What a tail call passes may need more room than there was: that is not part of the frame.
    let mut asks: Vec<bool> = survey.bodies.iter().map(|facts| facts.has_tail_calls).collect();
    // What can be referred to can be called by anybody, from any depth.
    for function in module.funcrefs.iter().filter_map(|it| it.index().checked_sub(imported)) {
        asks[function] = true;
    }
    let callees = |position: usize| {
        let calls = survey.bodies[position].calls.iter();
        calls
            .filter_map(move |callee| callee.index().checked_sub(imported))
            .filter(|&it| it < count)
    };
    // How many frames of functions that do not ask there may be from this one on, once it is known.
    let mut depths: Vec<Option<u32>> = vec![None; count];
    let mut is_open = vec![false; count];
    for root in 0..count {
        let mut open = vec![(root, false)];
        while let Some((position, is_done)) = open.pop() {
            if is_done {
                is_open[position] = false;
                let below = callees(position).filter(|&callee| !asks[callee]);
                let depth = 1 + below.filter_map(|callee| depths[callee]).max().unwrap_or(0);
                asks[position] |= depth > MOST_UNCHECKED;
                depths[position] = Some(depth);
                continue;
            }
            if depths[position].is_some() || is_open[position] {
                continue;
            }
            is_open[position] = true;
            open.push((position, true));
            for callee in callees(position) {
                if is_open[callee] {
                    // Here the way is round.
                    asks[callee] = true;
                } else if depths[callee].is_none() {
                    open.push((callee, false));
                }
            }
        }
    }
    asks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey;

    fn asking(text: &str) -> Vec<bool> {
        let wasm = wat::parse_str(format!("(module {text})")).unwrap();
        let module = crate::parse::module(&wasm, &crate::options::Features::default()).unwrap();
        find(&module, &survey::survey(&module))
    }

    #[test]
    fn who_is_called_by_name_only_need_not_ask() {
        assert_eq!(
            asking("(func) (func call 0) (func (export \"f\") call 1)"),
            [false, false, true]
        );
        assert_eq!(
            asking("(func) (table funcref (elem 0)) (func (export \"f\") call 0)"),
            [true; 2]
        );
        assert_eq!(
            asking("(import \"\" \"\" (func)) (func call 0) (func (export \"f\") call 1)"),
            [false, true]
        );
    }

    #[test]
    fn who_makes_room_for_tail_calls_asks() {
        assert_eq!(asking("(func) (func return_call 0)"), [false, true]);
    }

    #[test]
    fn somebody_asks_on_every_way_round() {
        assert_eq!(asking("(func call 0)"), [true]);
        let asks =
            asking("(func call 1) (func call 2) (func call 0 call 3) (func call 1 call 4) (func)");
        // 0 1 2 and 1 2 3.
        assert!(asks[0] || asks[1] || asks[2]);
        assert!(asks[1] || asks[2] || asks[3]);
        assert!(!asks[4]);
    }

    #[test]
    fn long_ways_are_interrupted() {
        let functions = (1..200).map(|callee| format!("(func call {callee})"));
        let asks = asking(&(functions.collect::<String>() + "(func)"));
        let most = asks.split(|&asks| asks).map(<[bool]>::len).max();
        assert!(most.unwrap() as u32 <= MOST_UNCHECKED && most.unwrap() > 8, "{most:?}");
    }

    /// Of all small graphs: the longest way through functions that do not ask is short.
    #[test]
    fn no_graph_has_a_long_way_without_a_question() {
        let mut state = 1_u64;
        let mut next = move |most: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % most
        };
        for _ in 0..300 {
            let count = 2 + next(60);
            let mut edges = Vec::new();
            let functions = (0..count).map(|from| {
                let calls: Vec<u64> = (0..next(4)).map(|_| next(count)).collect();
                edges.extend(calls.iter().map(|&to| (from as usize, to as usize)));
                format!(
                    "(func {})",
                    calls.iter().map(|to| format!("call {to} ")).collect::<String>()
                )
            });
            let asks = asking(&functions.collect::<String>());
            // Ways of one function more, until there are none.
            let mut ends: Vec<bool> = asks.iter().map(|asks| !asks).collect();
            let mut length = 0;
            while ends.contains(&true) {
                length += 1;
                assert!(length <= MOST_UNCHECKED, "{asks:?} {edges:?}");
                let mut longer = vec![false; ends.len()];
                for &(from, to) in &edges {
                    longer[from] |= ends[to] && !asks[from];
                }
                ends = longer;
            }
        }
    }
}
