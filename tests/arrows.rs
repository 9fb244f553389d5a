//! The arrows that must never exist: each room imports only rooms listed above it, and some rooms know nothing of some
//! things at all.
//!
//! In: the source text, without comments, strings and unit tests. A house is a folder whose first file lists its rooms.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use wootz_tests::{difference, root, run};

/// Folders, and the path by which Rust code names them.
const HOUSES: &[(&str, &str, &str)] = &[
    ("runtime-lib/src", "lib.rs", "crate"),
    ("runtime-lib/src/abi", "mod.rs", "crate::abi"),
    ("runtime-lib/src/vm", "mod.rs", "crate::vm"),
    ("compiler/src", "lib.rs", "crate"),
    ("bindgen/src", "lib.rs", "crate"),
    ("bindgen/src/rust", "mod.rs", "crate::rust"),
    ("build-script/src", "lib.rs", "crate"),
    ("loader/src", "lib.rs", "crate"),
    ("wasi/src", "lib.rs", "crate"),
    ("wast/src", "lib.rs", "crate"),
    ("capi/src", "lib.rs", "crate"),
    ("cli/src", "lib.rs", "crate"),
];

/// What must not occur in some files: files, words, files among them that may, and why.
struct Forbidden {
    files: &'static [&'static str],
    words: &'static [&'static str],
    except: &'static [&'static str],
    why: &'static str,
}

const LIBRARIES: &[&str] = &[
    "runtime-lib/src",
    "compiler/src",
    "bindgen/src",
    "build-script/src",
    "loader/src",
    "wasi/src",
    "wast/src",
    "capi/src",
];

const FORBIDDEN: &[Forbidden] = &[
    Forbidden {
        files: &["compiler/src"],
        words: &["wootz::", "wootz_wasi", "wootz_runtime::vm"],
        except: &[],
        why: "what travels from compiler to loader is a file",
    },
    Forbidden {
        files: &["runtime-lib/src/abi"],
        words: &["std::", "crate::vm", "libc", "anyhow"],
        except: &[],
        why: "the abi knows nothing but itself",
    },
    Forbidden {
        files: &["runtime-lib/src", "loader/src"],
        words: &[
            "cranelift_codegen",
            "cranelift_frontend",
            "cranelift_native",
            "wasmparser",
            "gimli",
        ],
        except: &[],
        why: "the loader contains no compiler",
    },
    Forbidden {
        files: &["compiler/src/parse"],
        words: &["cranelift"],
        except: &[],
        why: "parsing does not know what becomes of a module",
    },
    Forbidden {
        files: &["compiler/src/codegen", "compiler/src/object", "compiler/src/link"],
        words: &["wasmparser"],
        except: &[],
        why: "behind translation there is no wasm",
    },
    Forbidden {
        files: &["compiler/src/debug"],
        words: &["translate"],
        except: &[],
        why: "debug information is made of what all functions left, not of how they were translated",
    },
    Forbidden {
        files: LIBRARIES,
        words: &[
            "libc::",
            "rustix::",
            "std::os::",
            "cfg(target_os",
            "cfg(unix",
            "cfg(windows",
            "asm!",
        ],
        except: &[
            "runtime-lib/src/vm/sys",
            "loader/src/artifact",
            "loader/src/profiling.rs",
            "wasi/src/host",
            "capi/src/text.rs",
        ],
        why: "the operating system is in rooms of its own",
    },
    Forbidden {
        files: LIBRARIES,
        words: &[
            "println!",
            "print!",
            "eprintln!",
            "eprint!",
            "dbg!",
            "io::stdout",
            "io::stderr",
            "io::stdin",
        ],
        // WASI hands on what the embedder has asked for, through one room, and build scripts talk to Cargo through one.
        except: &["wasi/src/host", "build-script/src/cargo.rs"],
        why: "a library does not talk",
    },
    Forbidden {
        files: LIBRARIES,
        words: &["Instant", "SystemTime"],
        // The cache has to know which of its files were used last, and the system is told; guests wait for so long and no
        // longer.
        except: &[
            "wasi/src/host",
            "loader/src/cache/directory.rs",
            "runtime-lib/src/vm/parker.rs",
            "runtime-lib/src/vm/sys/unix.rs",
            "runtime-lib/src/vm/sys/windows/files.rs",
        ],
        why: "a library does not look at the clock",
    },
    Forbidden {
        files: LIBRARIES,
        words: &[
            "env::var",
            "env::var_os",
            "env::vars",
            "env::vars_os",
            "env::args",
            "env::args_os",
            "env::current_dir",
            "env::temp_dir",
            "env::home_dir",
            "etcetera",
        ],
        // WASI hands on what the embedder has asked for, through one room. The cache has to find the user's directories.
        // Profilers want files where temporary files are, and so does a system that loads libraries only from files. One
        // variable of wasmtime's is looked at, if the embedder asks for it. Cargo talks to build scripts by variables.
        except: &[
            "wasi/src/host",
            "build-script/src/cargo.rs",
            "loader/src/cache/config.rs",
            "loader/src/profiling.rs",
            "runtime-lib/src/vm/sys/macos",
            "runtime-lib/src/vm/sys/windows/files.rs",
            "loader/src/environment.rs",
        ],
        why: "a library does not look at the environment",
    },
    Forbidden {
        files: &["cli/src/runner", "cli/src/program", "cli/src/guest"],
        words: &["wootz_compiler", "clap", "Engine::new", "Engine::default", "Module::new"],
        except: &[],
        why: "a runner of programs contains no compiler",
    },
    Forbidden {
        files: &[
            "compiler/src",
            "bindgen/src",
            "build-script/src",
            "wasi/src",
            "runtime-lib/src/abi",
        ],
        words: &["unsafe"],
        // They name the types of functions whose callers must promise something.
        except: &["runtime-lib/src/abi/vmctx.rs", "runtime-lib/src/abi/c_interface.rs"],
        why: "unsafe code stays in the runtime and the loader",
    },
];

#[test]
fn rooms_import_only_rooms_above_them() {
    let mut wrong = Vec::new();
    for &(folder, first, path) in HOUSES {
        let folder = root().join(folder);
        let house = House::read(&folder, first);
        assert!(!house.rooms.is_empty(), "{}: no rooms", folder.display());
        for (position, room) in house.rooms.iter().enumerate() {
            for file in files_of(&folder, room) {
                // From a room's first file, `super` is the house.
                let top =
                    file.parent() == Some(&folder) || file == folder.join(room).join("mod.rs");
                let text = source(&file);
                let mut used = used_behind(&text, &format!("{path}::"));
                if top {
                    used.extend(used_behind(&text, "super::"));
                }
                for name in used {
                    let Some(target) = house.room_of(&name) else {
                        wrong.push(format!("{}: `{path}::{name}` is in no room", shown(&file)));
                        continue;
                    };
                    if target > position {
                        wrong.push(format!(
                            "{}: `{room}` imports `{}` from below",
                            shown(&file),
                            house.rooms[target]
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn no_room_knows_what_it_must_not() {
    let mut wrong = Vec::new();
    for Forbidden { files, words, except, why } in FORBIDDEN {
        let starts_with = |file: &Path, list: &[&str]| {
            let file = shown(file);
            list.iter().any(|start| file.starts_with(start))
        };
        for file in files.iter().flat_map(|start| beginning_with(&root().join(start))) {
            if starts_with(&file, except) {
                continue;
            }
            let text = source(&file);
            for word in words.iter().filter(|word| contains_word(&text, word)) {
                wrong.push(format!("{}: `{word}`, but {why}", shown(&file)));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn compiler_and_abi_depend_on_what_they_may() {
    for (package, forbidden) in [
        ("wootz-compiler", &["wootz ", "wootz-wasi ", "libc ", "libloading "][..]),
        ("wootz-runtime", &["wootz-compiler ", "wootz ", "cranelift", "wasmparser", "libc "]),
    ] {
        let tree = tree(&["-p", package, "--depth", "1"]);
        for name in forbidden {
            assert!(
                !tree.lines().skip(1).any(|line| line.starts_with(name)),
                "{package} depends on {name}:\n{tree}"
            );
        }
    }
}

#[test]
fn the_loader_stays_thin() {
    let tree = tree(&["-p", "wootz", "--no-default-features"]);
    let names: BTreeSet<&str> =
        tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let found: String = names.iter().map(|name| format!("{name}\n")).collect();
    let golden = root().join("tests/golden/loader-crates.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&golden, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    let difference = difference(&expected, &found);
    assert!(difference.is_empty(), "the crates of the loader, `{}`: {difference}", shown(&golden));
}

/// What C programs are linked with is for running modules.
#[test]
fn the_c_library_contains_no_compiler() {
    let tree = tree(&["-p", "wootz-c-api"]);
    for name in ["wootz-compiler ", "cranelift", "wasmparser ", "wat "] {
        assert!(!tree.lines().any(|line| line.starts_with(name)), "libwootz has {name}:\n{tree}");
    }
    assert!(tree.lines().any(|line| line.starts_with("wootz-wasi ")), "{tree}");
}

/// The crates below some packages, one a line: a name, a version and a place.
fn tree(arguments: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = "x86_64-unknown-linux-gnu";
    run(Command::new(cargo)
        .current_dir(root())
        .args([
            "--quiet", "tree", "--locked", "--edges", "normal", "--prefix", "none", "--target",
            target,
        ])
        .args(arguments))
}

/// The rooms of a folder in their order, and the names that it gives to things in them.
struct House {
    rooms: Vec<String>,
    /// Names at the house's top, and the room that each comes from: what is exported from there, and macros.
    names: Vec<(String, usize)>,
}

impl House {
    fn read(folder: &Path, first: &str) -> House {
        let text = source(&folder.join(first));
        let mut rooms: Vec<String> = Vec::new();
        for line in text.lines() {
            let declared = line
                .trim_start_matches("pub(crate) ")
                .trim_start_matches("pub ")
                .strip_prefix("mod ");
            rooms.extend(declared.and_then(|rest| rest.strip_suffix(';')).map(str::to_string));
        }
        let mut names = Vec::new();
        for (position, room) in rooms.iter().enumerate() {
            let exported = used_behind(&text, &format!("pub use {room}::"));
            let macros = files_of(folder, room)
                .into_iter()
                .flat_map(|file| used_behind(&source(&file), "macro_rules! "));
            names.extend(exported.into_iter().chain(macros).map(|name| (name, position)));
        }
        House { rooms, names }
    }

    /// The room that a name at the house's top stands for. What the first file itself defines may be used everywhere:
    /// only constants are there.
    fn room_of(&self, name: &str) -> Option<usize> {
        let constant =
            name.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit());
        let exported = || self.names.iter().find(|(known, _)| known == name).map(|(_, room)| *room);
        self.rooms.iter().position(|room| room == name).or_else(exported).or(constant.then_some(0))
    }
}

/// The files of a room.
fn files_of(folder: &Path, room: &str) -> Vec<PathBuf> {
    let mut files = beginning_with(&folder.join(room));
    files.extend(Some(folder.join(format!("{room}.rs"))).filter(|file| file.exists()));
    files
}

/// The Rust files that a path stands for: a folder, a file, or a file without its extension.
fn beginning_with(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_path_buf()];
    }
    let mut files = Vec::new();
    let file = path.with_extension("rs");
    if file.is_file() {
        files.push(file);
    }
    for entry in std::fs::read_dir(path).into_iter().flatten() {
        let path = entry.unwrap().path();
        let is_test = path.file_name().is_some_and(|name| name == "tests.rs" || name == "tests");
        if path.is_dir() && !is_test {
            files.extend(beginning_with(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
            files.push(path);
        }
    }
    files.sort();
    files.dedup();
    files
}

fn shown(file: &Path) -> String {
    file.strip_prefix(root()).unwrap_or(file).display().to_string()
}

/// The names that follow a path, one by one or in braces.
fn used_behind(text: &str, path: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices(path) {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || "_:$".contains(c)) {
            continue;
        }
        let rest = &text[at + path.len()..];
        match rest.strip_prefix('{') {
            None => names.insert(identifier(rest)),
            Some(list) => {
                let mut depth = 0;
                let mut start = true;
                for (at, c) in list.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if start && !c.is_whitespace() => {
                            names.insert(identifier(&list[at..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
                true
            }
        };
    }
    names.remove("");
    names.remove("self");
    names
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn contains_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let ends_open = word.ends_with(|c: char| !is_part(c)) || word.ends_with("cranelift");
        !before.is_some_and(|c| is_part(c) || c == '$')
            && (ends_open || !after.is_some_and(is_part))
    })
}

/// The text of a Rust file without comments, the contents of strings, and unit tests.
fn source(file: &Path) -> String {
    let text =
        std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let code = without_comments_and_strings(&text);
    match code.find("#[cfg(test)]\nmod tests {") {
        Some(tests) => code[..tests].to_string(),
        None => code,
    }
}

fn without_comments_and_strings(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(hashes) = raw_string(rest) {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = 2 + hashes;
            rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len())
        } else if c == '"' {
            let mut escaped = false;
            let end = rest[1..].char_indices().find(|&(_, c)| {
                let is_end = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                is_end
            });
            end.map_or(rest.len(), |(at, _)| at + 2)
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\\"'") {
            rest[1..].find('\'').map_or(1, |end| end + 2)
        } else {
            0
        };
        if skipped == 0 {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            rest = &rest[skipped..];
        }
    }
    code
}

/// How many hashes a raw string begins with.
fn raw_string(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('r')?;
    let hashes = rest.bytes().take_while(|&b| b == b'#').count();
    rest[hashes..].starts_with('"').then_some(hashes)
}

#[test]
fn the_reader_of_source_text_reads_it() {
    let text = "use crate::a::{B, c::{D, E}}; // crate::z\nlet s = \"crate::y\\\" crate::x\"; crate::f(r#\"crate::w\"#); '\"'";
    let code = without_comments_and_strings(text);
    assert_eq!(used_behind(&code, "crate::"), ["a", "f"].map(String::from).into());
    assert_eq!(
        used_behind("use crate::{a::{b, c}, self, d as e};", "crate::"),
        ["a", "d"].map(String::from).into()
    );
    assert_eq!(used_behind("$crate::a; my_crate::b", "crate::"), BTreeSet::new());
    assert!(contains_word("a println!()", "println!") && !contains_word("eprintln!()", "println!"));
    assert!(
        contains_word("cranelift_codegen", "cranelift") && !contains_word("unsafe_code", "unsafe")
    );
}
