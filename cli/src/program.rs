//! A program of its own: a runner that carries a compiled module, and says how to run it.
//!
//! In: a runner and an artifact, when the program is made; a file, when it runs. Out: the program; the artifact and its
//! [`Settings`]. Both sides find each other by the names of two sections, which is all that they have to agree on.
//!
//! Always true: a program is a complete file of its format. Tools list the sections, take them out, and leave them in when
//! they remove symbols.

use serde::{Deserialize, Serialize};
use wootz_runtime::abi::ABI_VERSION;

/// A runner and an artifact to a program.
mod write;
/// A program to the artifact that it carries.
mod read;

pub use read::{Carried, Machine, artifact};
pub use write::write;

/// The section with the artifact: a whole shared library.
pub const MODULE_SECTION: &str = ".wootz.module";

/// The section with the settings, in JSON.
pub const SETTINGS_SECTION: &str = ".wootz.run";

/// The name of the runner that is installed beside `wootz`.
pub const RUNNER: &str = "wootz-runner";

/// The version of the settings. One that an older runner would misread raises it.
const VERSION: u32 = 1;

/// What tells a runner from other programs, and from runners for other settings or for code that they could not load: words
/// that it contains.
///
/// They are put together here, so that `wootz` itself does not contain them.
pub fn runner_mark() -> String {
    format!("{RUNNER} with settings of version {VERSION} for code of version {ABI_VERSION}")
}

/// How a program runs its module.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What the rest means.
    version: u32,
    /// Directories, as `--dir` has them.
    pub directories: Vec<String>,
    /// Variables, as `--env` has them.
    pub environment: Vec<String>,
    /// Whether the guest gets all variables that the program gets.
    pub inherit_environment: bool,
    /// Whether the program has flags of its own. If not, all arguments are the guest's.
    pub flags: bool,
    /// The address space that the code relies on for each memory.
    pub memory_reservation: u64,
    /// The address space behind it that always faults.
    pub memory_guard: u64,
}

/// The version alone, which says what else there may be.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Settings {
    /// Settings that give a guest nothing, for code that relies on so much address space.
    pub fn new(memory_reservation: u64, memory_guard: u64) -> Settings {
        Settings {
            version: VERSION,
            directories: Vec::new(),
            environment: Vec::new(),
            inherit_environment: false,
            flags: true,
            memory_reservation,
            memory_guard,
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("they are numbers, truths and strings");
        bytes.push(b'\n');
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> anyhow::Result<Settings> {
        let Version { version } = serde_json::from_slice(bytes)?;
        anyhow::ensure!(
            version == VERSION,
            "they have version {version}, and this runner knows version {VERSION}: make the program with the runner of the \
             same release as `wootz`"
        );
        Ok(serde_json::from_slice(bytes)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_and_other_versions_are_named() {
        let mut settings = Settings::new(4 << 30, 32 << 20);
        settings.directories.push("data::/:ro".to_string());
        settings.environment.push("A=\"ä\"\n".to_string());
        assert_eq!(Settings::from_bytes(&settings.to_bytes()).unwrap(), settings);
        let text = String::from_utf8(settings.to_bytes()).unwrap();
        // Whatever else a later version may have.
        let later = text.replace("\"version\":1", "\"version\":2,\"more\":[]");
        let error = Settings::from_bytes(later.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("version 2") && error.contains("version 1"), "{error}");
        for wrong in ["", "{}", "[1]", &text.replace("flags", "flag"), &text[1..]] {
            assert!(Settings::from_bytes(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
