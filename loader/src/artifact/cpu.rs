//! What this machine's processor has, by the names that artifacts use: those of the code generator's settings.

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

/// No feature is known.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const KNOWN: &[&str] = &[];

/// Whether the processor has a feature. Only the base of the architecture can be relied on here.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub fn has(_name: &str) -> bool {
    false
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
