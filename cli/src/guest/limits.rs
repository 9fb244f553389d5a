//! `--max-memory`: how large memories and tables may become.
//!
//! In: requests to make memories and tables, and to let them grow. Out: yes or no. A guest that may not grow one learns of it
//! as the specification says; a module that could not even begin was refused, which is remembered for the message.
//!
//! Always true: no memory has more bytes than the limit, and all tables of the store together have no more either.

use bytesize::ByteSize;
use wootz::ResourceLimiter;

/// What an element of a table counts: as much as the largest kind takes, a function.
const ELEMENT_BYTES: u64 = 8;

/// How much memory a guest may use.
#[derive(Default, Debug)]
pub struct Limits {
    size: Option<ByteSize>,
    /// How many bytes all tables have together.
    table_bytes: u64,
    /// How many of them the table has more that was the last to grow.
    last_growth_bytes: u64,
    refused: Option<Refused>,
}

/// What may not be there from the beginning.
#[derive(Clone, Copy, Debug)]
enum Refused {
    Memory(ByteSize),
    Table { elements: usize, all_tables: ByteSize },
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
    /// Each memory may have so many bytes, and all tables together; any number if nothing is said.
    pub fn new(size: Option<ByteSize>) -> Limits {
        Limits { size, ..Limits::default() }
    }

    /// Forgets what was refused: what is refused from here on is another module's.
    pub fn forget(&mut self) {
        self.refused = None;
    }

    /// What was wrong with a memory or table of a module that could not begin. Guests that let an empty one grow in vain look
    /// the same here, so this says something only of modules that have not begun.
    pub fn refusal(&self) -> Option<String> {
        let limit = self.size?;
        let (what, size) = match self.refused? {
            Refused::Memory(size) => (format!("a memory of {size}"), size),
            Refused::Table { elements, all_tables } => (
                format!("a table of {elements} elements, with which all tables have {all_tables}"),
                all_tables,
            ),
        };
        Some(format!(
            "it begins with {what}, and `--max-memory` allows {limit} ({} and {} bytes)",
            size.as_u64(),
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
        let allowed = self.size.is_none_or(|limit| desired <= limit);
        if !allowed && current == 0 {
            self.refused = Some(Refused::Memory(desired));
        }
        Ok(allowed)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wootz::Result<bool> {
        let more = (desired.saturating_sub(current) as u64).saturating_mul(ELEMENT_BYTES);
        let all = self.table_bytes.saturating_add(more);
        let allowed = self.size.is_none_or(|limit| all <= limit.as_u64());
        if allowed {
            (self.table_bytes, self.last_growth_bytes) = (all, more);
        } else if current == 0 {
            let all_tables = ByteSize::b(all);
            self.refused = Some(Refused::Table { elements: desired, all_tables });
        }
        Ok(allowed)
    }

    fn table_grow_failed(&mut self, _: wootz::Error) -> wootz::Result<()> {
        self.table_bytes = self.table_bytes.saturating_sub(self.last_growth_bytes);
        self.last_growth_bytes = 0;
        Ok(())
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

    #[test]
    fn tables_count_together_and_only_as_far_as_they_grew() {
        let mut limits = Limits::new(Some(ByteSize::b(80)));
        assert!(limits.table_growing(0, 4, None).unwrap());
        assert!(!limits.table_growing(0, 7, None).unwrap());
        assert!(limits.table_growing(4, 8, Some(6)).unwrap());
        limits.table_grow_failed(wootz::Error::msg("beyond its maximum")).unwrap();
        assert!(limits.table_growing(0, 6, None).unwrap());
        assert!(!limits.table_growing(6, 7, None).unwrap());
        assert!(!limits.table_growing(6, usize::MAX, None).unwrap());
    }
}
