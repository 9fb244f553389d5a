//! What vectors hold, one lane for each turn.
//!
//! In: values of a turn. Out: the same as vectors, if they can be, and what their lanes mean; and the code for them.
//!
//! Always true: a lane is as wide as what is loaded. What is wider outside is in a lane if it is an extended number, and it is known how.

use cranelift_codegen::cursor::FuncCursor;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, InstructionData, Opcode, Type, Value};

use super::turn::{MOST_DEPTH, Turn};
use crate::optimise::loops::constant;
use crate::optimise::turns::{comparison, number, signed};

/// What is in the lanes of a vector.
#[derive(Clone)]
pub enum Lanes {
    /// What one of the accesses has loaded.
    Loaded(usize),
    Number(i64),
    /// The lower bits of something that is the same in all turns.
    Same(Value),
    /// Of others.
    Of(Opcode, Vec<Lanes>),
    /// A mask.
    Compared(IntCC, Box<[Lanes; 2]>),
}

/// What lanes mean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The number has as many bits as a lane.
    Whole,
    /// The number is what is in the lane, extended by zeros.
    Unsigned,
    /// The number is what is in the lane, extended by its sign.
    Signed,
    /// A number of any kind that can be, for it is known.
    Known,
    /// One bit, in all the bits of the lane.
    Mask,
}

/// Reads values of a turn that loads so many bytes at a time.
pub struct Reader<'t> {
    pub turn: &'t Turn<'t>,
    pub width: i64,
}

impl Reader<'_> {
    /// What a value is in lanes, and what those mean.
    pub fn lanes(&self, value: Value, depth: u32) -> Option<(Lanes, Kind)> {
        let func = self.turn.func;
        let value = func.dfg.resolve_aliases(value);
        let inst = func.dfg.value_def(value).inst();
        if let Some(position) = self.turn.accesses.iter().position(|it| Some(it.inst) == inst) {
            let kind = match self.turn.accesses[position].opcode {
                Opcode::Uload8 | Opcode::Uload16 => Kind::Unsigned,
                Opcode::Sload8 | Opcode::Sload16 => Kind::Signed,
                _ => Kind::Whole,
            };
            return Some((Lanes::Loaded(position), kind));
        }
        if let Some(number) = constant(func, value) {
            let number = signed(func.dfg.value_type(value), number);
            return Some((Lanes::Number(number), Kind::Known));
        }
        if self.turn.is_same(value, MOST_DEPTH) {
            return Some((Lanes::Same(value), self.kind_of_same(value)?));
        }
        let depth = depth.checked_sub(1)?;
        if let Some((is, left, right)) = comparison(func, value) {
            let (left, right) = (self.lanes(left, depth)?, self.lanes(right, depth)?);
            return self.compared(is, left, right);
        }
        match func.dfg.insts[inst?] {
            InstructionData::Unary { opcode: Opcode::Uextend, arg } => {
                self.lanes(arg, depth).filter(|(_, kind)| *kind == Kind::Mask)
            }
            InstructionData::Unary { opcode: Opcode::Bnot, arg } => {
                let (lanes, kind) = self.lanes(arg, depth)?;
                (kind == Kind::Whole).then(|| (Lanes::Of(Opcode::Bnot, vec![lanes]), kind))
            }
            InstructionData::Binary { opcode, args: [left, right] } => {
                let (left, right) = (self.lanes(left, depth)?, self.lanes(right, depth)?);
                self.combined(opcode, left, right)
            }
            _ => None,
        }
    }

    /// What is the same in all turns, as a number that is in each lane.
    fn kind_of_same(&self, value: Value) -> Option<Kind> {
        let func = self.turn.func;
        let lane = lane(self.width);
        if func.dfg.value_type(value) == lane {
            return Some(Kind::Whole);
        }
        let mask = (1 << lane.bits()) - 1;
        match func.dfg.insts[func.dfg.value_def(value).inst()?] {
            InstructionData::Binary { opcode: Opcode::Band, args } => args
                .iter()
                .any(|&arg| constant(func, arg).is_some_and(|number| (0..=mask).contains(&number)))
                .then_some(Kind::Unsigned),
            InstructionData::Load { opcode, .. } => match opcode {
                Opcode::Uload8 => Some(Kind::Unsigned),
                Opcode::Uload16 if self.width == 2 => Some(Kind::Unsigned),
                Opcode::Sload8 => Some(Kind::Signed),
                Opcode::Sload16 if self.width == 2 => Some(Kind::Signed),
                _ => None,
            },
            _ => None,
        }
    }

    fn compared(
        &self,
        is: IntCC,
        (left, left_kind): (Lanes, Kind),
        (right, right_kind): (Lanes, Kind),
    ) -> Option<(Lanes, Kind)> {
        let is_equality = matches!(is, IntCC::Equal | IntCC::NotEqual);
        let is = match self.common_kind((&left, left_kind), (&right, right_kind))? {
            // What has an order is seldom looked for for long, and sixteen bytes are few turns.
            Kind::Whole if is_equality => is,
            Kind::Unsigned => is.unsigned(),
            Kind::Signed if is_equality || is != is.unsigned() => is,
            _ => return None,
        };
        Some((Lanes::Compared(is, Box::new([left, right])), Kind::Mask))
    }

    fn combined(
        &self,
        opcode: Opcode,
        (left, left_kind): (Lanes, Kind),
        (right, right_kind): (Lanes, Kind),
    ) -> Option<(Lanes, Kind)> {
        let kind = match (left_kind, right_kind) {
            (Kind::Mask, Kind::Mask) => Kind::Mask,
            // What extends a number leaves it what it is.
            (Kind::Signed | Kind::Unsigned, Kind::Known)
                if opcode == Opcode::Band && self.is_whole_lane(&right) =>
            {
                return Some((left, Kind::Unsigned));
            }
            _ => self.common_kind((&left, left_kind), (&right, right_kind))?,
        };
        let is_able = match opcode {
            Opcode::Band | Opcode::Bor | Opcode::Bxor => true,
            Opcode::Iadd | Opcode::Isub => kind == Kind::Whole,
            _ => false,
        };
        is_able.then(|| (Lanes::Of(opcode, vec![left, right]), kind))
    }

    /// Whether a number has just the bits of a lane.
    fn is_whole_lane(&self, lanes: &Lanes) -> bool {
        let mask = (1 << (8 * self.width)) - 1;
        matches!(lanes, Lanes::Number(number) if *number == mask)
    }

    /// What two numbers both are, in lanes.
    fn common_kind(&self, left: (&Lanes, Kind), right: (&Lanes, Kind)) -> Option<Kind> {
        let can_be = |lanes: &Lanes, kind| match (lanes, kind) {
            (Lanes::Number(_), Kind::Whole) => true,
            (Lanes::Number(number), Kind::Unsigned) => (0..1 << (8 * self.width)).contains(number),
            (Lanes::Number(number), Kind::Signed) => {
                let half = 1 << (8 * self.width - 1);
                (-half..half).contains(number)
            }
            _ => false,
        };
        match (left, right) {
            ((_, Kind::Mask), _) | (_, (_, Kind::Mask)) => None,
            ((lanes, Kind::Known), (_, kind)) | ((_, kind), (lanes, Kind::Known)) => {
                can_be(lanes, kind).then_some(kind)
            }
            ((_, left), (_, right)) => (left == right).then_some(left),
        }
    }
}

/// The type of a number with so many bytes.
pub fn lane(width: i64) -> Type {
    Type::int(8 * width as u16).expect("what is loaded is an integer")
}

/// The lower bits of a value, in each lane.
pub fn splat(cursor: &mut FuncCursor<'_>, ty: Type, value: Value) -> Value {
    let lane = ty.lane_type();
    let is_wider = cursor.func.dfg.value_type(value) != lane;
    let value = if is_wider { cursor.ins().ireduce(lane, value) } else { value };
    cursor.ins().splat(ty, value)
}

impl Lanes {
    /// Writes the code for what is the same in all turns, in the order in which [`emit`](Lanes::emit) needs it.
    pub fn prepare(&self, cursor: &mut FuncCursor<'_>, ty: Type, same: &mut Vec<Value>) {
        let lane = ty.lane_type();
        let value = match self {
            Lanes::Loaded(_) => return,
            Lanes::Of(_, of) => return of.iter().for_each(|lanes| lanes.prepare(cursor, ty, same)),
            Lanes::Compared(_, sides) => {
                return sides.iter().for_each(|lanes| lanes.prepare(cursor, ty, same));
            }
            // One instruction makes it.
            Lanes::Number(0) => {
                let zeros = vec![0; ty.bytes() as usize];
                let zeros = cursor.func.dfg.constants.insert(zeros.into());
                return same.push(cursor.ins().vconst(ty, zeros));
            }
            Lanes::Number(number) => self::number(cursor, lane, *number),
            Lanes::Same(value) => *value,
        };
        same.push(splat(cursor, ty, value));
    }

    /// Writes the code for a vector.
    pub fn emit(
        &self,
        cursor: &mut FuncCursor<'_>,
        loaded: &[Value],
        same: &mut impl Iterator<Item = Value>,
    ) -> Value {
        match self {
            Lanes::Loaded(position) => loaded[*position],
            Lanes::Number(_) | Lanes::Same(_) => same.next().expect("it is prepared"),
            Lanes::Of(opcode, of) => {
                let of: Vec<Value> =
                    of.iter().map(|lanes| lanes.emit(cursor, loaded, same)).collect();
                match (opcode, &of[..]) {
                    (Opcode::Bnot, &[it]) => cursor.ins().bnot(it),
                    (Opcode::Band, &[left, right]) => cursor.ins().band(left, right),
                    (Opcode::Bor, &[left, right]) => cursor.ins().bor(left, right),
                    (Opcode::Bxor, &[left, right]) => cursor.ins().bxor(left, right),
                    (Opcode::Iadd, &[left, right]) => cursor.ins().iadd(left, right),
                    (Opcode::Isub, &[left, right]) => cursor.ins().isub(left, right),
                    _ => unreachable!("{opcode} is not done in lanes"),
                }
            }
            Lanes::Compared(is, sides) => {
                let [left, right] = [0, 1].map(|side| sides[side].emit(cursor, loaded, same));
                cursor.ins().icmp(*is, left, right)
            }
        }
    }
}
