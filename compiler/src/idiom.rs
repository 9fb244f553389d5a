//! Functions that are known by what they compute, whatever they are called, and however they go about it.
//!
//! In: a module, before anything is translated. Out: which stores of a function store what, if that is something for which
//! machines have instructions, and wasm has none. Then it is computed so, in the function, and where that is called.
//!
//! Wasm multiplies 64 bits by 64 and keeps 64. Compilers call a function for the product of 128 (`__multi3`), which puts it
//! together from products of halves. Such a body, in whatever order and form it does so, is found by algebra: see
//! [`algebra`].
//!
//! Always true: what is found is proven for all arguments. A body that is not valid is never found.

/// Numbers as polynomials.
mod algebra;

use std::collections::HashMap;

use wasmparser::{MemArg, MemArgTarget, Operator};
use wootz_runtime::abi::index::FuncIndex;
use wootz_runtime::abi::types::{FuncType, ValType};

use crate::parse::{Body, Module};
use algebra::{Algebra, Number};

/// A product that a function computes of its parameters, and stores.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Product {
    /// The factors. A function has them as parameters.
    pub factors: [Factor; 2],
    /// The stores, one after the other. They go to where the first parameter says.
    pub stores: [Store; 2],
}

impl Product {
    /// Which half the store at an offset in the wasm file stores, if it is one of these.
    pub fn half_at(&self, offset: u64) -> Option<Half> {
        self.stores.iter().find(|store| store.offset == offset).map(|store| store.half)
    }
}

/// A number of which the product is made, by the parameters that it is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Factor {
    /// The lower 64 bits.
    pub low: u32,
    /// The upper 64 bits; the factor has none if there is no parameter.
    pub high: Option<u32>,
}

/// A store of one half.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Store {
    /// Where its operator is in the wasm file.
    pub offset: u64,
    /// Where it stores.
    pub memarg: MemArg,
    /// What it stores.
    pub half: Half,
}

/// A half of a number of 128 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Half {
    /// The lower one.
    Low,
    /// The upper one.
    High,
}

/// How many bytes a body may have to be looked at: some sixty operators are enough.
const MOST_BYTES: u64 = 500;

/// The functions of a module that store a product of their parameters.
pub fn products(module: &Module<'_>) -> HashMap<FuncIndex, Product> {
    let bodies = module.bodies.iter().enumerate();
    let found = bodies.filter_map(|(position, body)| {
        let index = FuncIndex::from_position(module.imported_functions() + position);
        Some((index, product(module, module.function_type(index), body)?))
    });
    found.collect()
}

fn product(module: &Module<'_>, ty: &FuncType, body: &Body<'_>) -> Option<Product> {
    let range = body.reader.range();
    let factors = factors(ty)?;
    if range.end - range.start > MOST_BYTES {
        return None;
    }
    let mut execution = Execution::new(ty, body, factors)?;
    let mut operators = body.reader.get_operators_reader().ok()?;
    while !operators.eof() {
        let offset = operators.original_position();
        execution.operator(&operators.read().ok()?, offset)?;
    }
    operators.finish().ok()?;
    execution.product().filter(|product| {
        product.stores.iter().all(|store| may_store(module, &ty.params[0], store.memarg))
    })
}

/// Whether 64 bits can be stored so in a module, with an address of that type.
fn may_store(module: &Module<'_>, address: &ValType, memarg: MemArg) -> bool {
    let MemArgTarget::Memory(memory) = memarg.target else { return false };
    let Some(memory) = module.memories.get(memory as usize) else { return false };
    let (ty, greatest) = match memory.memory64 {
        true => (ValType::I64, u64::MAX),
        false => (ValType::I32, u64::from(u32::MAX)),
    };
    *address == ty && memarg.offset <= greatest && memarg.align <= 3 && memarg.ordering.is_none()
}

/// The factors of functions with such parameters: where the product goes, and two numbers of 64 or 128 bits.
fn factors(ty: &FuncType) -> Option<[Factor; 2]> {
    let [ValType::I32 | ValType::I64, numbers @ ..] = &*ty.params else { return None };
    if !ty.results.is_empty() || !numbers.iter().all(|number| *number == ValType::I64) {
        return None;
    }
    match numbers.len() {
        2 => Some([1, 2].map(|low| Factor { low, high: None })),
        4 => Some([1, 3].map(|low| Factor { low, high: Some(low + 1) })),
        _ => None,
    }
}

/// A value while the body is executed with unknown arguments.
#[derive(Clone)]
enum Value {
    /// Where the product goes.
    Place,
    /// A number.
    Number(Number),
    /// A number about which nothing is known.
    Unknown,
}

/// A body that is executed with unknown arguments.
struct Execution {
    algebra: Algebra,
    factors: [Factor; 2],
    locals: Vec<Value>,
    stack: Vec<Value>,
    /// Where each store is, where it stores, and what.
    stores: Vec<(u64, MemArg, Number)>,
}

impl Execution {
    fn new(ty: &FuncType, body: &Body<'_>, factors: [Factor; 2]) -> Option<Execution> {
        let mut algebra = Algebra::default();
        let numbers = ty.params[1..].iter().map(|_| Value::Number(algebra.unknown()));
        let mut locals: Vec<Value> = std::iter::once(Value::Place).chain(numbers).collect();
        for declaration in body.reader.get_locals_reader().ok()? {
            let (count, ty) = declaration.ok()?;
            if u64::from(count) > MOST_BYTES {
                return None;
            }
            if ty != wasmparser::ValType::I64 {
                return None;
            }
            let zero = Value::Number(algebra.constant(0));
            locals.extend(std::iter::repeat_n(zero, count as usize));
        }
        let (stack, stores) = (Vec::new(), Vec::new());
        Some(Execution { algebra, factors, locals, stack, stores })
    }

    /// Executes an operator. `None` if it is one that such functions do not need.
    fn operator(&mut self, operator: &Operator<'_>, offset: u64) -> Option<()> {
        use Operator as Op;
        let result = match *operator {
            Op::LocalGet { local_index } => self.locals.get(local_index as usize)?.clone(),
            Op::LocalSet { local_index } => {
                let value = self.stack.pop()?;
                return self.set(local_index, value);
            }
            Op::LocalTee { local_index } => {
                let value = self.stack.last()?.clone();
                return self.set(local_index, value);
            }
            Op::I64Const { value } => Value::Number(self.algebra.constant(value as u64)),
            Op::I64Add => self.binary(Algebra::add)?,
            Op::I64Mul => self.binary(Algebra::multiply)?,
            Op::I64And => self.binary(Algebra::and)?,
            Op::I64Or => self.binary(Algebra::or)?,
            Op::I64Shl => self.binary(Algebra::shift_left)?,
            Op::I64ShrU => self.binary(Algebra::shift_right)?,
            Op::I64Store { memarg } => {
                let (Value::Number(value), Value::Place) = (self.stack.pop()?, self.stack.pop()?)
                else {
                    return None;
                };
                self.stores.push((offset, memarg, value));
                return Some(());
            }
            Op::Nop | Op::End => return Some(()),
            _ => return None,
        };
        self.stack.push(result);
        Some(())
    }

    fn set(&mut self, local: u32, value: Value) -> Option<()> {
        let local = self.locals.get_mut(local as usize)?;
        let is_place = |value: &Value| matches!(value, Value::Place);
        // They may be of different types.
        if is_place(local) != is_place(&value) {
            return None;
        }
        *local = value;
        Some(())
    }

    fn binary(
        &mut self,
        compute: impl FnOnce(&mut Algebra, &Number, &Number) -> Option<Number>,
    ) -> Option<Value> {
        let (right, left) = (self.stack.pop()?, self.stack.pop()?);
        let (Value::Number(left), Value::Number(right)) = (left, right) else { return None };
        Some(compute(&mut self.algebra, &left, &right).map_or(Value::Unknown, Value::Number))
    }

    /// What the function has stored, if that is the product.
    fn product(self) -> Option<Product> {
        let [first, second] = <[_; 2]>::try_from(self.stores).ok()?;
        if !self.stack.is_empty() || first.1.target != second.1.target {
            return None;
        }
        let halves = match (first.1.offset, second.1.offset) {
            (low, high) if high.checked_sub(low) == Some(8) => [Half::Low, Half::High],
            (high, low) if high.checked_sub(low) == Some(8) => [Half::High, Half::Low],
            _ => return None,
        };
        let store = |&(offset, memarg, _): &_, half| Store { offset, memarg, half };
        let stores = [store(&first, halves[0]), store(&second, halves[1])];
        let (low, high) = match halves {
            [Half::Low, _] => (first.2, second.2),
            _ => (second.2, first.2),
        };
        // Atoms are numbered as parameters are: the first is that of the second parameter.
        let atom = |parameter: u32| parameter as usize - 1;
        let [x, y] = self.factors.map(|factor| (atom(factor.low), factor.high.map(atom)));
        let factors = self.factors;
        self.algebra.is_product(&low, &high, x, y).then_some(Product { factors, stores })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<Product> {
        let wasm = wat::parse_str(format!("(module (memory 1) {text})")).unwrap();
        let module = crate::parse::module(&wasm, &crate::options::Features::default()).unwrap();
        let index = FuncIndex(0);
        products(&module).remove(&index)
    }

    /// As LLVM has it, with names for what it computes.
    const PRODUCT: &str = "
        (func (param $to i32) (param $a i64) (param $ah i64) (param $b i64) (param $bh i64)
            (local $low i64) (local $t i64) (local $u i64)
            (local.set $low (i64.mul (i64.and (local.get $a) (i64.const 0xffffffff))
                (i64.and (local.get $b) (i64.const 0xffffffff))))
            (local.set $t (i64.add (i64.shr_u (local.get $low) (i64.const 32))
                (i64.mul (i64.shr_u (local.get $a) (i64.const 32))
                    (i64.and (local.get $b) (i64.const 0xffffffff)))))
            (local.set $u (i64.add (i64.and (local.get $t) (i64.const 0xffffffff))
                (i64.mul (i64.and (local.get $a) (i64.const 0xffffffff))
                    (i64.shr_u (local.get $b) (i64.const 32)))))
            (i64.store offset=8 (local.get $to) (i64.add
                (i64.add (i64.mul (local.get $a) (local.get $bh)) (i64.mul (local.get $ah) (local.get $b)))
                (i64.add (i64.mul (i64.shr_u (local.get $a) (i64.const 32)) (i64.shr_u (local.get $b) (i64.const 32)))
                    (i64.add (i64.shr_u (local.get $t) (i64.const 32)) (i64.shr_u (local.get $u) (i64.const 32))))))
            (i64.store (local.get $to) LOW))";
    const LOW: &str = "(i64.or (i64.shl (local.get $u) (i64.const 32)) (i64.and (local.get $low) (i64.const 0xffffffff)))";

    #[test]
    fn products_are_found_in_more_than_one_form() {
        let text = PRODUCT.replace("LOW", LOW);
        let product = found(&text).expect("it is one");
        let factor = |low| Factor { low, high: Some(low + 1) };
        assert_eq!(product.factors, [factor(1), factor(3)]);
        assert_eq!(product.stores.map(|store| store.half), [Half::High, Half::Low]);
        // The lower half is what wasm's own multiplication keeps.
        let short = PRODUCT.replace("LOW", "(i64.mul (local.get $b) (local.get $a))");
        assert!(found(&short).is_some());
        let added = LOW.replace("i64.or", "i64.add");
        assert!(found(&PRODUCT.replace("LOW", &added)).is_some());
        // Factors of 64 bits.
        let narrow = short
            .replace("(param $ah i64)", "")
            .replace("(param $bh i64)", "")
            .replace("(i64.add (i64.mul (local.get $a) (local.get $bh)) (i64.mul (local.get $ah) (local.get $b)))", "(i64.const 0)");
        assert_eq!(found(&narrow).unwrap().factors.map(|factor| factor.high), [None, None]);
        // Those of the same type that are something else.
        let swapped = short.replace("offset=8", "offset=9");
        assert_eq!(found(&swapped), None);
    }

    #[test]
    fn what_is_invalid_is_not_found() {
        let text = PRODUCT.replace("LOW", LOW);
        for (from, to) in [
            // Another memory than there is, addresses of another type, a number that is left over.
            ("i64.store (local.get $to)", "i64.store 1 (local.get $to)"),
            ("(param $to i32)", "(param $to i64)"),
            ("(i64.store (local.get $to)", "(local.get $t) (i64.store (local.get $to)"),
        ] {
            assert!(text.contains(from));
            assert_eq!(found(&text.replace(from, to)), None, "{to}");
        }
    }

    #[test]
    fn whatever_is_not_quite_a_product_is_not_found() {
        let text = PRODUCT.replace("LOW", LOW);
        assert!(found(&text).is_some());
        // A change at each place of the text where one can be made.
        let changes = [
            ("i64.add", "i64.mul"),
            ("i64.mul", "i64.add"),
            ("0xffffffff", "0x7fffffff"),
            ("0xffffffff", "0xfffffffff"),
            ("(i64.const 32)", "(i64.const 31)"),
            ("(local.get $ah)", "(local.get $a)"),
            ("(local.get $t)", "(local.get $u)"),
            ("(local.get $low)", "(local.get $t)"),
            ("(local.get $b)", "(local.get $bh)"),
        ];
        let mut count = 0;
        for (from, to) in changes {
            for (at, _) in text.match_indices(from) {
                let changed = format!("{}{to}{}", &text[..at], &text[at + from.len()..]);
                assert_eq!(found(&changed), None, "{from} to {to} at {at}:\n{changed}");
                count += 1;
            }
        }
        assert!(count > 40);
    }
}
