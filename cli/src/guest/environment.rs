//! `--env`: variables of the guest's environment.

use std::ffi::OsString;

use anyhow::{Context, Error, Result};
use wootz_wasi::WasiCtxBuilder;

use crate::text;

/// A variable, with a value or with the one that it has here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Variable {
    name: OsString,
    value: Option<OsString>,
}

impl Variable {
    /// `NAME=VALUE` or `NAME`.
    ///
    /// # Errors
    /// If there is no name, or what there is cannot be given to guests.
    pub fn parse(text: OsString) -> Result<Variable, &'static str> {
        text::for_guests(&text)?;
        let (name, value) = match text::split_once(&text, "=") {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        if name.is_empty() {
            return Err("it has no name; expected NAME=VALUE, or NAME for the value it has here");
        }
        Ok(Variable { name, value })
    }

    /// Gives it to a guest. One without a value that has none here either does not exist.
    ///
    /// # Errors
    /// If the value that it has here cannot be given to guests.
    pub fn set(&self, wasi: &mut WasiCtxBuilder) -> Result<()> {
        let inherited = || std::env::var_os(&self.name);
        if let Some(value) = self.value.clone().or_else(inherited) {
            let value = text::for_guests(&value).map_err(Error::msg);
            let value = value.with_context(|| format!("the variable `{}`", self.name.display()))?;
            wasi.env(self.name.as_encoded_bytes(), value);
        }
        Ok(())
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
