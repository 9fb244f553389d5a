//! That bounds hold, by trying numbers.

use super::*;

/// Numbers at which something changes, and their neighbours.
fn edges() -> impl Iterator<Item = u32> {
    [0_u32, 40, 1 << 31]
        .into_iter()
        .flat_map(|edge| (0..9).map(move |n| edge.wrapping_add(n).wrapping_sub(4)))
}

fn holds(condition: IntCC, left: u32, right: u32) -> bool {
    let signed = (left as i32).cmp(&(right as i32));
    match condition {
        IntCC::NotEqual => left != right,
        IntCC::UnsignedLessThan => left < right,
        IntCC::UnsignedLessThanOrEqual => left <= right,
        IntCC::UnsignedGreaterThan => left > right,
        IntCC::UnsignedGreaterThanOrEqual => left >= right,
        IntCC::SignedLessThan => signed.is_lt(),
        IntCC::SignedLessThanOrEqual => signed.is_le(),
        IntCC::SignedGreaterThan => signed.is_gt(),
        IntCC::SignedGreaterThanOrEqual => signed.is_ge(),
        other => panic!("{other} is not tested"),
    }
}

#[test]
fn no_loop_has_more_turns_than_are_told() {
    let conditions = [
        IntCC::NotEqual,
        IntCC::UnsignedLessThan,
        IntCC::UnsignedLessThanOrEqual,
        IntCC::UnsignedGreaterThan,
        IntCC::UnsignedGreaterThanOrEqual,
        IntCC::SignedLessThan,
        IntCC::SignedLessThanOrEqual,
        IntCC::SignedGreaterThan,
        IntCC::SignedGreaterThanOrEqual,
    ];
    let mut told = [0; 9];
    for (which, condition) in conditions.into_iter().enumerate() {
        for step in [1, 2, 3, 5, -1, -2, -3, -5, i64::from(i32::MIN)] {
            for (start, wide) in edges().flat_map(|start| [(start, 0), (start, 1)]) {
                let Some(last) = start.checked_add(wide) else { continue };
                for (low, wider) in edges().flat_map(|low| [(low, 0), (low, 1)]) {
                    let Some(high) = low.checked_add(wider) else { continue };
                    let range = |low, high| Range { low: u64::from(low), high: u64::from(high) };
                    let counter = Counter { start: range(start, last), step };
                    let limit = Limit { range: range(low, high), stays: true };
                    let Some(turns) = turns_while(condition, &counter, &limit) else {
                        continue;
                    };
                    told[which] += 1;
                    for (from, to) in [(start, low), (start, high), (last, low), (last, high)] {
                        let after =
                            |turn: u64| from.wrapping_add((step as u32).wrapping_mul(turn as u32));
                        // The loop does not go on after so many turns, or it had ended before.
                        let ended =
                            (0..=turns.min(1000)).any(|turn| !holds(condition, after(turn), to));
                        assert!(ended || turns > 1000, "{from} {condition} {to}, {step}: {turns}");
                    }
                }
            }
        }
    }
    assert!(told.iter().all(|&told| told > 100), "{told:?}");
}

#[test]
fn operators_stay_within_bounds() {
    let operators = [
        Opcode::Iadd,
        Opcode::Isub,
        Opcode::Imul,
        Opcode::Band,
        Opcode::Bor,
        Opcode::Bxor,
        Opcode::Ishl,
        Opcode::Ushr,
        Opcode::Udiv,
        Opcode::Urem,
    ];
    let compute = |opcode, left: u8, right: u8| match opcode {
        Opcode::Iadd => left.wrapping_add(right),
        Opcode::Isub => left.wrapping_sub(right),
        Opcode::Imul => left.wrapping_mul(right),
        Opcode::Band => left & right,
        Opcode::Bor => left | right,
        Opcode::Bxor => left ^ right,
        Opcode::Ishl => left << (right & 7),
        Opcode::Ushr => left >> (right & 7),
        Opcode::Udiv => left / right,
        _ => left % right,
    };
    let bounds = [
        (0, 0),
        (0, 3),
        (1, 1),
        (2, 5),
        (3, 3),
        (7, 8),
        (100, 140),
        (127, 128),
        (250, 255),
        (0, 255),
    ];
    for opcode in operators {
        let mut told = 0;
        for (left, right) in
            bounds.iter().flat_map(|left| bounds.iter().map(move |right| (left, right)))
        {
            let range =
                |&(low, high): &(u8, u8)| Range { low: u64::from(low), high: u64::from(high) };
            let Some(bounds) = of_binary(opcode, range(left), range(right), types::I8) else {
                continue;
            };
            told += 1;
            for (one, other) in
                (left.0..=left.1).flat_map(|one| (right.0..=right.1).map(move |other| (one, other)))
            {
                let result = u64::from(compute(opcode, one, other));
                assert!(
                    (bounds.low..=bounds.high).contains(&result),
                    "{opcode} {one} {other}: {bounds:?}"
                );
            }
        }
        assert!(told > 10, "{opcode}: {told}");
    }
}
