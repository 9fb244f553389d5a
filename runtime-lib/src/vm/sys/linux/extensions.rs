//! The extensions of a RISC-V processor, as the kernel tells them: by the system call `riscv_hwprobe` since Linux 6.4, and
//! by one bit for each extension of one letter before.
//!
//! Source: `Documentation/arch/riscv/hwprobe.rst` and `uabi.rst` of the kernel.

const RISCV_HWPROBE: libc::c_long = 258;
/// Which extensions there are beside I, M and A.
const KEY_EXTENSIONS: i64 = 4;

/// The extensions by name, and their bits in the answer.
const PROBED: &[(&str, u32)] = &[
    ("zba", 3),
    ("zbb", 4),
    ("zbs", 5),
    ("zbc", 7),
    ("zbkb", 8),
    ("zvbb", 17),
    ("zfh", 27),
    ("zfhmin", 28),
    ("zvfh", 30),
    ("zfa", 32),
    ("zicond", 35),
    ("zcb", 44),
];

#[repr(C)]
struct Pair {
    key: i64,
    value: u64,
}

/// Whether the processor has an extension, and the system lets programs use it. An unknown one it does not have.
pub fn has_extension(name: &str) -> bool {
    // SAFETY: getauxval has no preconditions.
    let letters = unsafe { libc::getauxval(libc::AT_HWCAP) };
    if let &[letter @ b'a'..=b'z'] = name.as_bytes() {
        return letters >> (letter - b'a') & 1 != 0;
    }
    // Vectors have at least so many bits.
    if ["zvl32b", "zvl64b", "zvl128b"].contains(&name) {
        return has_extension("v");
    }
    let Some(&(_, bit)) = PROBED.iter().find(|(known, _)| *known == name) else { return false };
    let mut pair = Pair { key: KEY_EXTENSIONS, value: 0 };
    let no_processors = std::ptr::null::<libc::c_void>();
    // SAFETY: there is one pair, which the kernel fills in; no processors means all.
    let result =
        unsafe { libc::syscall(RISCV_HWPROBE, &raw mut pair, 1usize, 0usize, no_processors, 0) };
    result == 0 && pair.key == KEY_EXTENSIONS && pair.value >> bit & 1 != 0
}

#[cfg(test)]
mod tests {
    use super::has_extension;

    #[test]
    fn every_machine_that_runs_linux_has_some() {
        assert!(["m", "a", "f", "d", "c"].into_iter().all(has_extension));
        assert!(!has_extension("warp_drive") && !has_extension("") && !has_extension("M"));
    }
}
