//! `--env`: variables of the guest's environment.

use std::ffi::OsString;

use wootz_wasi::WasiCtxBuilder;

/// A variable, with a value or with the one that it has here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Variable {
    name: Vec<u8>,
    value: Option<Vec<u8>>,
}

impl Variable {
    /// `NAME=VALUE` or `NAME`.
    ///
    /// # Errors
    /// If there is no name.
    pub fn parse(text: OsString) -> Result<Variable, &'static str> {
        let text = text.into_encoded_bytes();
        let (name, value) = match text.iter().position(|&byte| byte == b'=') {
            Some(at) => (text[..at].to_vec(), Some(text[at + 1..].to_vec())),
            None => (text, None),
        };
        if name.is_empty() {
            return Err("it has no name; expected NAME=VALUE, or NAME for the value it has here");
        }
        Ok(Variable { name, value })
    }

    /// Gives it to a guest. One without a value that has none here either does not exist.
    pub fn set(&self, wasi: &mut WasiCtxBuilder) {
        let inherited = || {
            let mut variables = std::env::vars_os();
            let (_, value) = variables.find(|(name, _)| name.as_encoded_bytes() == self.name)?;
            Some(value.into_encoded_bytes())
        };
        if let Some(value) = self.value.clone().or_else(inherited) {
            wasi.env(&self.name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sign_of_equality_ends_the_name() {
        let variable = |name: &str, value: Option<&str>| {
            Ok(Variable { name: name.into(), value: value.map(Into::into) })
        };
        let parse = |text: &str| Variable::parse(text.into());
        assert_eq!(parse("A=1"), variable("A", Some("1")));
        assert_eq!(parse("A="), variable("A", Some("")));
        assert_eq!(parse("A=b=c"), variable("A", Some("b=c")));
        assert_eq!(parse("A"), variable("A", None));
        for wrong in ["", "=", "=x"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
