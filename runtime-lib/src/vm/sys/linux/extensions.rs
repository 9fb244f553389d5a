//! The extensions of a RISC-V processor, as the kernel tells them: those of one letter as bits, the others in the text
//! `/proc/cpuinfo`, in a line like `isa: rv64imafdcv_zicsr_zba_zbb`. The code generator looks there too, when it compiles for
//! this machine.
//!
//! Source: `Documentation/arch/riscv/uabi.rst` of the kernel.

use std::sync::OnceLock;

/// Whether the processor has an extension, and the system lets programs use it. An unknown one it does not have.
pub fn has_extension(name: &str) -> bool {
    if let &[letter @ b'a'..=b'z'] = name.as_bytes() {
        // SAFETY: getauxval has no preconditions.
        let letters = unsafe { libc::getauxval(libc::AT_HWCAP) };
        return letters >> (letter - b'a') & 1 != 0;
    }
    // Vectors have at least so many bits.
    if ["zvl32b", "zvl64b", "zvl128b"].contains(&name) {
        return has_extension("v");
    }
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        named_extensions(&std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default())
    });
    names.iter().any(|known| known == name)
}

/// The extensions of more than one letter in the text; there is a line for each processor, all of them alike.
fn named_extensions(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let isa = lines.into_iter().find(|(field, _)| field.trim() == "isa").map(|(_, value)| value);
    isa.into_iter().flat_map(|isa| isa.trim().split('_').skip(1)).map(str::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_machine_that_runs_linux_has_some() {
        assert!(["m", "a", "f", "d", "c"].into_iter().all(has_extension));
        assert!(!has_extension("warp_drive") && !has_extension("") && !has_extension("M"));
    }

    #[test]
    fn names_are_found_in_the_text() {
        let text =
            "processor\t: 0\nhart isa\t: rv64i_zfa\nisa\t\t: rv64imafdc_zicsr_zba\nmmu\t: sv48\n";
        assert_eq!(named_extensions(text), ["zicsr", "zba"]);
        assert!(named_extensions("model name : something else").is_empty());
    }
}
