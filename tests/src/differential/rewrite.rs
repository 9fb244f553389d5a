//! Makes a module say the same everywhere: where the specification leaves the bits of a NaN open, the module sets them
//! itself, and waits are short.
//!
//! In: a valid module without imported functions. Out: one that is as valid, with the same exports.

use std::convert::Infallible;

use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{CodeSection, Function, Instruction, ValType};
use wasmparser::{FunctionBody, Operator, Validator, WasmFeatures};

use super::operators::name_of;

/// How many nanoseconds a wait takes at most.
const LONGEST_WAIT: i64 = 1000;

/// The module, rewritten.
///
/// # Errors
/// If it is not valid.
pub fn determined(wasm: &[u8]) -> Result<Vec<u8>, String> {
    let types = Validator::new_with_features(WasmFeatures::all())
        .validate_all(wasm)
        .map_err(|error| error.to_string())?;
    let types = types.as_ref();
    let parameters = (0..types.function_count())
        .map(|index| types[types.core_function_at(index)].unwrap_func().params().len() as u32)
        .collect();
    let mut module = wasm_encoder::Module::new();
    Rewriter { parameters, next: 0 }
        .parse_core_module(&mut module, wasmparser::Parser::new(0), wasm)
        .map_err(|error| error.to_string())?;
    Ok(module.finish())
}

struct Rewriter {
    /// How many parameters each function has.
    parameters: Vec<u32>,
    /// Which function comes next.
    next: usize,
}

impl Reencode for Rewriter {
    type Error = Infallible;

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), reencode::Error<Infallible>> {
        let mut locals = Vec::new();
        let mut count = self.parameters[self.next];
        self.next += 1;
        for group in body.get_locals_reader()? {
            let (of_type, ty) = group?;
            count += of_type;
            locals.push((of_type, self.val_type(ty)?));
        }
        let mut scratch = Vec::new();
        let mut instructions = Vec::new();
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            let operator = reader.read()?;
            if let Operator::MemoryAtomicWait32 { .. } | Operator::MemoryAtomicWait64 { .. } =
                operator
            {
                instructions.extend([Instruction::Drop, Instruction::I64Const(LONGEST_WAIT)]);
            }
            let lanes = Lanes::with_open_nans(&operator);
            instructions.push(self.instruction(operator)?);
            if let Some(lanes) = lanes {
                let ty = lanes.ty();
                let at = scratch.iter().position(|other| *other == ty).unwrap_or_else(|| {
                    scratch.push(ty);
                    scratch.len() - 1
                });
                instructions.extend(lanes.canonical(count + at as u32));
            }
        }
        locals.extend(scratch.into_iter().map(|ty| (1, ty)));
        let mut function = Function::new(locals);
        for instruction in &instructions {
            function.instruction(instruction);
        }
        code.function(&function);
        Ok(())
    }
}

/// How a value consists of floats.
#[derive(Clone, Copy)]
enum Lanes {
    F32,
    F64,
    F32x4,
    F64x2,
}

/// What operators that compute with floats are called, after the name of their lanes: those whose NaNs are not determined.
const COMPUTE: &[&str] = &[
    "Add",
    "Ceil",
    "DemoteF64",
    "DemoteF64x2Zero",
    "Div",
    "Floor",
    "Max",
    "Min",
    "Mul",
    "Nearest",
    "PromoteF32",
    "PromoteLowF32x4",
    "RelaxedMadd",
    "RelaxedMax",
    "RelaxedMin",
    "RelaxedNmadd",
    "Sqrt",
    "Sub",
    "Trunc",
];

impl Lanes {
    /// What an operator leaves, if the bits of NaNs in it are open.
    fn with_open_nans(operator: &Operator) -> Option<Lanes> {
        let (_, name) = name_of(operator);
        let lanes = [
            ("F32x4", Lanes::F32x4),
            ("F64x2", Lanes::F64x2),
            ("F32", Lanes::F32),
            ("F64", Lanes::F64),
        ];
        let computes = |(prefix, _): &(&str, Lanes)| {
            name.strip_prefix(prefix).is_some_and(|rest| COMPUTE.contains(&rest))
        };
        lanes.into_iter().find(computes).map(|(_, lanes)| lanes)
    }

    fn ty(self) -> ValType {
        match self {
            Lanes::F32 => ValType::F32,
            Lanes::F64 => ValType::F64,
            Lanes::F32x4 | Lanes::F64x2 => ValType::V128,
        }
    }

    /// Replaces each NaN by the positive canonical one, with the help of a local.
    fn canonical(self, scratch: u32) -> [Instruction<'static>; 6] {
        const F32_NAN: u32 = 0x7fc0_0000;
        const F64_NAN: u64 = 0x7ff8_0000_0000_0000;
        let f32x4 = i128::from(F32_NAN) * 0x1_0000_0001_0000_0001_0000_0001;
        let f64x2 = i128::from(F64_NAN) * 0x1_0000_0000_0000_0001;
        let (nan, equal, choose) = match self {
            Lanes::F32 => (
                Instruction::F32Const(wasm_encoder::Ieee32::new(F32_NAN)),
                Instruction::F32Eq,
                Instruction::Select,
            ),
            Lanes::F64 => (
                Instruction::F64Const(wasm_encoder::Ieee64::new(F64_NAN)),
                Instruction::F64Eq,
                Instruction::Select,
            ),
            Lanes::F32x4 => {
                (Instruction::V128Const(f32x4), Instruction::F32x4Eq, Instruction::V128Bitselect)
            }
            Lanes::F64x2 => {
                (Instruction::V128Const(f64x2), Instruction::F64x2Eq, Instruction::V128Bitselect)
            }
        };
        let scratch_get = Instruction::LocalGet(scratch);
        [Instruction::LocalTee(scratch), nan, scratch_get.clone(), scratch_get, equal, choose]
    }
}
