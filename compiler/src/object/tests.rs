//! Files are checked by those who will read them: the system's loader and linker, and tools.

use std::path::{Path, PathBuf};
use std::process::Command;

use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{AbiParam, Function, InstBuilder, Signature, UserFuncName, types::I64};
use cranelift_codegen::isa::{self, CallConv, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use wootz_runtime::abi::artifact::{Descriptor, IMAGE_OFFSET_FIELD, MAGIC, TEXT_OFFSET_FIELD};

use super::*;
use crate::unwinding::{self, Rules};

/// Debug information, in all formats.
mod debug;
/// Libraries for Windows.
mod windows;
/// Libraries for macOS.
mod macos;
/// The cell that says where traps go.
mod trap_cell;

const IMAGE_BYTES: usize = 0x2000;

/// A module with two functions: `increment` adds one to its argument; `call` calls its argument, and adds one.
struct Sample {
    isa: OwnedTargetIsa,
    text: Vec<u8>,
    image: Vec<u8>,
    symbols: Vec<Symbol>,
    unwind: Vec<(u32, Unwind)>,
}

impl Sample {
    fn new() -> Sample {
        Sample::of("x86_64-unknown-linux-gnu")
    }

    fn of(target: &str) -> Sample {
        let mut flags = settings::builder();
        flags.set("preserve_frame_pointers", "true").unwrap();
        let isa = isa::lookup_by_name(target).unwrap().finish(settings::Flags::new(flags)).unwrap();
        let mut sample = Sample {
            isa,
            text: Vec::new(),
            image: (0..IMAGE_BYTES).map(|i| (i / 7) as u8).collect(),
            symbols: Vec::new(),
            unwind: Vec::new(),
        };
        sample.function("increment", false);
        sample.function("call $host \u{2192} \"it\"", true);
        sample
    }

    fn function(&mut self, name: &str, calls: bool) {
        let convention = CallConv::triple_default(self.isa.triple());
        let mut signature = Signature::new(convention);
        signature.params.push(AbiParam::new(I64));
        signature.returns.push(AbiParam::new(I64));
        let mut context = Context::for_function(Function::with_name_signature(
            UserFuncName::default(),
            signature,
        ));
        let mut reused = FunctionBuilderContext::new();
        let mut builder = FunctionBuilder::new(&mut context.func, &mut reused);
        let block = builder.create_block();
        builder.append_block_params_for_function_params(block);
        builder.switch_to_block(block);
        let mut value = builder.block_params(block)[0];
        if calls {
            let mut callee = Signature::new(convention);
            callee.returns.push(AbiParam::new(I64));
            let callee = builder.import_signature(callee);
            let call = builder.ins().call_indirect(callee, value, &[]);
            value = builder.inst_results(call)[0];
        }
        let one = builder.ins().iconst(I64, 1);
        let sum = builder.ins().iadd(value, one);
        builder.ins().return_(&[sum]);
        builder.seal_all_blocks();
        builder.finalize(self.isa.frontend_config());
        let code = context.compile(&*self.isa, &mut ControlPlane::default()).unwrap();

        self.text.resize(self.text.len().next_multiple_of(32), 0xcc);
        let offset = self.text.len() as u32;
        let code_bytes = code.code_buffer();
        self.text.extend(code_bytes);
        self.symbols.push(Symbol {
            name: name.to_string(),
            offset,
            bytes: code_bytes.len() as u32,
            is_global: false,
        });
        let unwind = if self.isa.triple().binary_format == BinaryFormat::Coff {
            let steps = code.buffer.unwind_info.to_vec();
            Unwind::Prologue { steps, code_bytes: code_bytes.len() as u32 }
        } else {
            let code = unwinding::Code {
                bytes: code_bytes,
                prologue: &code.buffer.unwind_info,
                relocations: Vec::new(),
                overflows: Vec::new(),
                leaves: None,
            };
            Unwind::Cfa(Rules::of(&code, &*self.isa))
        };
        self.unwind.push((offset, unwind));
    }

    fn contents(&self) -> Contents<'_> {
        let mut metadata = MAGIC.to_vec();
        metadata.resize(size_of::<Descriptor>() + 100, 0);
        Contents {
            triple: self.isa.triple(),
            text: &self.text,
            metadata,
            image: &self.image,
            symbols: &self.symbols,
            unwind: &self.unwind,
            cie: self.isa.create_systemv_cie(),
            descriptor_symbol: "wootz_module",
            debug: None,
            trap_cell: None,
            separate: None,
        }
    }
}

/// The bytes of a file.
fn write(contents: Contents<'_>, container: Container) -> Result<Vec<u8>> {
    super::write(contents, container).map(|files| files.file)
}

/// Runs a tool; `None` if it is not installed, which is an error only where nothing may be left out.
fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let output = match Command::new(program).args(arguments).env("LC_ALL", "C").output() {
        Err(_) if std::env::var_os("CI").is_none() => {
            eprintln!("SKIPPED: `{program}` is not installed");
            return None;
        }
        output => output.unwrap_or_else(|error| panic!("{program}: {error}")),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    // elflint fails for what its caller may know better.
    assert!(output.status.success() || program == "eu-elflint", "{program} {arguments:?}: {text}");
    Some(text)
}

fn store(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary files have plain names")
}

#[inline(never)]
extern "C" fn who_calls_me() -> u64 {
    // Names inside of the library are not asked for: the standard library remembers which libraries it saw first.
    let trace = std::backtrace::Backtrace::force_capture().to_string();
    u64::from(trace.contains("check_loaded")) * 41
}

/// Loads a library and checks what the loader of modules relies on, and that the stack unwinds through its code.
#[inline(never)]
#[allow(unsafe_code)]
fn check_loaded(path: &Path, sample: &Sample) {
    // SAFETY: the library has no initialisers.
    let library = unsafe { libloading::Library::new(path) }.unwrap();
    // SAFETY: the symbol is the address of the metadata, in which all that is read here lies, or which says where it
    // is.
    unsafe {
        let metadata = *library.get::<*const u8>(b"wootz_module").unwrap();
        assert_eq!(*metadata.cast::<[u8; 8]>(), MAGIC);
        assert_eq!(metadata.addr() % 8, 0);
        let at = |field: u32| {
            let distance = metadata.add(field as usize).cast::<i32>().read_unaligned();
            metadata.offset(distance as isize)
        };
        let code = at(TEXT_OFFSET_FIELD);
        assert_eq!(code.addr() % 64, 0);
        assert_eq!(std::slice::from_raw_parts(code, sample.text.len()), sample.text);
        let image = at(IMAGE_OFFSET_FIELD);
        assert_eq!(image.addr() % 4096, 0);
        assert_eq!(std::slice::from_raw_parts(image, sample.image.len()), sample.image);

        let function = |i: usize| code.add(sample.symbols[i].offset as usize);
        let increment: extern "C" fn(u64) -> u64 = std::mem::transmute(function(0));
        assert_eq!(increment(41), 42);
        let call: extern "C" fn(extern "C" fn() -> u64) -> u64 = std::mem::transmute(function(1));
        assert_eq!(call(who_calls_me), 42, "a backtrace goes through the function to its caller");
    }
}

#[test]
fn a_shared_library_loads() {
    let (sample, directory) = (Sample::new(), tempfile::tempdir().unwrap());
    let bytes = write(sample.contents(), Container::SharedLibrary).unwrap();
    let library = store(directory.path(), "sample.so", &bytes);
    check_loaded(&library, &sample);

    for tool in ["strip", "objcopy"] {
        let changed = directory.path().join(format!("{tool}.so"));
        let strip = tool == "strip";
        let arguments = if strip {
            vec!["-o", text(&changed), text(&library)]
        } else {
            vec![text(&library), text(&changed)]
        };
        let Some(output) = run(tool, &arguments) else { continue };
        assert_eq!(output, "", "{tool}");
        if !strip {
            check_loaded(&changed, &sample);
        }
        // SAFETY: the library has no initialisers.
        #[allow(unsafe_code)]
        unsafe {
            assert!(
                libloading::Library::new(&changed)
                    .unwrap()
                    .get::<*const u8>(b"wootz_module")
                    .is_ok(),
                "{tool}"
            );
        }
    }
}

#[test]
fn an_object_links() {
    let (mut sample, directory) = (Sample::new(), tempfile::tempdir().unwrap());
    let increment = sample.symbols[0].clone();
    let name = "sample_increment".to_string();
    sample.symbols.push(Symbol { name, is_global: true, ..increment });
    let bytes = write(sample.contents(), Container::Object).unwrap();
    let object = store(directory.path(), "sample.o", &bytes);
    let library = directory.path().join("linked.so");
    let Some(output) = run(
        "cc",
        &["-shared", "-nostdlib", "-Wl,--fatal-warnings", "-o", text(&library), text(&object)],
    ) else {
        return;
    };
    assert_eq!(output, "");
    check_loaded(&library, &sample);
    let relocations = run("readelf", &["-rW", text(&library)]).unwrap_or_default();
    assert!(!relocations.contains("R_X86_64"), "{relocations}");

    // Through a partial link and an archive, into a program.
    let partial = directory.path().join("partial.o");
    let archive = directory.path().join("libsample.a");
    let program = directory.path().join("program");
    let main = store(
        directory.path(),
        "main.c",
        b"extern const char wootz_module[]; long sample_increment(long);\n\
          int main(void) { return wootz_module[1] == 'W' ? (int)sample_increment(41) : 1; }",
    );
    run("ld", &["-r", "-o", text(&partial), text(&object)]);
    run("ar", &["crD", text(&archive), text(&partial)]);
    run(
        "cc",
        &[
            "-Wl,--fatal-warnings",
            "-Wl,--gc-sections",
            "-o",
            text(&program),
            text(&main),
            text(&archive),
        ],
    );
    assert_eq!(Command::new(&program).status().unwrap().code(), Some(42));
}

/// Everything that is empty is left out, and the file still loads.
#[test]
fn a_module_without_code_and_image_loads() {
    let (sample, directory) = (Sample::new(), tempfile::tempdir().unwrap());
    let empty =
        || Contents { text: &[], image: &[], symbols: &[], unwind: &[], ..sample.contents() };
    let library =
        store(directory.path(), "empty.so", &write(empty(), Container::SharedLibrary).unwrap());
    let object = store(directory.path(), "empty.o", &write(empty(), Container::Object).unwrap());
    let linked = directory.path().join("linked.so");
    run("cc", &["-shared", "-nostdlib", "-o", text(&linked), text(&object)]);
    for path in [&library, &linked] {
        // SAFETY: the library has no initialisers, and the symbol is the address of the descriptor.
        #[allow(unsafe_code)]
        unsafe {
            let library = libloading::Library::new(path).unwrap();
            let metadata = *library.get::<*const [u8; 8]>(b"wootz_module").unwrap();
            assert_eq!(*metadata, MAGIC);
        }
    }
    check_with_tools(&library);
    check_with_tools(&object);
}

fn check_with_tools(path: &Path) {
    for (tool, arguments) in [
        ("readelf", ["-aW", "-zw"].as_slice()),
        ("llvm-readelf", &["-a", "--unwind"]),
        ("eu-elflint", &["--gnu-ld", "--quiet"]),
        ("objdump", &["-xdrwC"]),
        ("nm", &["-an"]),
        ("gdb", &["-nx", "-batch", "-ex", "info functions"]),
    ] {
        let mut arguments = arguments.to_vec();
        arguments.push(text(path));
        if let Some(output) = run(tool, &arguments) {
            // What all notes but the oldest get from elfutils.
            let known =
                output.lines().filter(|line| !line.contains("unknown object file note type 1"));
            let lower = known.collect::<Vec<_>>().join("\n").to_lowercase();
            assert!(
                tool != "eu-elflint" || lower.is_empty(),
                "{tool} {}: {output}",
                path.display()
            );
            for complaint in
                ["warning", "error", "corrupt", "unable to", "<unknown>", "not recognized"]
            {
                assert!(!lower.contains(complaint), "{tool} {}: {output}", path.display());
            }
        }
    }
}

#[test]
fn tools_have_no_complaint() {
    let (sample, directory) = (Sample::new(), tempfile::tempdir().unwrap());
    let library = write(sample.contents(), Container::SharedLibrary).unwrap();
    let object = write(sample.contents(), Container::Object).unwrap();
    check_with_tools(&store(directory.path(), "sample.so", &library));
    check_with_tools(&store(directory.path(), "sample.o", &object));
}

#[test]
fn a_shared_library_needs_nothing_and_hides_nothing() {
    let (sample, directory) = (Sample::new(), tempfile::tempdir().unwrap());
    let library = write(sample.contents(), Container::SharedLibrary).unwrap();
    let library = store(directory.path(), "sample.so", &library);
    if let Some(output) = run("readelf", &["-dW", text(&library)]) {
        for unwanted in ["NEEDED", "RELA", "TEXTREL", "SONAME", "INIT"] {
            assert!(!output.contains(unwanted), "{output}");
        }
    }
    if let Some(output) = run("readelf", &["-lW", text(&library)]) {
        assert!(!output.contains("RWE"), "{output}");
        assert!(output.contains("GNU_RELRO"), "{output}");
    }
    if let Some(output) = run("nm", &["-D", text(&library)]) {
        assert!(output.ends_with(" R wootz_module\n") && output.lines().count() == 1, "{output}");
    }
    if let Some(output) =
        run("gdb", &["-nx", "-batch", "-ex", "disassemble increment", text(&library)])
    {
        assert!(output.contains("function increment:") && output.contains("ret"), "{output}");
    }
}

#[test]
fn the_same_contents_give_the_same_bytes() {
    for container in [Container::SharedLibrary, Container::Object] {
        let write = |sample: Sample| write(sample.contents(), container).unwrap();
        assert!(write(Sample::new()) == write(Sample::new()));
    }
}

/// No machine runs these here, but their numbers are read back.
#[test]
fn other_machines_get_their_own_numbers() {
    let (mut sample, directory) = (Sample::new(), tempfile::tempdir().unwrap());
    sample.image.resize(0x1_0000, 0);
    for (target, expected) in
        [("aarch64", "AArch64"), ("riscv64gc", "RISC-V"), ("s390x", "IBM S/390")]
    {
        let triple: Triple = format!("{target}-unknown-linux-gnu").parse().unwrap();
        for (container, name) in [(Container::SharedLibrary, "so"), (Container::Object, "o")] {
            let bytes =
                write(Contents { triple: &triple, ..sample.contents() }, container).unwrap();
            let path = store(directory.path(), &format!("{target}.{name}"), &bytes);
            if let Some(output) = run("readelf", &["-aW", text(&path)]) {
                assert!(output.contains(expected) && !output.contains("Warning"), "{output}");
            }
        }
    }
}

#[test]
fn what_cannot_be_written_yet_is_named() {
    let sample = Sample::new();
    let triple: Triple = "powerpc64-unknown-linux-gnu".parse().unwrap();
    let result = write(Contents { triple: &triple, ..sample.contents() }, Container::SharedLibrary);
    let message = result.unwrap_err().to_string();
    let is_named =
        message.contains("ELF files for powerpc64") && message.contains("cannot be written yet");
    assert!(is_named, "{message}");
}
