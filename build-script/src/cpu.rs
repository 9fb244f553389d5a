//! CPU features by Rust's names and by the compiler's.
//!
//! Always true: what the compiler has no use for is not named here, and is left out.

/// The compiler's names of features that have Rust's in a list.
pub fn features(architecture: &str, names: &[String]) -> Vec<&'static str> {
    let known = known(architecture);
    let is_there = |rust: &str| names.iter().any(|name| name == rust);
    known
        .iter()
        .filter(|(rust, _)| is_there(rust))
        .flat_map(|(_, ours)| ours.iter().copied())
        .collect()
}

/// Rust's names, and the compiler's for the same.
type Known = &'static [(&'static str, &'static [&'static str])];

fn known(architecture: &str) -> Known {
    match architecture {
        "x86_64" => X86_64,
        "aarch64" => AARCH64,
        "riscv64" => RISCV64,
        "s390x" => S390X,
        _ => &[],
    }
}

const X86_64: Known = &[
    ("sse3", &["sse3"]),
    ("ssse3", &["ssse3"]),
    ("sse4.1", &["sse41"]),
    ("sse4.2", &["sse42"]),
    ("cmpxchg16b", &["cmpxchg16b"]),
    ("popcnt", &["popcnt"]),
    ("lzcnt", &["lzcnt"]),
    ("bmi1", &["bmi1"]),
    ("bmi2", &["bmi2"]),
    ("fma", &["fma"]),
    ("avx", &["avx"]),
    ("avx2", &["avx2"]),
    ("avxvnni", &["avx_vnni"]),
    ("avx512f", &["avx512f"]),
    ("avx512vl", &["avx512vl"]),
    ("avx512dq", &["avx512dq"]),
    ("avx512bitalg", &["avx512bitalg"]),
    ("avx512vbmi", &["avx512vbmi"]),
    ("avx512vnni", &["avx512vnni"]),
];

const AARCH64: Known =
    &[("lse", &["lse"]), ("fp16", &["fp16"]), ("dotprod", &["dotprod"]), ("i8mm", &["i8mm"])];

const RISCV64: Known = &[
    ("v", &["v"]),
    ("c", &["zca", "zcd"]),
    ("zca", &["zca"]),
    ("zcb", &["zcb"]),
    ("zcd", &["zcd"]),
    ("zfa", &["zfa"]),
    ("zfh", &["zfh"]),
    ("zfhmin", &["zfhmin"]),
    ("zvfh", &["zvfh"]),
    ("zvbb", &["zvbb"]),
    ("zba", &["zba"]),
    ("zbb", &["zbb"]),
    ("zbc", &["zbc"]),
    ("zbkb", &["zbkb"]),
    ("zbs", &["zbs"]),
    ("zicond", &["zicond"]),
];

const S390X: Known = &[
    ("miscellaneous-extensions-3", &["mie3"]),
    ("miscellaneous-extensions-4", &["mie4"]),
    ("vector-enhancements-2", &["vxrs_ext2"]),
    ("vector-enhancements-3", &["vxrs_ext3"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_are_left_out() {
        let names = ["fxsr", "sse4.1", "avx2", "warp"].map(String::from);
        assert_eq!(features("x86_64", &names), ["sse41", "avx2"]);
        assert_eq!(features("riscv64", &["c".to_string(), "m".to_string()]), ["zca", "zcd"]);
        assert!(features("wasm32", &names).is_empty());
        assert!(features("x86_64", &[String::new()]).is_empty());
    }

    #[test]
    fn the_compiler_knows_all_of_them() {
        let names: Vec<String> = X86_64.iter().map(|(rust, _)| rust.to_string()).collect();
        let all = features("x86_64", &names);
        assert_eq!(all.len(), X86_64.len());
        let cpu_features = all
            .into_iter()
            .map(|name| wootz_compiler::CpuFeature { name: name.to_string(), enabled: true });
        let options = wootz_compiler::Options {
            target: Some("x86_64-unknown-linux-gnu".to_string()),
            cpu_features: cpu_features.collect(),
            ..wootz_compiler::Options::default()
        };
        wootz_compiler::compile(b"\0asm\x01\0\0\0", &options).unwrap();
    }
}
