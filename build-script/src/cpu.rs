//! The CPU features that the compiler has a use for, by the names that Rust and other compilers have for them.
//!
//! Always true: what is not named here has no influence on the code, and is left out.

/// Those of some features that the compiler knows.
pub fn features<'a>(architecture: &str, names: &'a [String]) -> impl Iterator<Item = &'a str> {
    let known = known(architecture);
    names.iter().map(String::as_str).filter(|name| known.contains(name))
}

fn known(architecture: &str) -> &'static [&'static str] {
    match architecture {
        "x86_64" => X86_64,
        "aarch64" => AARCH64,
        "riscv64" => RISCV64,
        "s390x" => S390X,
        _ => &[],
    }
}

const X86_64: &[&str] = &[
    "sse3",
    "ssse3",
    "sse4.1",
    "sse4.2",
    "cmpxchg16b",
    "popcnt",
    "lzcnt",
    "bmi1",
    "bmi2",
    "fma",
    "avx",
    "avx2",
    "avxvnni",
    "avx512f",
    "avx512vl",
    "avx512dq",
    "avx512bitalg",
    "avx512vbmi",
    "avx512vnni",
];

const AARCH64: &[&str] = &["lse", "fp16", "dotprod", "i8mm"];

const RISCV64: &[&str] = &[
    "c", "v", "zca", "zcb", "zcd", "zfa", "zfh", "zfhmin", "zvfh", "zvbb", "zba", "zbb", "zbc",
    "zbkb", "zbs", "zicond",
];

const S390X: &[&str] = &[
    "miscellaneous-extensions-3",
    "miscellaneous-extensions-4",
    "vector-enhancements-2",
    "vector-enhancements-3",
];

#[cfg(test)]
mod tests {
    use wootz_compiler::{CpuFeature, Options};

    use super::*;

    #[test]
    fn unknown_names_are_left_out() {
        let names = ["fxsr", "sse4.1", "avx2", "warp", ""].map(String::from);
        assert!(features("x86_64", &names).eq(["sse4.1", "avx2"]));
        assert_eq!(features("wasm32", &names).count(), 0);
    }

    #[test]
    fn the_compiler_knows_all_of_them() {
        for (architecture, target) in [
            ("x86_64", "x86_64-unknown-linux-gnu"),
            ("aarch64", "aarch64-unknown-linux-gnu"),
            ("riscv64", "riscv64gc-unknown-linux-gnu"),
            ("s390x", "s390x-unknown-linux-gnu"),
        ] {
            for &name in known(architecture) {
                let feature = CpuFeature { name: name.to_string(), enabled: true };
                let options = Options {
                    target: Some(target.to_string()),
                    cpu_features: vec![feature],
                    ..Options::default()
                };
                let compiled = wootz_compiler::interface(b"\0asm\x01\0\0\0", &options);
                assert!(compiled.is_ok(), "{architecture}: {name}: {compiled:?}");
            }
        }
    }
}
