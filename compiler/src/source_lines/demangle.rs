//! Names of functions as people read them.
//!
//! In: a name as linkers see it. Out: what the source calls it, if it is the mangled name of a Rust or C++ function.
//!
//! Always true: mangled names are short and may stand for very long ones; one that gets too long stays as it is.

use std::fmt::{self, Write};

/// The longest name that is made.
const MOST_BYTES: usize = 4096;

/// What a mangled name stands for. `None` if it is not one.
pub fn demangle(name: &str) -> Option<String> {
    // All mangled names begin so, some after underscores; most names of C functions do not.
    if !name.trim_start_matches('_').starts_with(['R', 'Z']) || name.len() > MOST_BYTES {
        return None;
    }
    let mut readable = Bounded(String::new());
    let written = match rustc_demangle::try_demangle(name) {
        Ok(symbol) => write!(readable, "{symbol}").is_ok(),
        Err(_) => cpp_demangle::Symbol::new(name).is_ok_and(|symbol| {
            symbol.structured_demangle(&mut readable, &Default::default()).is_ok()
        }),
    };
    (written && readable.0 != name).then_some(readable.0)
}

/// Text that refuses to get too long.
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > MOST_BYTES {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::demangle;

    #[test]
    fn rust_and_cpp_names_become_readable_and_others_stay() {
        for (name, readable) in [
            ("_ZN3geo5Shape4areaEi", "geo::Shape::area(int)"),
            (
                "_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE",
                "core::fmt::Write::write_fmt::h0123456789abcdef",
            ),
            ("_RNvCs4fqI2P2rA04_7example3run", "example[317d481089b8c8fe]::run"),
        ] {
            assert_eq!(demangle(name).as_deref(), Some(readable));
        }
        for name in ["", "_", "main", "_start", "ZSTD_compress", "Run", "_Z", "_ZN", "R", "__R__"] {
            assert_eq!(demangle(name), None, "{name}");
        }
    }

    #[test]
    fn short_names_of_very_long_ones_stay_as_they_are() {
        // Each parameter is a template of the one before, twice.
        let mut name = "1PIiiE".to_string();
        for number in 0..18 {
            let before = char::from_digit(2 * number, 36).unwrap().to_ascii_uppercase();
            name += &format!("1PIS{before}_S{before}_E");
        }
        assert_eq!(demangle(&format!("_Z1f{name}")), None);
    }
}
