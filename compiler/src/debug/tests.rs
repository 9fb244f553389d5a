//! Whatever a module says about itself, compilation goes on.

use crate::{
    Artifact, DebugInfo, Debugger, OptLevel, Options, SourceMap, compile_observed, source_map_url,
};

/// Modules with DWARF, by what made it.
const MODULES: [&[u8]; 2] = [
    include_bytes!("../../../tests/lines/inlined.wasm"),
    include_bytes!("../../../tests/lines/shapes.wasm"),
];

fn compile(wasm: &[u8], opt_level: OptLevel, debugger: Debugger) -> Artifact {
    let debug_info = Some(DebugInfo { debugger, ..DebugInfo::default() });
    let options = Options { opt_level, debug_info, ..Options::default() };
    compile_observed(wasm, &options, &|_| ()).unwrap()
}

/// Where the contents of the module's debug sections are.
fn debug_sections(wasm: &[u8]) -> Vec<std::ops::Range<usize>> {
    let payloads = wasmparser::Parser::new(0).parse_all(wasm).map(Result::unwrap);
    let sections = payloads.filter_map(|payload| match payload {
        wasmparser::Payload::CustomSection(section) if section.name().starts_with(".debug_") => {
            let start = section.data_offset() as usize;
            Some(start..start + section.data().len())
        }
        _ => None,
    });
    sections.collect()
}

#[test]
fn what_is_well_formed_is_taken_without_a_word() {
    for wasm in MODULES {
        let artifact = compile(wasm, OptLevel::None, Debugger::Gdb);
        assert!(artifact.warnings.is_empty(), "{:?}", artifact.warnings);
    }
}

#[test]
fn malformed_units_are_left_out_with_a_warning() {
    let mut wasm = MODULES[0].to_vec();
    let info = debug_sections(&wasm);
    // The first unit's version.
    let position = wasm.windows(11).position(|bytes| bytes == b".debug_info").unwrap();
    let start = info.iter().map(|range| range.start).find(|start| *start > position).unwrap();
    wasm[start + 4] = 77;
    let artifact = compile(&wasm, OptLevel::None, Debugger::Gdb);
    assert!(artifact.warnings.iter().any(|warning| warning.contains("malformed")));
    assert!(!artifact.file.is_empty());
}

#[test]
fn damaged_sections_never_stop_compilation() {
    let mut random = 0x9e37_79b9_u64;
    let mut next = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) as usize
    };
    for round in 0..1_000 {
        let mut wasm = MODULES[round % MODULES.len()].to_vec();
        let sections = debug_sections(&wasm);
        for _ in 0..1 << (round % 8) {
            let section = &sections[next() % sections.len()];
            let at = section.start + next() % section.len().max(1);
            wasm[at] = next() as u8;
        }
        let debugger = if round % 3 == 0 { Debugger::Lldb } else { Debugger::Gdb };
        let level = if round % 5 == 0 { OptLevel::Speed } else { OptLevel::None };
        compile(&wasm, level, debugger);
    }
}

#[test]
fn source_maps_say_where_operators_come_from() {
    let mut wasm =
        wat::parse_str(r#"(module (func (param i32) (result i32) local.get 0 i32.eqz))"#).unwrap();
    let url = b"\x00\x17\x10sourceMappingURL\x05a.map";
    wasm.extend(url);
    assert_eq!(source_map_url(&wasm).as_deref(), Some("a.map"));
    // The offset of the first operator, line 3, and of the second, line 4.
    let first = wasm.windows(3).position(|bytes| bytes == [0x20, 0, 0x45]).unwrap();
    let mappings = format!("{}AEA,EACA", vlq(first as u32));
    let contents = format!(
        r#"{{"version":3,"sources":["a.ts"],"sourceRoot":"","names":[],"mappings":"{mappings}"}}"#
    );
    let with = |contents: String| {
        let source_map = SourceMap { contents: contents.into_bytes(), directory: "/src".into() };
        let debug_info = DebugInfo { source_map: Some(source_map), ..DebugInfo::default() };
        let options = Options {
            opt_level: OptLevel::None,
            debug_info: Some(debug_info),
            ..Options::default()
        };
        compile_observed(&wasm, &options, &|_| ()).unwrap().file
    };
    let has = |file: &[u8], text: &[u8]| file.windows(text.len()).any(|part| part == text);
    assert!(has(&with(contents), b"a.ts\0"));
    assert!(has(&with("{".into()), b"module.wat\0"), "a malformed one counts as none");
}

#[test]
fn any_number_of_locals_is_refused_in_time() {
    // A function that declares as many as can be written.
    let wasm = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x0a\x01\x08\x01\xff\xff\xff\xff\x0f\x7f\x0b";
    for opt_level in [OptLevel::None, OptLevel::Speed] {
        let debug_info = Some(DebugInfo::default());
        let options = Options { opt_level, debug_info, ..Options::default() };
        let error = compile_observed(wasm, &options, &|_| ()).unwrap_err();
        assert!(error.to_string().contains("locals"), "{error}");
    }
}

/// A number as source maps have it: six bits at a time, the lowest first, behind the sign.
fn vlq(number: u32) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut rest = number << 1;
    let mut text = String::new();
    loop {
        let more = if rest > 31 { 32 } else { 0 };
        text.push(DIGITS[(rest & 31 | more) as usize].into());
        rest >>= 5;
        if rest == 0 {
            return text;
        }
    }
}
