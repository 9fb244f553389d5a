//! `--max-memory`: how large memories may become.
//!
//! In: requests to make memories and to let them grow. Out: yes or no. A guest that may not grow a memory learns of it as the
//! specification says; one that could not even begin was refused, which is remembered for the message.

use bytesize::ByteSize;
use wootz::ResourceLimiter;

/// What a guest may use.
#[derive(Default, Debug)]
pub struct Limits {
    memory: Option<ByteSize>,
    refused: Option<ByteSize>,
}

/// A number of bytes, with a unit or without.
///
/// # Errors
/// If it is anything else.
pub fn size(text: &str) -> Result<ByteSize, &'static str> {
    text.parse().map_err(|_| {
        "expected a number of bytes, or one with a unit such as 64MiB (of 1024) or 64MB (of 1000)"
    })
}

impl Limits {
    /// Each memory may have so many bytes; any number if nothing is said.
    pub fn new(memory: Option<ByteSize>) -> Limits {
        Limits { memory, refused: None }
    }

    /// What was wrong with the size of a memory that was to be made.
    pub fn refusal(&self) -> Option<String> {
        let (limit, refused) = (self.memory?, self.refused?);
        Some(format!(
            "it begins with a memory of {refused}, and `--max-memory` allows {limit} ({} and {} bytes)",
            refused.as_u64(),
            limit.as_u64()
        ))
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wootz::Result<bool> {
        let desired = ByteSize::b(desired as u64);
        let allowed = self.memory.is_none_or(|limit| desired <= limit);
        if !allowed && current == 0 {
            self.refused = Some(desired);
        }
        Ok(allowed)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wootz::Result<bool> {
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("0", 0),
            ("65536", 1 << 16),
            ("64KiB", 1 << 16),
            ("64 KiB", 1 << 16),
            ("64kb", 64_000),
            ("1GB", 1_000_000_000),
            ("1.5GiB", 3 << 29),
        ] {
            assert_eq!(size(text), Ok(ByteSize::b(bytes)), "{text}");
        }
        for wrong in ["", "x", "-1", "5Q", "MiB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
