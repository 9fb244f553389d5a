//! What is to be measured.
//!
//! In: the command line. Out: which rooms to enter, which kernels and programs to run there, how often, where files are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// What `--help` prints.
pub const HELP: &str = "\
Compares Wootz with wasmtime, native programs and, if they are in the path, node (V8) and wasm2c.

usage: wootz-benches [OPTION...] [ROOM...] [NAME...]

Rooms, all of them unless some are named:
  kernels    how fast compiled code runs: small programs of kernels/list.txt
  programs   the same for whole programs on WASI: programs/list.txt
  overhead   what fuel and epochs cost: the same code with and without them
  compile    compile time, peak memory and artifact size of modules over 300 KB
  micro      what the runtime does: calls, traps, growth, instances, loading

Names choose kernels and programs, of `kernels` and `programs` unless rooms are named.

Options:
  --quick        3 rounds instead of 7, and 1 compilation instead of 3
  --rounds N     N rounds
  --help         this text

Ratios are of times of Wootz by those of the other side: below 1, Wootz is ahead. Figures go to results/latest.json, a picture
of them to results/latest.svg.

$WOOTZ_PROGRAMS is where `make -C tests/programs` has put the whole programs, if not in target/programs.
";

/// The rooms of the house.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Room {
    Kernels,
    Programs,
    Overhead,
    Compile,
    Micro,
}

impl Room {
    const ALL: [(&str, Room); 5] = [
        ("kernels", Room::Kernels),
        ("programs", Room::Programs),
        ("overhead", Room::Overhead),
        ("compile", Room::Compile),
        ("micro", Room::Micro),
    ];
}

/// What the command line says.
pub struct Choice {
    rooms: Vec<Room>,
    names: Vec<String>,
    /// How often each side runs.
    pub rounds: usize,
    /// How often each side compiles.
    pub compilations: usize,
    pub folders: Folders,
}

/// Where things are.
pub struct Folders {
    /// The benchmark house.
    pub house: PathBuf,
    /// What kernels/build.sh makes.
    pub kernels: PathBuf,
    /// What the Makefile in tests/programs makes.
    pub programs: PathBuf,
}

impl Choice {
    /// None if help is asked for.
    pub fn of(arguments: impl Iterator<Item = String>) -> Result<Option<Choice>> {
        let house = Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf();
        let target = house.join("../target");
        let programs = std::env::var_os("WOOTZ_PROGRAMS")
            .map_or_else(|| target.join("programs"), PathBuf::from);
        let folders = Folders { house, kernels: target.join("kernels"), programs };
        let mut choice =
            Choice { rooms: Vec::new(), names: Vec::new(), rounds: 7, compilations: 3, folders };
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--help" | "-h" => return Ok(None),
                "--quick" => (choice.rounds, choice.compilations) = (3, 1),
                "--rounds" => {
                    let number = arguments.next().context("--rounds needs a number")?;
                    choice.rounds = number
                        .parse()
                        .ok()
                        .filter(|rounds| *rounds > 0)
                        .context("--rounds needs a number")?;
                }
                option if option.starts_with('-') => {
                    anyhow::bail!("there is no option {option}; --help lists them")
                }
                word => match Room::ALL.iter().find(|(name, _)| *name == word) {
                    Some((_, room)) => choice.rooms.push(*room),
                    None => choice.names.push(argument),
                },
            }
        }
        if choice.rooms.is_empty() && !choice.names.is_empty() {
            choice.rooms = vec![Room::Kernels, Room::Programs];
        }
        Ok(Some(choice))
    }

    /// Whether something is to be done in this room.
    pub fn enters(&self, room: Room) -> bool {
        self.rooms.is_empty() || self.rooms.contains(&room)
    }

    /// Whether this kernel or program is to be run.
    pub fn includes(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|chosen| chosen == name)
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }
}
