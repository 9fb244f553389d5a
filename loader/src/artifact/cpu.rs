//! What this machine's processor has, by the names that artifacts use: those of the code generator's settings.

#[cfg(not(target_arch = "riscv64"))]
macro_rules! features {
    ($detected:ident: $($name:literal $($feature:tt)&+,)*) => {
        /// The features that may be asked for.
        const KNOWN: &[&str] = &[$($name),*];

        /// Whether the processor has a feature. An unknown feature it does not have.
        pub fn has(name: &str) -> bool {
            match name {
                $($name => true $(&& std::arch::$detected!($feature))+,)*
                _ => false,
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
features! { is_x86_feature_detected:
    "has_sse3" "sse3",
    "has_ssse3" "ssse3",
    "has_cmpxchg16b" "cmpxchg16b",
    "has_sse41" "sse4.1",
    "has_sse42" "sse4.2",
    "has_avx" "avx",
    "has_avx2" "avx2",
    "has_fma" "fma",
    "has_popcnt" "popcnt",
    "has_bmi1" "bmi1",
    "has_bmi2" "bmi2",
    "has_lzcnt" "lzcnt",
    "has_avx512bitalg" "avx512bitalg",
    "has_avx512dq" "avx512dq",
    "has_avx512f" "avx512f",
    "has_avx512vbmi" "avx512vbmi",
    "has_avx512vl" "avx512vl",
    "has_avx512vnni" "avx512vnni",
    "has_avx_vnni" "avxvnni",
}

#[cfg(target_arch = "aarch64")]
features! { is_aarch64_feature_detected:
    "has_lse" "lse",
    "has_pauth" "paca" & "pacg",
    "has_fp16" "fp16",
    "has_dotprod" "dotprod",
    "has_i8mm" "i8mm",
}

#[cfg(target_arch = "s390x")]
features! { is_s390x_feature_detected:
    "has_mie3" "miscellaneous-extensions-3",
    "has_mie4" "miscellaneous-extensions-4",
    "has_vxrs_ext2" "vector-enhancements-2",
    "has_vxrs_ext3" "vector-enhancements-3",
}

/// The features that may be asked for.
#[cfg(target_arch = "riscv64")]
const KNOWN: &[&str] = &[
    "has_v",
    "has_zba",
    "has_zbb",
    "has_zbc",
    "has_zbkb",
    "has_zbs",
    "has_zcb",
    "has_zfa",
    "has_zfh",
    "has_zfhmin",
    "has_zicond",
    "has_zvbb",
    "has_zvfh",
    "has_zvl128b",
    "has_zvl32b",
    "has_zvl64b",
];

/// Whether the processor has a feature. An unknown feature it does not have.
#[cfg(target_arch = "riscv64")]
pub fn has(name: &str) -> bool {
    name.strip_prefix("has_").is_some_and(wootz_runtime::vm::sys::has_extension)
}

/// The features that the processor has.
pub fn features() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().copied().filter(|name| has(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_features_are_missing() {
        assert!(!has("has_warp_drive"));
        assert!(!cfg!(target_arch = "x86_64") || has("has_sse3"));
    }
}
