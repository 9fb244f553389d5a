//! Tells the compiler what it is made of.
//!
//! In: the sources of this crate, and of the interface it shares with the loader if they are beside it. Out: the
//! environment variable `WOOTZ_SOURCES` for the compilation of this crate, which is different when any of them is. It is
//! in `src/fingerprint.rs`: while the compiler is being worked on, its version says too little.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

fn main() {
    let mut hasher = DefaultHasher::new();
    for folder in ["src", "../runtime-lib/src/abi"] {
        if Path::new(folder).exists() {
            println!("cargo::rerun-if-changed={folder}");
        }
        let mut files = Vec::new();
        collect(Path::new(folder), &mut files);
        files.sort();
        for file in files {
            file.hash(&mut hasher);
            std::fs::read(&file).expect("sources can be read").hash(&mut hasher);
        }
    }
    println!("cargo::rustc-env=WOOTZ_SOURCES={:016x}", hasher.finish());
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("sources can be listed").path();
        match path.is_dir() {
            true => collect(&path, files),
            false => files.push(path),
        }
    }
}
