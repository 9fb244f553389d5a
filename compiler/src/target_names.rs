//! What people call machines, and which of them they mean.
//!
//! In: a name as compilers, package managers and people write it: `x86_64-unknown-linux-gnu`, `arm64-apple-darwin23.1.0`,
//! `x86_64-w64-mingw32`, `linux/amd64`, `aarch64`. Out: the triple of a target that is supported.
//!
//! Always true: all names of one machine give the same triple, so that files do not depend on how somebody writes it. That
//! is why environments such as `gnu` and `musl` are known and make no difference: compiled code calls no library.

use std::str::FromStr;

use target_lexicon::{Architecture, OperatingSystem, Triple};

use crate::error::{Error, Result};
use crate::options::{Debugger, Emit};

/// The targets that there is code and files for, as `rustc` calls them.
pub const TARGETS: &[&str] = &[
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "riscv64gc-unknown-linux-gnu",
    "s390x-unknown-linux-gnu",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
    "aarch64-pc-windows-msvc",
];

/// Architectures that are supported: as they are called here, and what else they are called.
const ARCHITECTURES: &[(&str, &[&str])] = &[
    ("x86_64", &["x86_64", "amd64", "x64"]),
    ("aarch64", &["aarch64", "arm64", "armv8", "arm64v8"]),
    ("riscv64", &["riscv64", "riscv64gc", "riscv64g", "rv64", "rv64gc"]),
    ("s390x", &["s390x", "systemz"]),
];

/// Operating systems that are supported, likewise.
const SYSTEMS: &[(&str, &[&str])] = &[
    ("linux", &["linux"]),
    ("macos", &["macos", "darwin", "macosx", "osx", "mac"]),
    ("windows", &["windows", "win64", "win32", "win", "mingw32", "mingw64", "mingw"]),
];

/// What may stand where an environment does.
const ENVIRONMENTS: &[&str] = &["gnu", "musl", "msvc", "gnullvm", "glibc", "uclibc", "none"];

/// Who may be said to have made a machine. Others are believed in second place.
const VENDORS: &[&str] = &["unknown", "pc", "apple", "ibm", "w64"];

/// What is known, and not supported because its addresses have 32 bits.
const WITH_32_BITS: &[&str] = &[
    "i386",
    "i486",
    "i586",
    "i686",
    "x86",
    "ia32",
    "x32",
    "gnux32",
    "gnu_ilp32",
    "arm64_32",
    "arm",
    "armv5te",
    "armv6",
    "armv7",
    "armv7a",
    "armv7l",
    "armhf",
    "armeb",
    "thumbv6m",
    "thumbv7em",
    "thumbv7m",
    "riscv32",
    "riscv32gc",
    "riscv32imac",
    "wasm32",
    "mips",
    "mipsel",
    "powerpc",
    "ppc",
    "sparc",
    "m68k",
    "gnueabi",
    "gnueabihf",
    "musleabi",
    "musleabihf",
    "s390",
];

/// What is known, and not supported for other reasons.
const OTHERS: &[&str] = &[
    "aarch64_be",
    "arm64e",
    "arm64ec",
    "x86_64h",
    "riscv64imac",
    "powerpc64",
    "powerpc64le",
    "ppc64",
    "ppc64le",
    "mips64",
    "mips64el",
    "loongarch64",
    "sparc64",
    "sparcv9",
    "wasm64",
    "bpfel",
    "nvptx64",
    "android",
    "ohos",
    "ios",
    "tvos",
    "watchos",
    "visionos",
    "macabi",
    "sim",
    "freebsd",
    "netbsd",
    "openbsd",
    "dragonfly",
    "illumos",
    "solaris",
    "aix",
    "hurd",
    "haiku",
    "redox",
    "fuchsia",
    "wasi",
    "wasip1",
    "wasip2",
    "emscripten",
    "uefi",
    "cygwin",
    "eabi",
    "uwp",
];

/// The triple that a name stands for, or that of the machine this runs on.
///
/// # Errors
/// If nobody knows the name, or there is no code for that machine.
pub fn triple(name: Option<&str>) -> Result<Triple> {
    let host = Triple::host();
    let host_name;
    let name = match name {
        Some(name) => name,
        None => {
            host_name = host.to_string();
            &host_name
        }
    };
    let canonical = meaning(name, &host).map_err(|found| found.into_error(name, &host))?;
    Ok(Triple::from_str(canonical).expect("supported targets have triples"))
}

/// What the names of files of a kind for a target end with, such as `o`: what its linkers and loaders look for.
///
/// It is that of the machine this runs on if no target is named, and that of Linux if the name is unknown.
pub fn extension(emit: Emit, target: Option<&str>) -> &'static str {
    let system = triple(target).ok().and_then(|triple| system_of(&triple));
    let microsoft = system == Some("windows") && !uses_gnu_tools(target);
    match (emit, system) {
        (Emit::SharedLibrary, Some("macos")) => "dylib",
        (Emit::SharedLibrary, Some("windows")) => "dll",
        (Emit::SharedLibrary, _) => "so",
        (Emit::Object, _) if microsoft => "obj",
        (Emit::Object, _) => "o",
        (Emit::Archive, _) if microsoft => "lib",
        (Emit::Archive, _) => "a",
    }
}

/// The debugger that people use on a target: LLVM's on macOS, GNU's elsewhere.
///
/// It is that of the machine this runs on if no target is named, and GNU's if the name is unknown.
pub fn debugger(target: Option<&str>) -> Debugger {
    match triple(target).ok().and_then(|triple| system_of(&triple)) {
        Some("macos") => Debugger::Lldb,
        _ => Debugger::Gdb,
    }
}

/// Whether a target is said to have other tools than Microsoft's.
fn uses_gnu_tools(target: Option<&str>) -> bool {
    let host = Triple::host().to_string();
    let name = target.unwrap_or(&host).to_lowercase();
    parts(&name).iter().any(|part| part.starts_with("gnu") || part.starts_with("mingw"))
}

/// Why a name is no target.
enum Unclear {
    /// It has 32-bit addresses.
    Is32Bits(String),
    /// It is something that is not supported.
    NotSupported(String),
    /// Each part is supported, but not both together.
    NoSuchPair(&'static str, &'static str),
    /// A part is unknown, or something is missing.
    Unknown {
        /// What is wrong.
        why: String,
    },
}

/// The parts of a name in small letters.
fn parts(name: &str) -> Vec<&str> {
    name.split(['-', '/', ',', ' ']).filter(|part| !part.is_empty()).collect()
}

/// The target that a name stands for, one of [`TARGETS`].
fn meaning(name: &str, host: &Triple) -> Result<&'static str, Unclear> {
    // Some write its dash like that of the others.
    let lower = name.trim().to_lowercase().replace("x86-64", "x86_64");
    let parts = parts(&lower);
    let (mut architecture, mut system) = (None, None);
    for (position, &part) in parts.iter().enumerate() {
        // Versions follow systems and environments directly, or behind a point: `darwin23.1.0`, `gnu.2.31`.
        let plain = part.split('.').next().unwrap_or_default();
        let plain = if known(SYSTEMS, plain).is_some() {
            plain
        } else {
            plain.trim_end_matches(|c: char| c.is_ascii_digit())
        };
        if let Some(found) = known(ARCHITECTURES, part) {
            only("architectures", &mut architecture, found)?;
        } else if let Some(found) = known(SYSTEMS, plain) {
            only("operating systems", &mut system, found)?;
            match part {
                "win64" if architecture.is_none() => architecture = Some("x86_64"),
                "win32" if parts.len() == 1 => return Err(Unclear::Is32Bits(part.to_string())),
                _ => {}
            }
        } else if WITH_32_BITS.contains(&part) {
            return Err(Unclear::Is32Bits(part.to_string()));
        } else if OTHERS.iter().any(|other| part == *other || plain == *other) {
            return Err(Unclear::NotSupported(part.to_string()));
        } else if !is_detail(part, plain) && (position != 1 || parts.len() < 3) {
            return Err(Unclear::Unknown { why: format!("nothing is known by the name `{part}`") });
        }
    }
    let is_apple = parts.contains(&"apple");
    // One part alone leaves the rest to this machine.
    let alone = parts.len() == 1;
    let architecture = architecture.or(if alone {
        known(ARCHITECTURES, &host.architecture.to_string())
    } else {
        None
    });
    let system = system.or(if is_apple { Some("macos") } else { None });
    let system = system.or(if alone { system_of(host) } else { None });
    let (Some(architecture), Some(system)) = (architecture, system) else {
        let missing =
            if architecture.is_none() { "an architecture" } else { "an operating system" };
        return Err(Unclear::Unknown { why: format!("{missing} is missing") });
    };
    let fits = |target: &&&str| {
        let triple = Triple::from_str(target).expect("supported targets have triples");
        known(ARCHITECTURES, target.split('-').next().unwrap_or_default()) == Some(architecture)
            && system_of(&triple) == Some(system)
    };
    TARGETS.iter().find(fits).copied().ok_or(Unclear::NoSuchPair(architecture, system))
}

/// Takes note of what a part of a name says, unless another part says something else.
fn only(what: &str, place: &mut Option<&'static str>, found: &'static str) -> Result<(), Unclear> {
    match place.replace(found) {
        Some(before) if before != found => {
            Err(Unclear::Unknown { why: format!("it has two {what}, {before} and {found}") })
        }
        _ => Ok(()),
    }
}

/// Whether a part of a name says nothing that matters: an environment, a vendor, or a variant of an architecture.
fn is_detail(part: &str, plain: &str) -> bool {
    ENVIRONMENTS.contains(&plain) || VENDORS.contains(&part) || part.starts_with("v8")
}

/// What something is called here.
fn known(table: &[(&'static str, &[&str])], name: &str) -> Option<&'static str> {
    table.iter().find(|(_, names)| names.contains(&name)).map(|(canonical, _)| *canonical)
}

fn system_of(triple: &Triple) -> Option<&'static str> {
    match triple.operating_system {
        OperatingSystem::Linux => Some("linux"),
        OperatingSystem::Darwin(_) | OperatingSystem::MacOSX(_) => Some("macos"),
        OperatingSystem::Windows => Some("windows"),
        _ => None,
    }
}

impl Unclear {
    fn into_error(self, name: &str, host: &Triple) -> Error {
        let found = match self {
            Unclear::Is32Bits(part) => format!(
                "the target `{name}` is not supported: `{part}` has 32-bit addresses, and code is made for 64-bit machines only"
            ),
            Unclear::NotSupported(part) => {
                format!("the target `{name}` is not supported: there is no code for `{part}`")
            }
            Unclear::NoSuchPair(architecture, system) => {
                format!(
                    "the target `{name}` is not supported: there is no code for {system} on {architecture}"
                )
            }
            Unclear::Unknown { why } => {
                format!("unknown target `{name}`: {why}{}", suggestion(name, host))
            }
        };
        Error::Options {
            message: format!(
                "{found}{} The supported targets are {}",
                if found.ends_with('?') { "" } else { "." },
                TARGETS.join(", ")
            ),
        }
    }
}

/// "; did you mean ...?", or nothing if nothing resembles the name.
fn suggestion(name: &str, host: &Triple) -> String {
    let name = name.trim().to_lowercase();
    let words = || {
        let tables = ARCHITECTURES.iter().chain(SYSTEMS).flat_map(|(_, names)| names.iter());
        tables.chain(ENVIRONMENTS).chain(VENDORS).copied()
    };
    // Either one part is written wrongly, or the whole is put together in another way.
    let parts = parts(&name);
    let corrected = (0..parts.len()).filter_map(|wrong| {
        let nearest = nearest(parts[wrong], words())?;
        let mut parts = parts.clone();
        parts[wrong] = nearest;
        meaning(&parts.join("-"), host).ok()
    });
    let corrected: Vec<&str> = corrected.collect();
    let shorter: Vec<(String, &str)> = TARGETS
        .iter()
        .flat_map(|target| {
            let architecture =
                target.split(['-']).next().unwrap_or_default().trim_end_matches("gc");
            let system = target.split('-').nth(2).unwrap_or_default();
            [target.to_string(), format!("{architecture}-{system}")].map(|name| (name, *target))
        })
        .collect();
    let whole = nearest(&name, shorter.iter().map(|(name, _)| &**name))
        .and_then(|near| shorter.iter().find(|(name, _)| name == near))
        .map(|(_, target)| *target);
    match corrected.first().copied().or(whole) {
        Some(target) => format!("; did you mean `{target}`?"),
        None => String::new(),
    }
}

/// The word that is most like another one, if any is, and it is not the same.
fn nearest<'a>(unknown: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let tolerated = 1 + unknown.chars().count() / 4;
    words
        .map(|word| (strsim::damerau_levenshtein(unknown, word), word))
        .filter(|&(distance, word)| distance > 0 && distance <= tolerated && distance < word.len())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, word)| word)
}

/// What an architecture is called in messages and names of packages.
pub fn architecture(triple: &Triple) -> &'static str {
    match triple.architecture {
        Architecture::X86_64 => "x86_64",
        Architecture::Aarch64(_) => "aarch64",
        Architecture::Riscv64(_) => "riscv64",
        Architecture::S390x => "s390x",
        other => unreachable!("{other} is no architecture of a supported target"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(host: &str, name: &str) -> Result<&'static str, String> {
        let host = Triple::from_str(host).unwrap();
        meaning(name, &host).map_err(|found| found.into_error(name, &host).to_string())
    }

    fn of(name: &str) -> Result<&'static str, String> {
        on("x86_64-unknown-linux-gnu", name)
    }

    #[test]
    fn every_supported_target_means_itself() {
        for target in TARGETS {
            assert_eq!(of(target).as_deref(), Ok(*target));
            assert_eq!(triple(Some(target)).unwrap().to_string(), *target);
        }
    }

    #[test]
    fn the_names_that_people_try_are_understood() {
        for (target, names) in [
            (
                "x86_64-unknown-linux-gnu",
                &[
                    "x86_64-linux",
                    "x86_64-linux-gnu",
                    "x86_64-unknown-linux-musl",
                    "x86_64-unknown-linux",
                    "amd64",
                    "x64",
                    "x86-64",
                    "X86_64-Linux",
                    "x86-64-linux-gnu",
                    "linux/amd64",
                    "linux-x64",
                    "x86_64-pc-linux-gnu",
                    "x86_64-alpine-linux-musl",
                    "x86_64-linux-gnu.2.31",
                    "x86_64-linux-none",
                    "linux",
                ][..],
            ),
            (
                "aarch64-unknown-linux-gnu",
                &["aarch64", "arm64", "aarch64-linux-musl", "linux/arm64/v8", "linux-arm64"],
            ),
            (
                "riscv64gc-unknown-linux-gnu",
                &["riscv64", "riscv64-linux", "riscv64gc-unknown-linux-musl", "riscv64-linux-gnu"],
            ),
            (
                "s390x-unknown-linux-gnu",
                &["s390x", "s390x-linux", "s390x-ibm-linux-gnu", "linux/s390x"],
            ),
            (
                "x86_64-apple-darwin",
                &[
                    "x86_64-macos",
                    "darwin/amd64",
                    "x86_64-apple-macosx10.12.0",
                    "macos",
                    "darwin",
                    "darwin-x64",
                ],
            ),
            (
                "aarch64-apple-darwin",
                &[
                    "arm64-apple-darwin",
                    "aarch64-macos",
                    "arm64-apple-darwin23.1.0",
                    "arm64-apple-macos11",
                    "aarch64-macos-none",
                    "arm64-apple",
                ],
            ),
            (
                "x86_64-pc-windows-msvc",
                &[
                    "win64",
                    "windows",
                    "x86_64-windows-msvc",
                    "x86_64-pc-windows-gnu",
                    "x86_64-w64-mingw32",
                    "win32-x64",
                    "x86_64-windows-gnu",
                ],
            ),
            (
                "aarch64-pc-windows-msvc",
                &[
                    "aarch64-windows",
                    "arm64-windows-msvc",
                    "aarch64-pc-windows-gnullvm",
                    "windows/arm64",
                    "win32-arm64",
                ],
            ),
        ] {
            for name in names {
                assert_eq!(of(name).as_deref(), Ok(target), "{name}");
            }
        }
    }

    #[test]
    fn a_part_alone_leaves_the_rest_to_this_machine() {
        assert_eq!(on("aarch64-apple-darwin", "x86_64").as_deref(), Ok("x86_64-apple-darwin"));
        assert_eq!(on("aarch64-apple-darwin", "linux").as_deref(), Ok("aarch64-unknown-linux-gnu"));
        assert_eq!(on("aarch64-pc-windows-msvc", "win64").as_deref(), Ok("x86_64-pc-windows-msvc"));
        let message = on("x86_64-unknown-freebsd", "aarch64").unwrap_err();
        assert!(message.contains("an operating system is missing"), "{message}");
    }

    #[test]
    fn what_is_not_supported_is_said_plainly() {
        for (name, expected) in [
            ("i686-unknown-linux-gnu", "`i686` has 32-bit addresses"),
            ("armv7-unknown-linux-gnueabihf", "`armv7` has 32-bit addresses"),
            ("x86_64-unknown-linux-gnux32", "`gnux32` has 32-bit addresses"),
            ("win32", "`win32` has 32-bit addresses"),
            ("powerpc64le-unknown-linux-gnu", "there is no code for `powerpc64le`"),
            ("x86_64-unknown-freebsd14.1", "there is no code for `freebsd14.1`"),
            ("aarch64-linux-android", "there is no code for `android`"),
            ("riscv64-windows", "there is no code for windows on riscv64"),
            ("s390x-macos", "there is no code for macos on s390x"),
        ] {
            let message = of(name).unwrap_err();
            assert!(
                message.contains(expected) && message.contains(TARGETS[3]),
                "{name}: {message}"
            );
            assert!(!message.contains("did you mean"), "{name}: {message}");
        }
    }

    #[test]
    fn names_that_contradict_themselves_are_of_no_machine() {
        for (name, expected) in [
            ("x86_64-aarch64-linux", "two architectures, x86_64 and aarch64"),
            ("amd64-windows-arm64", "two architectures, x86_64 and aarch64"),
            ("linux-windows-x64", "two operating systems, linux and windows"),
            ("x86_64-linux-darwin20", "two operating systems, linux and macos"),
        ] {
            let message = of(name).unwrap_err();
            assert!(message.contains(expected), "{name}: {message}");
        }
        assert_eq!(of("x86_64-pc-windows-mingw64").as_deref(), Ok("x86_64-pc-windows-msvc"));
        let message = of("x86_64-x86_64").unwrap_err();
        assert!(message.contains("an operating system is missing"), "{message}");
    }

    #[test]
    fn the_nearest_target_is_suggested() {
        for (name, expected) in [
            ("x86_64-linx-gnu", "x86_64-unknown-linux-gnu"),
            ("x86_64-unknown-linux-gun", "x86_64-unknown-linux-gnu"),
            ("arch64-apple-darwin", "aarch64-apple-darwin"),
            ("aarhc64-linux", "aarch64-unknown-linux-gnu"),
            ("x86_64linux", "x86_64-unknown-linux-gnu"),
            ("x86_64-pc-widnows-msvc", "x86_64-pc-windows-msvc"),
            ("rsicv64-linux", "riscv64gc-unknown-linux-gnu"),
        ] {
            let message = of(name).unwrap_err();
            let suggestion = format!("did you mean `{expected}`? The supported targets are");
            assert!(message.contains(&suggestion), "{name}: {message}");
            assert!(message.contains(&format!("unknown target `{name}`")), "{message}");
        }
        for name in ["z80-none", "", "-", "potato", "\u{1f980}", "x86_64-x86_64"] {
            assert!(!of(name).unwrap_err().contains("did you mean"), "{name}: {:?}", of(name));
        }
    }

    #[test]
    fn files_end_as_the_targets_tools_want_it() {
        for (target, object, library) in [
            ("x86_64-linux", "o", "so"),
            ("aarch64-macos", "o", "dylib"),
            ("x86_64-pc-windows-msvc", "obj", "dll"),
            ("aarch64-windows", "obj", "dll"),
            ("x86_64-pc-windows-gnu", "o", "dll"),
            ("x86_64-w64-mingw32", "o", "dll"),
            ("potato", "o", "so"),
        ] {
            assert_eq!(extension(Emit::Object, Some(target)), object, "{target}");
            assert_eq!(extension(Emit::SharedLibrary, Some(target)), library, "{target}");
        }
    }
}
