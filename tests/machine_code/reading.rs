//! Files that were compiled, and what a disassembler reads in them.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use capstone::Insn;
use capstone::arch::x86::{ArchMode, X86OperandType};
use capstone::prelude::*;
use object::{Object, ObjectSection, ObjectSymbol};
use wootz_compiler::{Optimisation, Options, TargetCpu};
use wootz_tests::{examples, files, programs, root, skipped, stem};

/// What a file has under its symbols: where, and the code.
pub struct Library {
    pub text: Vec<u8>,
    address: u64,
    symbols: BTreeMap<String, (u64, u64)>,
    /// Where functions begin.
    pub names: HashMap<u64, String>,
}

impl Library {
    fn of(file: &[u8]) -> Library {
        let file = object::File::parse(file).unwrap();
        let text = file.section_by_name(".text").unwrap();
        let mut symbols = BTreeMap::new();
        let mut names = HashMap::new();
        for symbol in file.symbols() {
            if symbol.kind() == object::SymbolKind::Text && symbol.size() > 0 {
                let name = symbol.name().unwrap().to_string();
                names.insert(symbol.address(), name.clone());
                symbols.insert(name, (symbol.address(), symbol.size()));
            }
        }
        let (data, address) = (text.data().unwrap().to_vec(), text.address());
        Library { text: data, address, symbols, names }
    }

    /// What becomes of a module.
    pub fn compiled(wasm: &[u8], options: &Options) -> Library {
        Library::of(&wootz_compiler::compile(wasm, options).unwrap())
    }

    /// The names of the functions, which another library must have as well.
    pub fn functions<'a>(&'a self, other: &Library) -> impl Iterator<Item = &'a str> + use<'a> {
        assert_eq!(self.symbols.len(), other.symbols.len());
        // Tables are no code, and where traps go is no function.
        let others = ["wootz_table", "wootz_trap"];
        let names = self.symbols.keys().map(String::as_str);
        names.filter(move |name| !others.iter().any(|it| name.starts_with(it)))
    }

    fn code(&self, name: &str) -> (u64, &[u8]) {
        let (address, size) = self.symbols[name];
        let start = (address - self.address) as usize;
        (address, &self.text[start..start + size as usize])
    }
}

/// An instruction as text.
#[derive(Clone, PartialEq, Debug)]
pub struct Shown {
    pub bytes: u64,
    pub name: String,
    pub operands: String,
    /// The registers for integers that it changes, as bits.
    pub changes: u16,
}

/// Reads a function.
#[derive(Clone)]
pub struct Reader<'a> {
    disassembler: &'a Capstone,
    pub library: &'a Library,
    /// Where the function begins.
    pub start: u64,
    pub code: &'a [u8],
    /// Where the next instruction is.
    pub at: u64,
}

impl<'a> Reader<'a> {
    pub fn new(disassembler: &'a Capstone, library: &'a Library, name: &str) -> Reader<'a> {
        let (start, code) = library.code(name);
        Reader { disassembler, library, start, code, at: start }
    }

    pub fn end(&self) -> u64 {
        self.start + self.code.len() as u64
    }

    pub fn rest(&self) -> &'a [u8] {
        &self.code[(self.at - self.start) as usize..]
    }

    pub fn next(&mut self) -> Shown {
        let mut found = self.disassembler.disasm_iter(self.rest(), self.at).unwrap();
        let found = found.next().unwrap_or_else(|| panic!("no instruction at {:#x}", self.at));
        let shown = Shown {
            bytes: found.bytes().len() as u64,
            name: found.mnemonic().unwrap().to_string(),
            operands: found.op_str().unwrap().to_string(),
            changes: changes(self.disassembler, &found),
        };
        self.at += shown.bytes;
        shown
    }

    pub fn starts_with(&self, bytes: &[u8]) -> bool {
        self.rest().starts_with(bytes)
    }

    /// Whether a place is behind instructions that look into a table and go on from there.
    pub fn is_behind_jump(&self, place: u64) -> bool {
        let between = (self.at - self.start) as usize..(place - self.start) as usize;
        let between = self.code.get(between).unwrap_or_default();
        between.len() <= 16 && matches!(between, [.., 0xff, 0xe0..=0xe7])
    }

    pub fn word(&self, at: u64) -> i32 {
        let at = (at - self.start) as usize;
        i32::from_le_bytes(self.code[at..at + 4].try_into().unwrap())
    }
}

/// The registers for integers that an instruction changes, as bits.
fn changes(disassembler: &Capstone, instruction: &Insn<'_>) -> u16 {
    // The disassembler says of some of these that they change what they compare.
    if matches!(instruction.mnemonic(), Some("test" | "cmp")) {
        return 0;
    }
    let detail = disassembler.insn_detail(instruction).unwrap();
    let detail_of_x86 = detail.arch_detail();
    let operands = detail_of_x86.x86().unwrap().operands();
    let named = operands.filter_map(|operand| match (&operand.op_type, operand.access) {
        (X86OperandType::Reg(register), Some(access)) if access.is_writable() => Some(*register),
        _ => None,
    });
    let names = named.chain(detail.regs_write().iter().copied());
    let names = names.filter_map(|register| disassembler.reg_name(register));
    names.filter_map(|name| register(&name)).fold(0, |bits, register| bits | 1 << register)
}

/// The number of a register for integers, whichever part of it is named.
pub fn register(name: &str) -> Option<u8> {
    const FIRST: [&str; 8] = ["a", "c", "d", "b", "sp", "bp", "si", "di"];
    if let Some(number) =
        name.strip_prefix('r').filter(|rest| rest.starts_with(|it: char| it.is_ascii_digit()))
    {
        return number.trim_end_matches(['d', 'w', 'b']).parse().ok();
    }
    let short = name.strip_prefix(['r', 'e']).unwrap_or(name);
    let short = match short {
        "ax" | "al" | "ah" => "a",
        "cx" | "cl" | "ch" => "c",
        "dx" | "dl" | "dh" => "d",
        "bx" | "bl" | "bh" => "b",
        short => short.strip_suffix('l').unwrap_or(short),
    };
    FIRST.iter().position(|first| *first == short).map(|number| number as u8)
}

/// The number in a text like `-0x10`.
pub fn number(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    Some(
        sign * digits
            .strip_prefix("0x")
            .map_or_else(|| digits.parse().ok(), |digits| i64::from_str_radix(digits, 16).ok())?,
    )
}

/// The address in brackets: what is in front of it, it, and what is behind.
pub fn address(operands: &str) -> Option<(&str, &str, &str)> {
    let (front, rest) = operands.split_once('[')?;
    let (address, behind) = rest.split_once(']')?;
    Some((front, address, behind))
}

/// How far an address is from a register.
pub fn distance(address: &str, register: &str) -> Option<i64> {
    let rest = address.strip_prefix(register)?;
    if rest.is_empty() {
        return Some(0);
    }
    let (sign, digits) = rest.strip_prefix(' ')?.split_once(' ')?;
    Some(number(digits)? * if sign == "-" { -1 } else { 1 })
}

/// How to compile for a processor of x86-64 Linux, without some steps.
pub fn options(cpu: &str, skipped: &[Optimisation]) -> Options {
    let mut options = Options { symbols: true, ..Options::default() };
    options.target = Some("x86_64-linux".to_string());
    options.cpu = cpu.parse::<TargetCpu>().unwrap();
    options.skipped.extend(skipped);
    // What nobody calls is compared, too.
    options.skipped.insert(Optimisation::DeadFunctions);
    options
}

/// What reads instructions.
pub fn disassembler() -> Capstone {
    Capstone::new().x86().mode(ArchMode::Mode64).detail(true).build().expect("it is there")
}

/// Modules that have all kinds of operators.
pub fn small_modules() -> Vec<(PathBuf, Vec<u8>)> {
    let texts = ["run", "trap", "asm"].map(|folder| root().join("tests/filetests").join(folder));
    let texts = texts.iter().flat_map(|folder| files(folder, "wat"));
    let texts = texts.filter_map(|path| Some((path.clone(), wat::parse_file(&path).ok()?)));
    let compiles = |wasm: &[u8]| wootz_compiler::validate(wasm, &Options::default()).is_ok();
    let read = |path: PathBuf| (path.clone(), std::fs::read(path).unwrap());
    texts.filter(|(_, wasm)| compiles(wasm)).chain(examples().into_iter().map(read)).collect()
}

/// Lua, SQLite and zstd; or nothing, which is said, if they are not built.
pub fn real_programs(test: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = programs().join("wasm");
    let mut found = files(Path::new(&folder), "wasm");
    found.retain(|path| ["lua", "sqlite", "zstd"].contains(&&*stem(path)));
    if found.len() < 3 {
        let missing = "they are not built; `make -C tests/programs` does it";
        skipped(&format!("{test} of real programs"), missing);
        return Vec::new();
    }
    let read = |path: PathBuf| (path.clone(), std::fs::read(path).unwrap());
    found.into_iter().map(read).collect()
}
