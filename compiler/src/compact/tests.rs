use super::*;

/// `push rbp; mov rbp, rsp`.
const PROLOGUE: &[u8] = &[0x55, 0x48, 0x89, 0xe5];
/// `mov rsp, rbp; pop rbp; ret`.
const EPILOGUE: &[u8] = &[0x48, 0x89, 0xec, 0x5d, 0xc3];
const ALL: Rewriting = Rewriting {
    dispatches: true,
    rotates: true,
    reloads: true,
    drops_stores: true,
    shortens: true,
    aligns: true,
    calls_traps: true,
};

/// Rewrites a function with a frame of so many bytes, which is made behind the prologue by the code itself.
fn rewritten(code: &[u8], blocks: &[u32], frame_bytes: u32) -> Option<Compact> {
    let frame = UnwindInst::DefineNewFrame {
        offset_upward_to_caller_sp: 16,
        offset_downward_to_clobbers: 0,
    };
    let facts = Facts {
        code,
        blocks,
        relocations: &[],
        traps: &[],
        called_traps: &[],
        prologue: &[(4, frame)],
        frame_bytes,
        alignment: 16,
        tables: &[],
    };
    function(&facts, ALL)
}

/// The same for something between prologue and epilogue, without a frame. The result is without them, too.
fn shortened(body: &[u8]) -> Vec<u8> {
    let code = [PROLOGUE, body, EPILOGUE].concat();
    let code = rewritten(&code, &[], 0).expect("it is understood").code;
    let code = code.strip_prefix(PROLOGUE).unwrap();
    code.strip_suffix(&[0x5d, 0xc3]).unwrap().to_vec()
}

#[test]
fn instructions_end_where_they_should() {
    for text in [
        "90",
        "55",
        "41 57",
        "c3",
        "c2 10 00",
        "0f 0b",
        "48 89 e5",
        "48 8b 44 24 08",
        "48 8b 84 24 80 00 00 00",
        "8b 05 00 00 00 00",
        "8b 04 c5 10 00 00 00",
        "42 8b 44 bd 10",
        "66 81 c1 34 12",
        "81 c1 78 56 34 12",
        "48 b8 88 77 66 55 44 33 22 11",
        "b8 78 56 34 12",
        "66 b8 34 12",
        "48 c7 c0 ff ff ff ff",
        "66 c7 04 24 34 12",
        "f6 c1 01",
        "f6 d9",
        "f7 c1 00 01 00 00",
        "66 f7 c1 00 01",
        "48 f7 f9",
        "69 c1 78 56 34 12",
        "e8 00 00 00 00",
        "0f 84 00 00 00 00",
        "74 00",
        "ff e0",
        "41 ff d3",
        "f0 48 0f b1 0c 24",
        "f0 0f c1 01",
        "0f ae f0",
        "0f b6 c0",
        "48 0f af c1",
        "0f c8",
        "0f ba e0 07",
        "f3 48 0f b8 c1",
        "66 0f 70 c1 1b",
        "66 0f 73 f1 04",
        "66 0f c2 c1 01",
        "0f c6 c1 00",
        "66 0f 38 00 c1",
        "66 0f 3a 0f c1 04",
        "f2 48 0f 2c c0",
        "c5 f8 77",
        "c5 f1 fe c2",
        "c4 c1 79 6f 44 05 10",
        "c4 e2 71 00 c2",
        "c4 e3 71 0f c2 04",
        "c4 e2 fb f7 c1",
        "c4 e3 fb f0 c1 07",
        "62 f2 fd 08 1f c1",
        "62 f1 fd 08 72 e1 05",
        "62 f2 fd 08 1f 44 24 01",
    ] {
        let bytes: Vec<u8> =
            text.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        // What follows does not matter, but for whether it is there.
        for more in [0, 1, 20] {
            let code = [&bytes[..], &vec![0x24; more]].concat();
            let it = Instruction::of(&code).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(usize::from(it.bytes), bytes.len(), "{text}");
        }
        let cut = Instruction::of(&bytes[..bytes.len() - 1]);
        assert!(cut.is_none_or(|it| usize::from(it.bytes) < bytes.len()), "{text}");
    }
    for unknown in [&[][..], &[0x06], &[0x0f, 0x05], &[0xea], &[0x66; 20], &[0xc4, 0xe9, 0, 0, 0]] {
        assert_eq!(Instruction::of(unknown), None, "{unknown:x?}");
    }
}

#[test]
fn instructions_become_shorter() {
    for (long, short) in [
        // add ecx, 1; add r12d, -1; add eax, 4; and one whose constant does not fit.
        (&[0x81, 0xc1, 1, 0, 0, 0][..], &[0x83, 0xc1, 1][..]),
        (&[0x41, 0x81, 0xc4, 0xff, 0xff, 0xff, 0xff], &[0x41, 0x83, 0xc4, 0xff]),
        (&[0x05, 4, 0, 0, 0], &[0x83, 0xc0, 4]),
        (&[0x81, 0xc1, 0x80, 0, 0, 0], &[0x81, 0xc1, 0x80, 0, 0, 0]),
        // test edi, 1; test r9d, 1; test rcx, 1; test eax, 1; and one with a sign that is another.
        (&[0xf7, 0xc7, 1, 0, 0, 0], &[0x40, 0xf6, 0xc7, 1]),
        (&[0x41, 0xf7, 0xc1, 1, 0, 0, 0], &[0x41, 0xf6, 0xc1, 1]),
        (&[0x48, 0xf7, 0xc1, 1, 0, 0, 0], &[0xf6, 0xc1, 1]),
        (&[0xa9, 1, 0, 0, 0], &[0xa8, 1]),
        (&[0xf7, 0xc1, 0x80, 0, 0, 0], &[0xf7, 0xc1, 0x80, 0, 0, 0]),
        // test [rcx], 1 looks at four bytes.
        (&[0xf7, 0x01, 1, 0, 0, 0], &[0xf7, 0x01, 1, 0, 0, 0]),
        // and rcx, 7; and rcx, -8.
        (&[0x48, 0x83, 0xe1, 7], &[0x83, 0xe1, 7]),
        (&[0x48, 0x83, 0xe1, 0xf8], &[0x48, 0x83, 0xe1, 0xf8]),
        // movzx rax, cl; movzx rax, sil; movzx rax, [rcx]; movzx r8, cl.
        (&[0x48, 0x0f, 0xb6, 0xc1], &[0x0f, 0xb6, 0xc1]),
        (&[0x48, 0x0f, 0xb6, 0xc6], &[0x48, 0x0f, 0xb6, 0xc6]),
        (&[0x48, 0x0f, 0xb7, 0x01], &[0x0f, 0xb7, 0x01]),
        (&[0x4c, 0x0f, 0xb6, 0xc1], &[0x4c, 0x0f, 0xb6, 0xc1]),
        // mov eax, [r13 + rcx + 0]; vmovd of the same; with a distance; with an index of RBP.
        (&[0x41, 0x8b, 0x44, 0x0d, 0], &[0x42, 0x8b, 0x04, 0x29]),
        (&[0xc4, 0xc1, 0x79, 0x6e, 0x44, 0x0d, 0], &[0xc4, 0xa1, 0x79, 0x6e, 0x04, 0x29]),
        (&[0x41, 0x8b, 0x44, 0x0d, 4], &[0x41, 0x8b, 0x44, 0x0d, 4]),
        (&[0x41, 0x8b, 0x44, 0x2d, 0], &[0x41, 0x8b, 0x44, 0x2d, 0]),
        // movdqu xmm0, [rcx]; movdqa [r9], xmm0; movdqa xmm0, xmm1.
        (&[0xf3, 0x0f, 0x6f, 0x01], &[0x0f, 0x10, 0x01]),
        (&[0x66, 0x41, 0x0f, 0x7f, 0x01], &[0x41, 0x0f, 0x29, 0x01]),
        (&[0x66, 0x0f, 0x6f, 0xc1], &[0x66, 0x0f, 0x6f, 0xc1]),
    ] {
        assert_eq!(shortened(long), short, "{long:x?}");
    }
}

#[test]
fn frames_are_addressed_from_above() {
    // sub rsp, 0x100; mov [rsp + 0xf8], rbx; mov rax, [rsp]; mov rax, [rsp + 8]; add rsp, 0x100
    let body: &[&[u8]] = &[
        &[0x48, 0x81, 0xec, 0, 1, 0, 0],
        &[0x48, 0x89, 0x9c, 0x24, 0xf8, 0, 0, 0],
        &[0x48, 0x8b, 0x04, 0x24],
        &[0x48, 0x8b, 0x44, 0x24, 8],
        &[0x48, 0x81, 0xc4, 0, 1, 0, 0],
    ];
    let code = [PROLOGUE, &body.concat(), EPILOGUE].concat();
    let compact = rewritten(&code, &[], 0x100).unwrap();
    let expected: &[&[u8]] = &[
        PROLOGUE,
        body[0],
        // mov [rbp - 8], rbx; the others are as near from below.
        &[0x48, 0x89, 0x5d, 0xf8],
        body[2],
        body[3],
        // leave; ret
        &[0xc9, 0xc3],
    ];
    assert_eq!(compact.code, expected.concat());
    assert_eq!(compact.leaves, [24]);
    assert_eq!((compact.moves.end(11), compact.moves.end(19), compact.moves.end(28)), (11, 15, 24));
    // Where another frame is made than was said, nothing is known.
    assert!(rewritten(&code, &[], 0x108).is_none());
}

/// An interpreter with so many operators, each of them a byte and a jump back. Also: where its table is, and where the jumps are.
fn interpreter(operators: u32, next: &[u8]) -> (Vec<u8>, u32, Vec<u32>) {
    let mut code = [PROLOGUE, next].concat();
    // lea rcx, [rip + 9]; movsxd rax, [rcx + 4 * rax]; add rcx, rax; jmp rcx
    code.extend([
        0x48, 0x8d, 0x0d, 9, 0, 0, 0, 0x48, 0x63, 0x04, 0x81, 0x48, 0x01, 0xc1, 0xff, 0xe1,
    ]);
    let table = code.len() as u32;
    let end = table + 4 * (operators + 1);
    for operator in 0..=operators {
        code.extend((end - table + 6 * operator).to_le_bytes());
    }
    let jumps: Vec<u32> = (0..operators).map(|operator| end + 6 * operator + 1).collect();
    for jump in &jumps {
        code.extend([0x98, 0xe9]);
        code.extend(4_u32.wrapping_sub(jump + 5).to_le_bytes());
    }
    code.extend(EPILOGUE);
    (code, table, jumps)
}

/// `movzx eax, [rdx + r9]`.
const LOAD: &[u8] = &[0x42, 0x0f, 0xb6, 0x04, 0x0a];

/// What is known of code without a frame, whose first instruction may trap.
fn facts<'a>(code: &'a [u8], blocks: &'a [u32], relocations: &'a [u32]) -> Facts<'a> {
    Facts {
        code,
        blocks,
        relocations,
        traps: &[4],
        called_traps: &[],
        prologue: &[],
        frame_bytes: 0,
        alignment: 1,
        tables: &[],
    }
}

fn dispatched(code: &[u8], table: u32, relocations: &[u32]) -> Option<Compact> {
    let end = table + word(code, table).unwrap();
    let steps = Rewriting { dispatches: true, ..Rewriting::default() };
    function(&facts(code, &[end], relocations), steps)
}

#[test]
fn operators_have_jumps_of_their_own() {
    let (code, table, jumps) = interpreter(5, LOAD);
    let Compact { code: new, moves, .. } = dispatched(&code, table, &[]).unwrap();
    let leads = &code[4..table as usize];
    assert_eq!(new.len(), code.len() + jumps.len() * (leads.len() - 5));
    assert_eq!(moves.beginning(table), table);
    let mut loads = vec![(4, ())];
    for &jump in &jumps {
        let at = moves.beginning(jump);
        let copy = &new[at as usize..][..leads.len()];
        // All but how far the table is from here.
        assert_eq!((&copy[..8], &copy[12..]), (&leads[..8], &leads[12..]));
        assert_eq!(word(copy, 8), Some(table.wrapping_sub(at + 12)));
        loads.push((at, ()));
    }
    // What may trap may do so at each.
    assert_eq!(moves.beginnings([(4, ())]), loads);
    // The table leads to the operators, which lie further apart now.
    for (operator, jump) in (0..).zip(&jumps) {
        let target = table + word(&new, table + 4 * operator).unwrap();
        assert_eq!(target, moves.beginning(jump - 1));
        assert_eq!(new[target as usize], 0x98);
    }
}

#[test]
fn other_tables_are_left_alone() {
    let is_left = |(code, table, _): &(Vec<u8>, u32, Vec<u32>), relocations: &[u32]| {
        let compact = dispatched(code, *table, relocations).unwrap();
        compact.code == *code && compact.moves.seams().count() == 0
    };
    assert!(!is_left(&interpreter(5, LOAD), &[]));
    // Nothing is loaded; something is loaded from the frame; an address is taken.
    assert!(is_left(&interpreter(5, &[0x98]), &[]));
    assert!(is_left(&interpreter(5, &[0x0f, 0xb6, 0x44, 0x24, 8]), &[]));
    assert!(is_left(&interpreter(5, &[0x42, 0x8d, 0x04, 0x0a]), &[]));
    // Something is called behind the load.
    let called = interpreter(5, &[LOAD, &[0xe8, 0, 0, 0, 0]].concat());
    assert!(is_left(&called, &[4 + LOAD.len() as u32 + 1]));
    // What leads there is long.
    assert!(is_left(&interpreter(5, &[LOAD, &[0x98; 90]].concat()), &[]));
    // Something is stored.
    assert!(is_left(&interpreter(5, &[0x42, 0x89, 0x04, 0x0a]), &[]));
    // There are few operators.
    assert!(is_left(&interpreter(3, LOAD), &[]));
}

/// A loop that asks at its beginning, with so many bytes between its end and where it leads; also, where its jump is.
fn asking_loop(question: &[u8], between: usize) -> (Vec<u8>, u32) {
    // jne behind the loop; two instructions; jmp to the question.
    let body = 2_u32;
    let mut code = [PROLOGUE, question, &[0x0f, 0x85]].concat();
    code.extend((body + 5 + between as u32).to_le_bytes());
    code.extend([0x98, 0x98]);
    let jump = code.len() as u32;
    code.push(0xe9);
    code.extend((4_u32.wrapping_sub(jump + 5)).to_le_bytes());
    code.extend(vec![0x98; between]);
    code.extend(EPILOGUE);
    (code, jump)
}

fn rotated(code: &[u8], relocations: &[u32]) -> Option<Compact> {
    let steps = Rewriting { rotates: true, ..Rewriting::default() };
    function(&facts(code, &[], relocations), steps)
}

#[test]
fn loops_ask_at_their_end() {
    for between in [0, 10] {
        let (code, jump) = asking_loop(LOAD, between);
        let Compact { code: new, moves, .. } = rotated(&code, &[]).unwrap();
        let at = jump as usize;
        // The question, and the opposite branch.
        assert_eq!(new[at..][..LOAD.len() + 2], [LOAD, &[0x0f, 0x84]].concat());
        let behind = at + LOAD.len() + 6;
        let body = 4 + LOAD.len() + 6;
        assert_eq!(word(&new, behind as u32 - 4), Some(body.wrapping_sub(behind) as u32));
        let exit = moves.beginning(jump + 5 + between as u32) as usize;
        // What the first question leads to has moved.
        assert_eq!(word(&new, body as u32 - 4), Some((exit - body) as u32));
        match between {
            0 => assert_eq!(exit, behind),
            _ => {
                assert_eq!(new[behind], 0xe9);
                assert_eq!(word(&new, behind as u32 + 1), Some((exit - behind - 5) as u32));
            }
        }
        assert_eq!(new[exit..], *EPILOGUE);
        assert_eq!(moves.beginnings([(4, ())]), [(4, ()), (jump, ())]);
    }
    let is_left =
        |code: &[u8], relocations: &[u32]| rotated(code, relocations).unwrap().code == code;
    // Something is called; the question is long.
    let called = asking_loop(&[0xe8, 0, 0, 0, 0], 0).0;
    assert!(is_left(&called, &[5]));
    assert!(is_left(&asking_loop(&[0x98; 27], 0).0, &[]));
    assert!(!is_left(&asking_loop(&[0x98; 26], 0).0, &[]));
    // A loop that never ends by itself, and a branch within it.
    assert!(is_left(&[PROLOGUE, &[0x98, 0xe9, 0xfa, 0xff, 0xff, 0xff], EPILOGUE].concat(), &[]));
    let mut inner = asking_loop(LOAD, 0).0;
    inner[4 + LOAD.len() + 2] = 0;
    assert!(is_left(&inner, &[]));
}

#[test]
fn loops_go_back_by_their_last_branch() {
    // More than is copied as a question; je out; jmp to the beginning; one instruction more, behind which `out` is 6.
    const BODY: usize = 40;
    let looping = |before: &[u8], out: i32| {
        let body = [0x98; BODY];
        let back = (-(BODY as i32) - 11).to_le_bytes();
        let ends = [&[0x0f, 0x84], &out.to_le_bytes()[..], &[0xe9], &back, &[0x98], EPILOGUE];
        [PROLOGUE, before, &body, &ends.concat()].concat()
    };
    let new = rotated(&looping(&[], 6), &[]).unwrap().code;
    // jne to the beginning; jmp out.
    let back = (-(BODY as i32) - 6).to_le_bytes();
    let expected = [&[0x0f, 0x85], &back[..], &[0xe9, 1, 0, 0, 0]].concat();
    assert_eq!(new[4 + BODY..][..11], expected);
    // The branch leads to the jump itself, or goes back as well; or another one leads to the jump.
    let is_left = |code: &[u8]| rotated(code, &[]).unwrap().code == code;
    assert!(is_left(&looping(&[], 0)));
    assert!(is_left(&looping(&[], -10)));
    let to_jump = [&[0x0f, 0x85], &(BODY as i32 + 6).to_le_bytes()[..]].concat();
    assert!(is_left(&looping(&to_jump, 6)));
    assert!(!is_left(&looping(&[0x0f, 0x85, 0, 0, 0, 0], 6)));
}

#[test]
fn what_was_computed_is_not_tested_again() {
    // A branch behind the test, to what follows it.
    let with_branch = |before: &[u8], test: &[u8], branch: u8| {
        shortened(&[before, test, &[0x0f, branch, 0, 0, 0, 0]].concat())
    };
    let (test, wide) = (&[0x85, 0xc9][..], &[0x48, 0x85, 0xc9][..]);
    for (before, test) in [
        // add ecx, -1; sub ecx, eax; and rcx, rax; or ecx, [rax]; neg ecx; xor eax, 8.
        (&[0x83, 0xc1, 0xff][..], test),
        (&[0x29, 0xc1], test),
        (&[0x48, 0x21, 0xc1], wide),
        (&[0x0b, 0x08], test),
        (&[0xf7, 0xd9], test),
        (&[0x83, 0xf0, 8], &[0x85, 0xc0]),
        // add r12d, -1.
        (&[0x41, 0x83, 0xc4, 0xff], &[0x45, 0x85, 0xe4]),
    ] {
        // E, NE, S, NS; L and GE are S and NS.
        for (branch, short) in
            [(0x84, 0x74), (0x85, 0x75), (0x88, 0x78), (0x89, 0x79), (0x8c, 0x78), (0x8d, 0x79)]
        {
            assert_eq!(with_branch(before, test, branch), [before, &[short, 0]].concat());
        }
        // LE and G, B and O.
        for (branch, short) in [(0x8e, 0x7e), (0x8f, 0x7f), (0x82, 0x72), (0x80, 0x70)] {
            assert_eq!(with_branch(before, test, branch), [before, test, &[short, 0]].concat());
        }
    }
    for (before, test) in [
        // Nothing; another register; another width; no flags; others; memory.
        (&[][..], test),
        (&[0x83, 0xc2, 0xff], test),
        (&[0x41, 0x83, 0xc1, 0xff], test),
        (&[0x83, 0xc1, 0xff], wide),
        (&[0x8b, 0xc8], test),
        (&[0x83, 0xf9, 0x01], test),
        (&[0xf7, 0xd1], test),
        (&[0x01, 0x09], test),
        // Of 16 bits.
        (&[0x66, 0x83, 0xc1, 0xff], test),
        // Two registers, and memory.
        (&[0x83, 0xc1, 0xff], &[0x85, 0xc8]),
        (&[0x83, 0xc1, 0xff], &[0x85, 0x09]),
        (&[0x83, 0xc1, 0xff], &[0x44, 0x85, 0xc9]),
    ] {
        assert_eq!(with_branch(before, test, 0x84), [before, test, &[0x74, 0]].concat());
    }
    // Somebody else comes to the test, or wants to know more.
    let counts = [0x83, 0xc1, 0xff, 0x85, 0xc9, 0x0f, 0x84, 0, 0, 0, 0];
    let code = [PROLOGUE, &counts, EPILOGUE].concat();
    let kept = rewritten(&code, &[0, 7], 0).unwrap().code;
    assert!(kept.windows(2).any(|bytes| bytes == test));
    let twice = with_branch(&counts[..3], &counts[3..], 0x82);
    assert!(twice.starts_with(&counts[..5]));
    assert_eq!(shortened(&[&counts[..5], &[0x98]].concat()), [&counts[..5], &[0x98]].concat());
}

/// A body of jumps over so many instructions of one byte, and back.
fn with_branches(bytes: usize) -> Vec<u8> {
    let nops = vec![0x98; bytes];
    let over = (bytes as u32).to_le_bytes();
    // jne over; ...; jmp back to where these begin, which is behind the branch.
    let back = (bytes as u32 + 5).wrapping_neg().to_le_bytes();
    [&[0x0f, 0x85], &over[..], &nops, &[0xe9], &back].concat()
}

#[test]
fn branches_are_as_short_as_they_can() {
    for bytes in [0, 1, 100, 125, 126, 127, 128, 1000] {
        let code = [PROLOGUE, &with_branches(bytes), EPILOGUE].concat();
        let steps = Rewriting { shortens: true, ..Rewriting::default() };
        let compact = function(&facts(&code, &[], &[]), steps).unwrap();
        let (over, back) = (bytes <= 127, bytes + 2 <= 128);
        let saved = if over { 4 } else { 0 } + if back { 3 } else { 0 } + 3;
        assert_eq!(compact.code.len(), code.len() - saved, "{bytes}");
        if over && back {
            assert_eq!(compact.code[4..6], [0x75, bytes as u8]);
            assert_eq!(
                compact.code[6 + bytes..8 + bytes],
                [0xeb, (bytes as u8 + 2).wrapping_neg()]
            );
        }
    }
}

#[test]
fn small_loops_are_in_one_line() {
    // Something in front of a loop of 40 bytes.
    for before in [0, 20, 30, 50, 60] {
        let front = vec![0x98; before];
        let mut code = [PROLOGUE, &front, &[0x98; 38], &[0x0f, 0x85]].concat();
        code.extend((-44_i32).to_le_bytes());
        code.extend(EPILOGUE);
        let compact = rewritten(&code, &[], 0).unwrap();
        let start = compact.moves.beginning(4 + before as u32);
        assert_eq!(start / 64, (start + 39) / 64, "{before}");
        assert_eq!(compact.code[start as usize + 38..][..2], [0x75, 0xd8], "{before}");
        assert_eq!(compact.alignment, 64);
    }
}

#[test]
fn what_aligns_loops_is_where_nobody_comes_by() {
    for before in [20, 30, 50] {
        // To what is in front of a loop of 40 bytes, or over both.
        let front = vec![0x98; before];
        let mut code =
            [PROLOGUE, &[0x0f, 0x84, 5, 0, 0, 0, 0xe9], &[before as u8 + 44, 0, 0, 0]].concat();
        let at = code.len() as u32;
        code.extend([&front[..], &[0x98; 38], &[0x0f, 0x85]].concat());
        code.extend((-44_i32).to_le_bytes());
        code.extend(EPILOGUE);
        let compact = rewritten(&code, &[], 0).unwrap();
        let [front, start] = [at, at + before as u32].map(|at| compact.moves.beginning(at));
        assert_eq!(start / 64, (start + 39) / 64, "{before}");
        assert_eq!(start - front, before as u32, "{before}");
        // There are some bytes in between: `je` and `jmp` have two each, if nothing is too far.
        assert!(front > at - 7, "{before}: {front}");
    }
    for before in [20, 30, 50] {
        // A loop with something in front of a loop of 40 bytes.
        let mut code = [PROLOGUE, &vec![0x98; before], &[0x98; 38], &[0x0f, 0x85]].concat();
        code.extend((-44_i32).to_le_bytes());
        code.extend([0x0f, 0x84]);
        code.extend((-50 - before as i32).to_le_bytes());
        code.extend(EPILOGUE);
        let compact = rewritten(&code, &[], 0).unwrap();
        let [front, start] = [4, 4 + before as u32].map(|at| compact.moves.beginning(at));
        assert_eq!(start / 64, (start + 39) / 64, "{before}");
        assert_eq!(start - front, before as u32, "{before}");
        // The branch back is behind the small loop, and goes over nothing else.
        let back = &compact.code[start as usize + 40..][..2];
        assert_eq!(back, [0x74, (-42 - before as i32) as u8], "{before}");
    }
}

#[test]
fn what_is_not_understood_stays() {
    let is_left = |body: &[u8], blocks: &[u32]| {
        rewritten(&[PROLOGUE, body, EPILOGUE].concat(), blocks, 0).is_none()
    };
    assert!(!is_left(&[0x98], &[4]));
    // Zeros; a short branch; an instruction that is none; a change of the stack pointer.
    assert!(is_left(&[0, 0], &[]));
    assert!(is_left(&[0xeb, 0], &[]));
    assert!(is_left(&[0x06], &[]));
    assert!(is_left(&[0x48, 0x89, 0xc4], &[]));
    assert!(is_left(&[0x54], &[]));
    // A call of nothing, a branch into an instruction, a block in one, a block behind the end.
    assert!(is_left(&[0xe8, 0, 0, 0, 0], &[]));
    assert!(is_left(&[0xe9, 1, 0, 0, 0], &[]));
    assert!(is_left(&[0x81, 0xc1, 1, 0, 0, 0], &[6]));
    assert!(is_left(&[0x98], &[100]));
    // Code that goes on behind its end, and code that ends in an instruction.
    assert!(rewritten(PROLOGUE, &[], 0).is_none());
    assert!(rewritten(&[0x48], &[], 0).is_none());
}

#[test]
fn branches_in_large_functions_take_no_longer() {
    // Most can be short only when others behind them are.
    let count = 200_000_u32;
    let mut code = PROLOGUE.to_vec();
    for branch in 0..count {
        let over: u32 = if branch + 22 < count { 22 * 6 } else { 0 };
        code.extend([0x0f, 0x85]);
        code.extend(over.to_le_bytes());
    }
    code.extend(EPILOGUE);
    let start = std::time::Instant::now();
    let compact = rewritten(&code, &[], 0).unwrap();
    assert!(compact.code.len() < code.len() - 22 * 4);
    assert!(start.elapsed().as_secs() < 10);
}

#[test]
fn many_interpreters_and_loops_take_no_longer() {
    let count = 20_000_u32;
    let loops = asking_loop(LOAD, 0).0;
    let loops = &loops[PROLOGUE.len()..loops.len() - EPILOGUE.len()];
    let (interpreter, table, _) = interpreter(5, LOAD);
    let interpreter = &interpreter[PROLOGUE.len()..interpreter.len() - EPILOGUE.len()];
    let one = [loops, interpreter].concat();
    let code = [PROLOGUE, &one.repeat(count as usize), EPILOGUE].concat();
    // Where the first operator is, behind the table.
    let end = loops.len() as u32 + table + 4 * 6;
    let blocks: Vec<u32> = (0..count).map(|at| end + at * one.len() as u32).collect();
    let steps = Rewriting { dispatches: true, rotates: true, ..Rewriting::default() };
    let start = std::time::Instant::now();
    let compact = function(&facts(&code, &blocks, &[]), steps).unwrap();
    assert!(compact.moves.seams().count() as u32 == 2 * 6 * count);
    assert!(start.elapsed().as_secs() < 10);
}

/// `mov [rsp + slot], register`, and `mov register, [rsp + slot]`.
fn store(slot: u8, register: u8) -> Vec<u8> {
    vec![0x48 | register >> 3 << 2, 0x89, 0x44 | (register & 7) << 3, 0x24, slot]
}

fn load(register: u8, slot: u8) -> Vec<u8> {
    vec![0x48 | register >> 3 << 2, 0x8b, 0x44 | (register & 7) << 3, 0x24, slot]
}

/// What becomes of instructions in a frame of 0x20 bytes when only what is loaded and stored again is looked at.
fn reloaded(body: &[u8], drops_stores: bool) -> Vec<u8> {
    const ROOM: &[u8] = &[0x48, 0x83, 0xec, 0x20];
    const END: &[u8] = &[0x48, 0x83, 0xc4, 0x20];
    let code = [PROLOGUE, ROOM, body, END, EPILOGUE].concat();
    let frame = UnwindInst::DefineNewFrame {
        offset_upward_to_caller_sp: 16,
        offset_downward_to_clobbers: 0,
    };
    let facts = Facts { prologue: &[(4, frame)], frame_bytes: 0x20, ..facts(&code, &[], &[]) };
    let steps = Rewriting { reloads: true, drops_stores, ..Rewriting::default() };
    let code = function(&facts, steps).expect("it is understood").code;
    let code = code.strip_prefix(&[PROLOGUE, ROOM].concat()[..]).unwrap();
    code.strip_suffix(&[END, EPILOGUE].concat()[..]).unwrap().to_vec()
}

#[test]
fn what_a_register_holds_is_not_loaded_again() {
    let (rax, rcx, rdx, r12) = (0, 1, 2, 12);
    // It is there, by a load or a store.
    for first in [load(rcx, 8), store(8, rcx)] {
        assert_eq!(reloaded(&[&first[..], &load(rcx, 8)].concat(), true), first);
    }
    // It is in another one: mov r12, rcx; mov rax, r12.
    let body = [load(rcx, 8), load(r12, 8), vec![0x31, 0xc9], load(rax, 8)].concat();
    let copies = [&load(rcx, 8)[..], &[0x49, 0x89, 0xcc, 0x31, 0xc9, 0x4c, 0x89, 0xe0]].concat();
    assert_eq!(reloaded(&body, true), copies);
    // It is stored where it is already.
    assert_eq!(reloaded(&[load(rdx, 8), store(8, rdx)].concat(), false), load(rdx, 8));
    // It changes, or something else may be there.
    for between in [
        &[0x48, 0xff, 0xc1][..],   // inc rcx
        &[0x31, 0xc9],             // xor ecx, ecx
        &[0x88, 0xc1],             // mov cl, al
        &[0x88, 0xc5],             // mov ch, al
        &[0x8a, 0x28],             // mov ch, [rax]
        &[0x0f, 0x94, 0xc1],       // sete cl
        &[0x0f, 0x94, 0xc5],       // sete ch
        &[0x48, 0x0f, 0x44, 0xc8], // cmove rcx, rax
        &[0x48, 0x0f, 0xc9],       // bswap rcx
        &[0x48, 0x87, 0xc8],       // xchg rax, rcx
        &[0x48, 0x91],             // xchg rcx, rax
        &[0x48, 0xb9, 1, 2, 3, 4, 5, 6, 7, 8],
        &[0xb5, 1],                            // mov ch, 1
        &[0x48, 0xd3, 0xe1],                   // shl rcx, cl
        &[0xf3, 0x48, 0x0f, 0xb8, 0xc8],       // popcnt rcx, rax
        &[0x66, 0x48, 0x0f, 0x7e, 0xc1],       // movq rcx, xmm0
        &[0xf2, 0x48, 0x0f, 0x2c, 0xc8],       // cvttsd2si rcx, xmm0
        &[0x66, 0x0f, 0xd7, 0xc8],             // pmovmskb ecx, xmm0
        &[0x66, 0x0f, 0x3a, 0x16, 0xc1, 0],    // pextrd ecx, xmm0, 0
        &[0xc4, 0xe2, 0xf8, 0xf2, 0xc8],       // andn rcx, rax, rax
        &[0xc4, 0xe2, 0xf0, 0xf3, 0xc8],       // blsr rcx, rax
        &[0xc4, 0xe3, 0xfb, 0xf0, 0xc8, 7],    // rorx rcx, rax, 7
        &[0xc4, 0xe2, 0xf3, 0xf6, 0xc0],       // mulx rax, rcx, rax
        &[0xc5, 0xf9, 0xd7, 0xc8],             // vpmovmskb ecx, xmm0
        &[0x48, 0xff, 0x44, 0x24, 8],          // inc qword ptr [rsp + 8]
        &[0xc7, 0x44, 0x24, 0x0c, 0, 0, 0, 0], // mov dword ptr [rsp + 12], 0
        &[0x0f, 0x11, 0x04, 0x24],             // movups [rsp], xmm0
        &[0xff, 0xd0],                         // call rax
    ] {
        let body = [&load(rcx, 8)[..], between, &load(rcx, 8)].concat();
        assert_eq!(reloaded(&body, true), body, "{between:x?}");
    }
    // Products and quotients, which name neither RAX nor RDX.
    for (between, register) in
        [(&[0x48, 0xf7, 0xe1][..], rax), (&[0x48, 0xf7, 0xf1], rdx), (&[0x48, 0x99], rdx)]
    {
        let body = [&load(register, 8)[..], between, &load(register, 8)].concat();
        assert_eq!(reloaded(&body, true), body, "{between:x?}");
    }
    // It stays as it is.
    for between in [
        &[0x48, 0x39, 0xc8][..],         // cmp rax, rcx
        &[0x48, 0x81, 0xf9, 0, 1, 0, 0], // cmp rcx, 0x100
        &[0x48, 0x85, 0xc9],             // test rcx, rcx
        &[0xf6, 0xc1, 1],                // test cl, 1
        &[0x48, 0x89, 0x08],             // mov [rax], rcx
        &[0x48, 0x8d, 0x41, 1],          // lea rax, [rcx + 1]
        &[0x48, 0x03, 0x44, 0x24, 8],    // add rax, [rsp + 8]
        &[0x0f, 0x10, 0xc9],             // movups xmm1, xmm1
        &[0x66, 0x48, 0x0f, 0x6e, 0xc9], // movq xmm1, rcx
        &[0xc4, 0xe2, 0xf0, 0xf2, 0xc0], // andn rax, rcx, rax
        &[0x48, 0xf7, 0xe1],             // mul rcx
    ] {
        let body = [&load(rcx, 8)[..], between, &load(rcx, 8)].concat();
        assert_eq!(reloaded(&body, true), [&load(rcx, 8)[..], between].concat(), "{between:x?}");
    }
    // The address goes elsewhere, even behind it: lea rax, [rsp + 8]; mov rax, rsp.
    for address in [&[0x48, 0x8d, 0x44, 0x24, 8][..], &[0x48, 0x89, 0xe0]] {
        let body = [&load(rcx, 8)[..], &load(rcx, 8), address].concat();
        assert_eq!(reloaded(&body, true), body, "{address:x?}");
    }
}

#[test]
fn what_nobody_reads_is_not_stored() {
    let (rax, rcx) = (0, 1);
    let twice = |between: &[u8]| [&store(8, rax)[..], between, &store(8, rcx)].concat();
    for between in [&[][..], &[0x48, 0x8b, 0x01], &store(0x10, rcx), &load(rcx, 0x10)] {
        let expected = [between, &store(8, rcx)].concat();
        assert_eq!(reloaded(&twice(between), true), expected, "{between:x?}");
        // Debuggers do.
        assert_eq!(reloaded(&twice(between), false), twice(between), "{between:x?}");
    }
    for between in [
        &[0x48, 0x03, 0x4c, 0x24, 8][..], // add rcx, [rsp + 8]
        &[0x0f, 0xb6, 0x4c, 0x24, 9],     // movzx ecx, byte ptr [rsp + 9]
        &[0x0f, 0x10, 0x04, 0x24],        // movups xmm0, [rsp]
        &[0xff, 0xd1],                    // call rcx
        &[0x0f, 0x84, 0, 0, 0, 0],        // je to what follows
    ] {
        assert_eq!(reloaded(&twice(between), true), twice(between), "{between:x?}");
    }
    // Part of it stays.
    let body = [store(8, rax), store(12, rcx)].concat();
    assert_eq!(reloaded(&body, true), body);
}

#[test]
fn nothing_is_known_where_ways_meet() {
    let (rcx, je) = (1, |distance: u8| vec![0x0f, 0x84, distance, 0, 0, 0]);
    // Over a load of the other register, to where it is loaded again.
    let body = [je(5), load(rcx, 8), load(rcx, 8)].concat();
    assert_eq!(reloaded(&body, true), body);
    // Behind a branch, all is as it was; where it leads to, it is not known.
    let other = vec![0x48, 0x8b, 0x00];
    let body = [load(rcx, 8), je(8), load(rcx, 8), other.clone(), load(rcx, 8)].concat();
    assert_eq!(reloaded(&body, true), [load(rcx, 8), je(3), other, load(rcx, 8)].concat());
}

#[test]
fn branches_over_jumps_go_where_those_go() {
    let (rcx, other) = (1, [0x48, 0x8b, 0x00]);
    let jump = |distance: u8| [0xe9, distance, 0, 0, 0];
    let branch = |opcode: u8, distance: u8| [0x0f, opcode, distance, 0, 0, 0];
    // mov rcx, [rsp + 8]; je 1; mov rcx, [rsp + 8]; jmp 2; 1: mov rax, [rax]; 2: mov rax, [rax]
    let body =
        [&load(rcx, 8)[..], &branch(0x84, 10), &load(rcx, 8), &jump(3), &other, &other].concat();
    let expected = [&load(rcx, 8)[..], &branch(0x85, 3), &other, &other].concat();
    assert_eq!(reloaded(&body, true), expected);
    // There is something in between that stays, or somebody jumps to the jump.
    let body = [&load(rcx, 8)[..], &branch(0x84, 8), &other, &jump(3), &other, &other].concat();
    assert_eq!(reloaded(&body, true), body);
    let from_before = branch(0x88, 11);
    let body = [
        &load(rcx, 8)[..],
        &from_before,
        &branch(0x84, 10),
        &load(rcx, 8),
        &jump(3),
        &other,
        &other,
    ];
    let expected =
        [&load(rcx, 8)[..], &branch(0x88, 6), &branch(0x84, 5), &jump(3), &other, &other];
    assert_eq!(reloaded(&body.concat(), true), expected.concat());
}
