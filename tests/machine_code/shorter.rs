//! Whether shorter machine code is the same code: real programs, and vectors for several processors, are compiled with and
//! without, and both are read by a disassembler side by side.
//!
//! Instructions must be the same one by one, but for those that are known to be written otherwise; and branches, tables and
//! operands behind the code must lead to the same.

use std::collections::HashMap;

use wootz_compiler::Optimisation;

use super::reading::{
    Library, Reader, Shown, address, disassembler, distance, number, options, real_programs,
    small_modules,
};

/// The names of registers by the lower half of what is in them.
fn narrow(operands: &str) -> String {
    let (first, rest) = operands.split_once(", ").unwrap_or((operands, ""));
    let wide = first.strip_prefix('r').map_or_else(
        || first.to_string(),
        |name| match name.as_bytes()[0] {
            b'0'..=b'9' => format!("r{}", name.trim_end_matches(['d', 'b', 'w'])),
            _ => name.to_string(),
        },
    );
    let name = wide.strip_prefix('e').unwrap_or(&wide).to_string();
    let name = match &*name {
        "al" => "ax",
        "bl" => "bx",
        "cl" => "cx",
        "dl" => "dx",
        "sil" => "si",
        "dil" => "di",
        name => name,
    };
    format!("{name}, {rest}")
}

/// Whether two instructions do the same, apart from where they lead to. The frame pointer is so far above the stack pointer.
fn are_same(old: &Shown, new: &Shown, frame: i64) -> bool {
    if (&old.name, &old.operands) == (&new.name, &new.operands) {
        return true;
    }
    let is_vector_move = |it: &Shown, names: [&str; 2]| names.contains(&&*it.name);
    let names_agree = old.name == new.name
        || is_vector_move(old, ["movdqu", "movdqa"])
            && is_vector_move(new, ["movups", "movaps"])
            && old.name.ends_with('u') == new.name.starts_with("movu")
            && old.operands.contains('[');
    if !names_agree {
        return false;
    }
    let operands = match (address(&old.operands), address(&new.operands)) {
        (Some((front, old, behind)), Some((_, new, _))) if old != new => {
            let by_frame = distance(new, "rbp").is_some_and(|above_frame| {
                distance(old, "rsp").is_some_and(|above_stack| above_stack - frame == above_frame)
            });
            let swapped = old.strip_prefix("r13 + ").is_some_and(|index| {
                !index.contains('*') && new == format!("{index} + r13") && number(index).is_none()
            });
            if !by_frame && !swapped {
                return false;
            }
            format!("{front}[{new}]{behind}")
        }
        _ => old.operands.clone(),
    };
    if operands == new.operands {
        return true;
    }
    let constant = operands.rsplit(", ").next().and_then(number);
    // The disassembler shows negative constants of four bytes as positive ones.
    let shown = operands
        .rsplit_once(", ")
        .zip(constant)
        .map(|((front, _), constant)| (front, constant, constant as u32 as i32));
    if let Some((front, constant, signed)) = shown
        && (i64::from(signed) != constant || operands.contains("ptr"))
        && new.operands.rsplit_once(", ").is_some_and(|(other, constant)| {
            other == front && number(constant) == Some(i64::from(signed))
        })
    {
        return true;
    }
    match &*old.name {
        "movzx" => operands[1..] == new.operands[1..] && operands.starts_with('r'),
        "and" => {
            constant.is_some_and(|it| (0..1 << 31).contains(&it))
                && narrow(&operands) == narrow(&new.operands)
        }
        "test" => {
            constant.is_some_and(|it| (0..0x80).contains(&it))
                && narrow(&operands) == narrow(&new.operands)
        }
        "movdqu" | "movdqa" => {
            operands.replace("xmmword", "") == new.operands.replace("xmmword", "")
        }
        _ => false,
    }
}

/// What was compared.
#[derive(Default, Debug)]
struct Counts {
    functions: usize,
    instructions: usize,
    branches: usize,
    tables: usize,
    shared_tables: usize,
    in_frame: usize,
    unchanged_functions: usize,
    tests_left_out: usize,
}

/// Whether an instruction has computed the register of 32 or 64 bits that is tested, and the flags with it.
fn tells(before: &Shown, test: &Shown) -> bool {
    let computes = ["add", "sub", "and", "or", "xor", "neg"].contains(&&*before.name);
    let result = before.operands.split(", ").next().unwrap_or_default();
    computes
        && result.starts_with(['e', 'r'])
        && !result.ends_with(['b', 'w'])
        && test.operands == format!("{result}, {result}")
}

const LEAVE: &[u8] = &[0x48, 0x89, 0xec, 0x5d];

/// Compares a function, and counts what is in it.
fn compare(name: &str, old: &mut Reader<'_>, new: &mut Reader<'_>, counts: &mut Counts) {
    // Trampolines take addresses of code.
    let has_handlers = name.starts_with("wootz_");
    // Where each instruction has gone, and where both lead to.
    let mut gone = HashMap::new();
    let mut lead = Vec::new();
    let mut tables: Vec<(u64, u64, u64)> = Vec::new();
    let (mut pool, mut frame, mut has_ended) = (old.end(), 0, false);
    // What was computed last, and whether a test of that was left out.
    let (mut last, mut left_out) = (None::<Shown>, false);
    let mut last_address = (0, 0);
    let has_frame_end = old.code.windows(4).any(|bytes| bytes == LEAVE);
    let is_unchanged = has_frame_end && new.code.windows(4).any(|bytes| bytes == LEAVE);
    counts.functions += 1;
    counts.unchanged_functions += usize::from(is_unchanged);
    while old.at < pool {
        let to_pool = &old.rest()[..(pool - old.at) as usize];
        if has_ended && to_pool.len() < 16 && to_pool.iter().all(|byte| *byte == 0) {
            break;
        }
        has_ended = false;
        let nops: [&[u8]; 4] = [&[0x90], &[0x66, 0x90], &[0x0f, 0x1f], &[0x66, 0x0f, 0x1f]];
        while nops.iter().any(|nop| new.starts_with(nop)) {
            new.next();
        }
        gone.insert(old.at, new.at);
        let (old_at, new_at) = (old.at, new.at);
        let place = || format!("{old_at:#x} and {new_at:#x}");
        let shown = old.next();
        let before = last.replace(shown.clone());
        if shown.name == "test" && new.clone().next().name != "test" {
            let tells = before.as_ref().is_some_and(|before| tells(before, &shown));
            assert!(tells, "{}: {before:?} {shown:?}", place());
            counts.tests_left_out += 1;
            left_out = true;
            continue;
        }
        counts.instructions += 1;
        if shown.name == "sub"
            && frame == 0
            && old_at - old.start < 160
            && let Some(bytes) = shown.operands.strip_prefix("rsp, ").and_then(number)
        {
            frame = bytes;
        }
        let is_end_of_frame = shown.operands == "rsp, rbp" && shown.name == "mov"
            || shown.operands.starts_with("rsp, ") && shown.name == "add" && old.starts_with(LEAVE);
        if is_end_of_frame && !new.starts_with(LEAVE) && !new.starts_with(&[0x48]) {
            if shown.name == "add" {
                assert_eq!(old.next().operands, "rsp, rbp", "{}", place());
            }
            assert_eq!(old.next().name, "pop", "{}", place());
            let short = new.next();
            let is_pop = frame == 0 && (&*short.name, &*short.operands) == ("pop", "rbp");
            assert!(short.name == "leave" || is_pop, "{}: {short:?}", place());
            continue;
        }
        let other = new.next();
        assert_ne!(other.name, "leave", "{}: {shown:?}", place());
        let is_tested = std::mem::take(&mut left_out);
        let both_ends = (old.at, new.at);
        let jumps = shown.name.starts_with('j') || shown.name == "call";
        let is_trap = shown.name == "call"
            && number(&shown.operands).is_some_and(|target| {
                old.library.names.get(&(target as u64)).is_some_and(|name| name == "wootz_trap")
            });
        has_ended = is_trap || matches!(&*shown.name, "jmp" | "ret" | "ud2");
        let leads = |shown: &Shown, end: u64| -> Option<u64> {
            if jumps {
                return number(&shown.operands).map(|target| target as u64);
            }
            let (_, address, _) = address(&shown.operands)?;
            distance(address, "rip").map(|distance| end.wrapping_add_signed(distance))
        };
        match (leads(&shown, both_ends.0), leads(&other, both_ends.1)) {
            (Some(old_target), Some(new_target)) => {
                let name = match &*shown.name {
                    "jl" if is_tested => "js",
                    "jge" if is_tested => "jns",
                    name => name,
                };
                assert_eq!(name, other.name, "{}", place());
                if is_tested {
                    // No other branch asks for more.
                    let is_last = !old.starts_with(&[0x0f]) || old.rest()[1] & 0xf0 != 0x80;
                    let by_result = ["je", "jne", "js", "jns"].contains(&name);
                    assert!(by_result && is_last, "{}: {shown:?}", place());
                }
                counts.branches += usize::from(jumps);
                let is_inside = (old.start..old.end()).contains(&old_target);
                if !is_inside || shown.name == "call" {
                    let names = [(old.library, old_target), (new.library, new_target)];
                    let [was, is] = names.map(|(library, at)| library.names.get(&at));
                    assert_eq!(was, is, "{}", place());
                    assert!(was.is_some(), "{}: {shown:?}", place());
                } else {
                    let takes_address = shown.name == "lea";
                    // Operators of interpreters look into a table that is in front of them.
                    let knows_table = tables.iter().any(|&(start, ..)| start == old_target);
                    if takes_address && old.is_behind_jump(old_target) {
                        last_address = (old_target, new_target);
                    } else if takes_address && knows_table {
                        counts.shared_tables += 1;
                    } else if !(jumps || takes_address && has_handlers) {
                        pool = pool.min(old_target);
                    }
                    let is_vector = shown.operands.contains("xmmword");
                    assert!(!is_vector || new_target % 16 == old_target % 16, "{}", place());
                    lead.push((old_target, new_target));
                }
            }
            (was, is) => {
                assert!(!is_tested, "{}: {shown:?}", place());
                assert_eq!((was, is), (None, None), "{}: {shown:?} {other:?}", place());
                assert!(are_same(&shown, &other, frame), "{}: {shown:?} {other:?}", place());
                counts.in_frame += usize::from(other.operands.contains("[rbp -"));
            }
        }
        if shown.name == "jmp" && last_address == (old.at, new.at) {
            let start = old.at;
            // What is jumped to is behind the table.
            let mut end =
                pool.min(lead.iter().map(|it| it.0).filter(|it| *it > start).min().unwrap_or(pool));
            while old.at + 4 <= end && old.word(old.at) != 0 {
                let target = start.wrapping_add_signed(old.word(old.at).into());
                let new_at = new.at + (old.at - start);
                let new_target = new.at.wrapping_add_signed(new.word(new_at).into());
                // What is behind the table may look like a distance, but hardly twice.
                let are_inside = (old.start..old.end()).contains(&target)
                    && (new.start..new.end()).contains(&new_target);
                if !are_inside {
                    break;
                }
                if target > start {
                    end = end.min(target);
                }
                old.at += 4;
            }
            new.at += old.at - start;
            tables.push((start, last_address.1, old.at));
            counts.tables += 1;
        }
    }
    for (start, new_start, end) in tables {
        gone.insert(start, new_start);
        for at in (start..end).step_by(4) {
            let was = start.wrapping_add_signed(old.word(at).into());
            let is = new_start.wrapping_add_signed(new.word(new_start + (at - start)).into());
            lead.push((was, is));
        }
    }
    // The constants lie behind each other as they did.
    let constants = &old.code[(pool - old.start) as usize..];
    let new_pool = new.end() - constants.len() as u64;
    assert_eq!(constants, &new.code[(new_pool - new.start) as usize..], "{pool:#x}");
    for (was, is) in lead {
        if was >= pool {
            assert_eq!(was - pool, is - new_pool, "{was:#x} {is:#x}");
        } else {
            let gone = gone.get(&was);
            assert_eq!(gone, Some(&is), "{name}: {was:#x} {is:#x}");
        }
    }
}

/// Compares what becomes of a module.
fn check(wasm: &[u8], cpu: &str, counts: &mut Counts) -> (usize, usize) {
    let skipped = [Optimisation::ShortCode, Optimisation::AlignedLoops];
    // That leaves instructions out, or makes others of them.
    let both = [Optimisation::Reloads];
    let [old, new] = [[&both[..], &skipped].concat(), both.to_vec()]
        .map(|it| Library::compiled(wasm, &options(cpu, &it)));
    let disassembler = disassembler();
    for name in old.functions(&new) {
        let mut readers = [&old, &new].map(|library| Reader::new(&disassembler, library, name));
        let [old, new] = &mut readers;
        compare(name, old, new, counts);
    }
    (old.text.len(), new.text.len())
}

#[test]
fn code_of_small_modules_is_the_same() {
    let mut counts = Counts::default();
    for cpu in ["x86-64-v2", "x86-64-v4"] {
        for (path, wasm) in small_modules() {
            eprintln!("{} for {cpu}", path.display());
            check(&wasm, cpu, &mut counts);
        }
    }
    assert!(counts.functions > 500 && counts.unchanged_functions == 0, "{counts:?}");
}

#[test]
fn code_of_real_programs_is_the_same_and_shorter() {
    for (path, wasm) in real_programs("shorter code") {
        let mut counts = Counts::default();
        let (old, new) = check(&wasm, "x86-64-v3", &mut counts);
        assert!(new * 100 < old * 90, "{}: {new} of {old} bytes", path.display());
        assert_eq!(counts.unchanged_functions, 0, "{counts:?}");
        assert!(counts.tables > 0 && counts.in_frame > 1000, "{counts:?}");
        assert!(counts.tests_left_out > 50, "{counts:?}");
    }
}
