//! How linkers are talked to.
//!
//! In: a linker's name, and what is to be linked. Out: the arguments that make it make a shared library.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ValueEnum;
use object::{Architecture, BinaryFormat, Object};
use wootz_runtime::abi::artifact::DESCRIPTOR_SYMBOL;

/// The oldest macOS that a library is for: the first that runs on both architectures.
const MACOS: &str = "11.0";

/// What a library for macOS says that it is called. Otherwise it would be the place where the linker has put it.
const INSTALL_NAME: &str = "@rpath/module.dylib";

/// How linkers are talked to.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flavor {
    /// A C compiler that calls a linker: cc, gcc, clang
    Cc,
    /// A linker for ELF: ld, ld.bfd, ld.gold, ld.lld, mold
    Ld,
    /// zig, as `zig cc`
    Zig,
    /// A linker for Mach-O: ld64.lld, Apple's ld
    #[value(name = "ld64")]
    Ld64,
    /// A linker for COFF: lld-link, link
    LldLink,
}

/// What is linked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Target {
    /// The format of its files.
    pub format: BinaryFormat,
    /// The processors that it has.
    pub architecture: Architecture,
}

/// The files of a link.
pub struct Files {
    /// What is linked.
    pub object: PathBuf,
    /// Which symbols are exported, in the language of linkers for ELF.
    pub exports: PathBuf,
    /// What is made.
    pub output: PathBuf,
}

impl Files {
    /// The files of a link in a folder. The names of libraries occur in some of them.
    pub fn inside(folder: &Path, target: Target) -> Files {
        let (object, output) = match target.format {
            BinaryFormat::MachO => ("module.o", "module.dylib"),
            BinaryFormat::Coff => ("module.obj", "module.dll"),
            _ => ("module.o", "module.so"),
        };
        Files {
            object: folder.join(object),
            exports: folder.join("exports.map"),
            output: folder.join(output),
        }
    }
}

impl Flavor {
    /// What a program's name says about how to talk to it.
    pub fn of(program: &Path, target: Target) -> Option<Flavor> {
        let name = program.file_name()?.to_string_lossy().to_lowercase();
        let name = name.strip_suffix(".exe").unwrap_or(&name);
        // A version, such as that of `clang-19`.
        let is_version = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '.');
        let name = match name.rsplit_once('-') {
            Some((name, version)) if is_version(version) => name,
            _ => name,
        };
        match name {
            "zig" => return Some(Flavor::Zig),
            "lld-link" | "link" => return Some(Flavor::LldLink),
            "ld64" | "ld64.lld" | "ld-classic" => return Some(Flavor::Ld64),
            "ld" if target.format == BinaryFormat::MachO => return Some(Flavor::Ld64),
            _ => {}
        }
        // What may stand before is a target, such as that of `aarch64-linux-gnu-gcc`.
        match name.rsplit('-').next()? {
            "cc" | "gcc" | "clang" | "c++" | "g++" | "clang++" => Some(Flavor::Cc),
            "ld" | "ld.bfd" | "ld.gold" | "ld.lld" | "ld.mold" | "gold" | "mold" | "wild" => {
                Some(Flavor::Ld)
            }
            _ => None,
        }
    }

    /// As the command line has it.
    pub fn name(&self) -> String {
        let value = self.to_possible_value().expect("no flavor is hidden");
        value.get_name().to_string()
    }

    /// What it makes libraries of.
    pub fn formats(self) -> &'static [BinaryFormat] {
        match self {
            Flavor::Cc | Flavor::Zig => &[BinaryFormat::Elf, BinaryFormat::MachO],
            Flavor::Ld => &[BinaryFormat::Elf],
            Flavor::Ld64 => &[BinaryFormat::MachO],
            Flavor::LldLink => &[BinaryFormat::Coff],
        }
    }
}

impl Target {
    /// What an object is for.
    ///
    /// # Errors
    /// If it is no object, or damaged.
    pub fn of(object: &[u8]) -> Result<Target> {
        let file = object::File::parse(object)?;
        Ok(Target { format: file.format(), architecture: file.architecture() })
    }

    /// What its format is called.
    pub fn format_name(self) -> &'static str {
        match self.format {
            BinaryFormat::MachO => "Mach-O",
            BinaryFormat::Coff => "COFF",
            _ => "ELF",
        }
    }

    /// As zig calls it.
    fn for_zig(self) -> String {
        let architecture = match self.architecture {
            Architecture::X86_64 => "x86_64",
            Architecture::Aarch64 => "aarch64",
            Architecture::Riscv64 => "riscv64",
            Architecture::S390x => "s390x",
            other => panic!("there is no compiler for {other:?}"),
        };
        let system = match self.format {
            BinaryFormat::MachO => "macos",
            _ => "linux-gnu",
        };
        format!("{architecture}-{system}")
    }

    /// As Apple calls the architecture.
    fn for_apple(self) -> &'static str {
        match self.architecture {
            Architecture::Aarch64 => "arm64",
            _ => "x86_64",
        }
    }

    /// As Microsoft calls the architecture.
    fn for_microsoft(self) -> &'static str {
        match self.architecture {
            Architecture::Aarch64 => "arm64",
            _ => "x64",
        }
    }
}

/// What makes a linker make a shared library that exports the descriptor, refers to nothing outside, and can be unwound.
pub fn arguments(flavor: Flavor, target: Target, files: &Files) -> Vec<OsString> {
    let what = match (flavor, target.format) {
        (Flavor::Zig, _) => format!("cc -target {} -shared -nostdlib", target.for_zig()),
        // Apple's linker refuses libraries that do without the system's.
        (Flavor::Cc, BinaryFormat::MachO) => {
            format!(
                "-dynamiclib -nostdlib -lSystem -arch {} -install_name {INSTALL_NAME}",
                target.for_apple()
            )
        }
        (Flavor::Cc, _) => "-shared -nostdlib".to_string(),
        (Flavor::Ld, _) => "-shared".to_string(),
        (Flavor::Ld64, _) => {
            format!(
                "-dylib -arch {} -platform_version macos {MACOS} {MACOS} -install_name {INSTALL_NAME}",
                target.for_apple()
            )
        }
        (Flavor::LldLink, _) => format!(
            "/nologo /dll /noentry /nodefaultlib /brepro /machine:{} /export:{DESCRIPTOR_SYMBOL}",
            target.for_microsoft()
        ),
    };
    let mut arguments: Vec<OsString> = what.split(' ').map(OsString::from).collect();
    let mut pass = |argument: OsString| match flavor {
        // What compilers hand on to their linkers.
        Flavor::Cc => arguments.extend(["-Xlinker".into(), argument]),
        Flavor::Zig => arguments.push(joined("-Wl,", Path::new(&argument))),
        Flavor::Ld | Flavor::Ld64 | Flavor::LldLink => arguments.push(argument),
    };
    match target.format {
        BinaryFormat::Elf => {
            let settings = "--eh-frame-hdr --build-id=sha1 -zdefs";
            settings.split(' ').for_each(|setting| pass(setting.into()));
            pass(joined("--version-script=", &files.exports));
        }
        // zig exports what is global, which is the descriptor alone.
        BinaryFormat::MachO if flavor != Flavor::Zig => {
            pass("-exported_symbol".into());
            pass(format!("_{DESCRIPTOR_SYMBOL}").into());
        }
        _ => {}
    }
    match flavor {
        Flavor::LldLink => arguments.push(joined("/out:", &files.output)),
        _ => arguments.extend(["-o".into(), files.output.clone().into()]),
    }
    arguments.push(files.object.clone().into());
    arguments
}

fn joined(option: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(option);
    argument.push(path);
    argument
}

#[cfg(test)]
mod tests {
    use super::*;

    const X86_64_ELF: Target =
        Target { format: BinaryFormat::Elf, architecture: Architecture::X86_64 };
    const ARM_ELF: Target =
        Target { format: BinaryFormat::Elf, architecture: Architecture::Aarch64 };
    const ARM_MACHO: Target =
        Target { format: BinaryFormat::MachO, architecture: Architecture::Aarch64 };
    const X86_64_MACHO: Target =
        Target { format: BinaryFormat::MachO, architecture: Architecture::X86_64 };
    const X86_64_COFF: Target =
        Target { format: BinaryFormat::Coff, architecture: Architecture::X86_64 };
    const ARM_COFF: Target =
        Target { format: BinaryFormat::Coff, architecture: Architecture::Aarch64 };

    #[test]
    fn names_say_how_linkers_are_talked_to() {
        for (names, flavor) in [
            (
                "cc gcc gcc-13 clang clang-19 /usr/bin/c++ g++-12 clang++ x86_64-linux-gnu-gcc \
                 aarch64-linux-gnu-gcc-12 riscv64-linux-gnu-g++ musl-gcc aarch64-linux-android24-clang cc.exe",
                Some(Flavor::Cc),
            ),
            (
                "ld ld.bfd ld.gold ld.lld ld.lld-19 ./mold wild gold s390x-linux-gnu-ld \
                 aarch64-linux-gnu-ld.bfd LD.LLD.EXE",
                Some(Flavor::Ld),
            ),
            ("zig /opt/zig-0.15/zig zig.exe", Some(Flavor::Zig)),
            ("ld64.lld ld64.lld-19 ld64 ld-classic", Some(Flavor::Ld64)),
            ("lld-link lld-link-19 lld-link.exe link.exe", Some(Flavor::LldLink)),
            ("lld rustc linker gccx ccc .. / -19 -", None),
        ] {
            for name in names.split(' ') {
                assert_eq!(Flavor::of(Path::new(name), X86_64_ELF), flavor, "{name}");
            }
        }
        assert_eq!(Flavor::of(Path::new("/usr/bin/ld"), ARM_MACHO), Some(Flavor::Ld64));
        assert_eq!(Flavor::of(Path::new("clang"), ARM_MACHO), Some(Flavor::Cc));
    }

    #[test]
    fn linkers_are_told_what_to_make() {
        for (flavor, target, expected) in [
            (
                Flavor::Cc,
                X86_64_ELF,
                "-shared -nostdlib -Xlinker --eh-frame-hdr -Xlinker --build-id=sha1 -Xlinker -zdefs \
                 -Xlinker --version-script=a/exports.map -o a/OUT a/OBJECT",
            ),
            (
                Flavor::Ld,
                ARM_ELF,
                "-shared --eh-frame-hdr --build-id=sha1 -zdefs --version-script=a/exports.map -o a/OUT a/OBJECT",
            ),
            (
                Flavor::Zig,
                ARM_ELF,
                "cc -target aarch64-linux-gnu -shared -nostdlib -Wl,--eh-frame-hdr -Wl,--build-id=sha1 -Wl,-zdefs \
                 -Wl,--version-script=a/exports.map -o a/OUT a/OBJECT",
            ),
            (
                Flavor::Zig,
                X86_64_MACHO,
                "cc -target x86_64-macos -shared -nostdlib -o a/OUT a/OBJECT",
            ),
            (
                Flavor::Cc,
                ARM_MACHO,
                "-dynamiclib -nostdlib -lSystem -arch arm64 -install_name @rpath/module.dylib -Xlinker -exported_symbol -Xlinker _wootz_module \
                 -o a/OUT a/OBJECT",
            ),
            (
                Flavor::Ld64,
                ARM_MACHO,
                "-dylib -arch arm64 -platform_version macos 11.0 11.0 -install_name @rpath/module.dylib \
                 -exported_symbol _wootz_module -o a/OUT a/OBJECT",
            ),
            (
                Flavor::Ld64,
                X86_64_MACHO,
                "-dylib -arch x86_64 -platform_version macos 11.0 11.0 -install_name @rpath/module.dylib \
                 -exported_symbol _wootz_module -o a/OUT a/OBJECT",
            ),
            (
                Flavor::LldLink,
                X86_64_COFF,
                "/nologo /dll /noentry /nodefaultlib /brepro /machine:x64 /export:wootz_module /out:a/OUT a/OBJECT",
            ),
            (
                Flavor::LldLink,
                ARM_COFF,
                "/nologo /dll /noentry /nodefaultlib /brepro /machine:arm64 /export:wootz_module /out:a/OUT a/OBJECT",
            ),
        ] {
            assert!(flavor.formats().contains(&target.format));
            let (object, output) = match target.format {
                BinaryFormat::MachO => ("module.o", "module.dylib"),
                BinaryFormat::Coff => ("module.obj", "module.dll"),
                _ => ("module.o", "module.so"),
            };
            let expected = expected.replace("OBJECT", object).replace("OUT", output);
            let files = Files::inside(Path::new("a"), target);
            let found = arguments(flavor, target, &files).join(" ".as_ref());
            let found = found.to_str().unwrap().replace(std::path::MAIN_SEPARATOR, "/");
            assert_eq!(found, expected, "{flavor:?} {target:?}");
        }
    }
}
