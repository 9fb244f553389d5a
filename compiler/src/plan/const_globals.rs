//! Globals that never change: what reads them is a constant.
//!
//! In: a module, and what its bodies do. Out: the value of each global that nobody can change, if it is a known number or vector.
//!
//! Always true: an instance of the module has exactly these values from the moment on at which its globals are initialised.

use std::collections::{BTreeMap, HashSet};

use wootz_runtime::abi::index::GlobalIndex;
use wootz_runtime::abi::manifest::{ConstExpr, ConstOp, ExportItem};

use crate::parse::Module;
use crate::survey::Survey;

/// The globals of a module that never change, each with the constant that it is. Mutable ones are among them only if code is all
/// that could change them, and none does: with `is_debugged`, somebody else may.
pub fn find(
    module: &Module<'_>,
    survey: &Survey,
    is_debugged: bool,
) -> BTreeMap<GlobalIndex, ConstOp> {
    let exported: HashSet<GlobalIndex> = module
        .exports
        .iter()
        .filter_map(|export| match export.item {
            ExportItem::Global(global) => Some(global),
            _ => None,
        })
        .collect();
    let mut known = BTreeMap::new();
    for (position, init) in module.global_inits.iter().enumerate() {
        let index = GlobalIndex::from_position(module.imported_globals() + position);
        let changes = module.globals[index.index()].mutable
            && (is_debugged
                || exported.contains(&index)
                || survey.changed_globals.contains(&index));
        if !changes && let Some(value) = value(init, &known) {
            known.insert(index, value);
        }
    }
    known
}

/// What a constant expression comes to, as an operator that makes it. `None` if it is a reference, or depends on something.
fn value(expression: &ConstExpr, known: &BTreeMap<GlobalIndex, ConstOp>) -> Option<ConstOp> {
    let mut stack = Vec::new();
    for op in &expression.ops {
        let value = match *op {
            ConstOp::I32Const(_)
            | ConstOp::I64Const(_)
            | ConstOp::F32Const(_)
            | ConstOp::F64Const(_)
            | ConstOp::V128Const(_) => *op,
            ConstOp::GlobalGet(global) => *known.get(&global)?,
            ConstOp::RefNull(_) | ConstOp::RefFunc(_) => return None,
            ConstOp::I32Add
            | ConstOp::I32Sub
            | ConstOp::I32Mul
            | ConstOp::I64Add
            | ConstOp::I64Sub
            | ConstOp::I64Mul => {
                let right = stack.pop()?;
                apply(op, &stack.pop()?, &right)?
            }
        };
        stack.push(value);
    }
    stack.pop()
}

/// The result of an operator on two constants.
fn apply(op: &ConstOp, left: &ConstOp, right: &ConstOp) -> Option<ConstOp> {
    use ConstOp::{I32Const, I64Const};
    Some(match (op, left, right) {
        (ConstOp::I32Add, I32Const(left), I32Const(right)) => I32Const(left.wrapping_add(*right)),
        (ConstOp::I32Sub, I32Const(left), I32Const(right)) => I32Const(left.wrapping_sub(*right)),
        (ConstOp::I32Mul, I32Const(left), I32Const(right)) => I32Const(left.wrapping_mul(*right)),
        (ConstOp::I64Add, I64Const(left), I64Const(right)) => I64Const(left.wrapping_add(*right)),
        (ConstOp::I64Sub, I64Const(left), I64Const(right)) => I64Const(left.wrapping_sub(*right)),
        (ConstOp::I64Mul, I64Const(left), I64Const(right)) => I64Const(left.wrapping_mul(*right)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey;

    /// The constant that the last global is.
    fn last(text: &str, is_debugged: bool) -> Option<ConstOp> {
        let wasm = wat::parse_str(format!("(module {text})")).unwrap();
        let module = crate::parse::module(&wasm, &crate::options::Features::default()).unwrap();
        let known = find(&module, &survey::survey(&module), is_debugged);
        known.get(&GlobalIndex::from_position(module.globals.len() - 1)).copied()
    }

    #[test]
    fn values_are_known_unless_something_can_change_them() {
        let five = Some(ConstOp::I32Const(5));
        assert_eq!(last("(global i32 (i32.const 5))", true), five);
        assert_eq!(last("(global (export \"g\") i32 (i32.const 5))", true), five);
        assert_eq!(last("(global (mut i32) (i32.const 5))", false), five);
        assert_eq!(last("(global (mut i32) (i32.const 5)) (func global.get 0 drop)", false), five);
        assert_eq!(last("(global (mut i32) (i32.const 5))", true), None, "a debugger could");
        assert_eq!(last("(global (export \"g\") (mut i32) (i32.const 5))", false), None);
        assert_eq!(
            last("(global $g (mut i32) (i32.const 5)) (func (global.set $g (i32.const 6)))", false),
            None
        );
        assert_eq!(last("(import \"\" \"\" (global i32))", false), None);
        assert_eq!(
            last("(import \"\" \"\" (global i32)) (global i32 (global.get 0))", false),
            None
        );
    }

    #[test]
    fn values_are_computed() {
        let sum = "(global i32 (i32.const 5)) (global i32 (global.get 0))
            (global i32 (i32.sub (i32.mul (global.get 0) (global.get 1)) (i32.const 4)))";
        assert_eq!(last(sum, false), Some(ConstOp::I32Const(21)));
        let wraps = "(global i64 (i64.add (i64.const -1) (i64.mul (i64.const 1) (i64.const 3))))";
        assert_eq!(last(wraps, false), Some(ConstOp::I64Const(2)));
        let nan = "(global f32 (f32.const nan:0x200001))";
        assert_eq!(last(nan, false), Some(ConstOp::F32Const(0x7fa0_0001)));
        assert_eq!(last("(global funcref (ref.null func))", false), None);
    }
}
