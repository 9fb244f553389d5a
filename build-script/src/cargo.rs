//! What Cargo says, and what is said to it: the only room that looks at the environment, and at standard output.
//!
//! In: environment variables of build scripts. Out: what they mean; and lines that tell Cargo what to link, and when to run
//! the script again.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result, bail};
use wootz_compiler::OptLevel;

/// What Cargo says about the crate whose build script this is.
#[derive(Clone, Debug)]
pub struct Cargo {
    /// Where files may be written.
    pub out_dir: PathBuf,
    /// Where the crate is.
    pub manifest_dir: PathBuf,
    /// The crate's name and version.
    pub package: (String, String),
    /// The machine that the program is for.
    pub target: String,
    /// Its kind of processor, as Rust calls it.
    pub architecture: String,
    /// What its processors can do, as Rust calls it.
    pub features: Vec<String>,
    /// Whether libraries are named as Microsoft's tools expect it.
    pub is_msvc: bool,
    /// How much to optimise.
    pub opt_level: OptLevel,
    /// Whether there is to be debug information.
    pub debug: bool,
    /// How many threads may be used.
    pub jobs: Option<usize>,
}

impl Cargo {
    /// What this process was told.
    pub fn of_environment() -> Result<Cargo> {
        Cargo::new(|name| std::env::var_os(name))
    }

    /// What some variables say.
    pub fn new(get: impl Fn(&str) -> Option<OsString>) -> Result<Cargo> {
        let wanted = |name: &str| {
            let missing = || {
                format!(
                    "`{name}` is not set: `wootz_build` is for build scripts (build.rs), which Cargo runs"
                )
            };
            get(name).filter(|value| !value.is_empty()).with_context(missing)
        };
        let text = |name: &str| {
            let value = wanted(name)?;
            let value = value.into_string();
            value.map_err(|value| anyhow::anyhow!("`{name}` is {value:?}, which is no text"))
        };
        let optional =
            |name: &str| get(name).and_then(|value| value.into_string().ok()).unwrap_or_default();
        Ok(Cargo {
            out_dir: wanted("OUT_DIR")?.into(),
            manifest_dir: wanted("CARGO_MANIFEST_DIR")?.into(),
            package: (text("CARGO_PKG_NAME")?, text("CARGO_PKG_VERSION")?),
            target: text("TARGET")?,
            architecture: text("CARGO_CFG_TARGET_ARCH")?,
            features: optional("CARGO_CFG_TARGET_FEATURE").split(',').map(str::to_string).collect(),
            is_msvc: optional("CARGO_CFG_TARGET_ENV") == "msvc",
            opt_level: opt_level(&text("OPT_LEVEL")?)?,
            debug: !matches!(optional("DEBUG").as_str(), "" | "0" | "false" | "none"),
            jobs: optional("NUM_JOBS").parse().ok().filter(|&jobs| jobs > 0),
        })
    }

    /// Whether somebody may want to look at the program with a debugger that reads what is written here: it has debug
    /// information and is not optimised, and the debugger is not Microsoft's.
    pub fn is_debugged(&self) -> bool {
        self.debug && self.opt_level == OptLevel::None && !self.is_msvc
    }

    /// The name of the file for a library that is linked by this name.
    pub fn library_file(&self, library: &str) -> String {
        match self.is_msvc {
            true => format!("{library}.lib"),
            false => format!("lib{library}.a"),
        }
    }

    /// What Cargo is to do: link a library of `OUT_DIR`, and run the script again when the source changes.
    pub fn directives(&self, library: &str, source: &Path) -> String {
        format!(
            "cargo:rerun-if-changed={}\ncargo:rustc-link-search=native={}\ncargo:rustc-link-lib=static={library}\n",
            source.display(),
            self.out_dir.display()
        )
    }
}

fn opt_level(name: &str) -> Result<OptLevel> {
    Ok(match name {
        "0" => OptLevel::None,
        "1" | "2" | "3" => OptLevel::Speed,
        "s" | "z" => OptLevel::SpeedAndSize,
        _ => bail!("`OPT_LEVEL` is `{name}`; expected 0, 1, 2, 3, s or z"),
    })
}

/// Says something to Cargo.
pub fn tell(directives: &str) {
    print!("{directives}");
}

/// Reserves the name of a module in this build script.
///
/// # Errors
/// If there is one of this name already: both would be in the same file.
pub fn reserve(name: &str) -> Result<()> {
    static NAMES: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if !names.insert(name.to_string()) {
        bail!(
            "this build script compiles two modules of the name `{name}`: give one another with `Builder::name`"
        );
    }
    Ok(())
}
