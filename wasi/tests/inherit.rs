//! What guests inherit of the arguments and the environment of this process: on Unix any bytes, on Windows any Unicode.
//!
//! Without the usual harness, which takes the arguments for its own. This program runs itself.

mod common;

use std::ffi::OsString;
use std::process::Command;

use common::*;

/// Says to this program that it is the one whose arguments and environment are inherited.
const ROLE: &str = "WOOTZ_TEST_INHERIT";

/// The name of a variable that is looked for.
const VARIABLE: &str = "WOOTZ_TEST_VARIABLE";

/// What is no Unicode, and how a guest sees it, if it does.
#[cfg(unix)]
fn no_unicode() -> (OsString, Option<&'static [u8]>) {
    (std::os::unix::ffi::OsStringExt::from_vec(b"a\xff".to_vec()), Some(b"a\xff"))
}

/// What is no Unicode, and how a guest sees it, if it does.
#[cfg(windows)]
fn no_unicode() -> (OsString, Option<&'static [u8]>) {
    (std::os::windows::ffi::OsStringExt::from_wide(&[0x61, 0xd800]), None)
}

fn main() {
    if std::env::var_os(ROLE).is_some() {
        return inherit();
    }
    let (unicode, seen) = (OsString::from("名前"), Some("名前".as_bytes()));
    let (other, other_seen) = no_unicode();
    for (argument, variable, seen_argument, seen_variable) in [
        (&unicode, &unicode, seen, seen),
        (&other, &unicode, other_seen, seen),
        (&unicode, &other, seen, other_seen),
    ] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let output = command.arg(argument).env(ROLE, "").env(VARIABLE, variable).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let expected = format!("{seen_argument:?} {seen_variable:?}");
        assert!(output.status.success() && text.trim() == expected, "{expected} is not {output:?}");
        println!("test inherited {expected} ... ok");
    }
}

/// Prints what a guest sees of the last argument, and of a variable.
fn inherit() {
    let mut guest = built(|builder| {
        builder.inherit_args().inherit_env();
    });
    let arguments = strings(&mut guest, "args_sizes_get", "args_get");
    let argument = arguments.map(|all| all.last().unwrap().clone());
    let variables = strings(&mut guest, "environ_sizes_get", "environ_get");
    let variable = variables.map(|all| {
        let prefix = format!("{VARIABLE}=").into_bytes();
        let variable = all.iter().find_map(|text| text.strip_prefix(prefix.as_slice()));
        variable.unwrap().to_vec()
    });
    println!("{:?} {:?}", argument.as_deref(), variable.as_deref());
}

/// The strings of a list, unless the guest is told that they cannot be told.
fn strings(guest: &mut Guest, sizes: &str, get: &str) -> Option<Vec<Vec<u8>>> {
    match call!(guest, sizes, OUTPUT, OUTPUT + 4) {
        OK => {}
        errno => {
            assert_eq!(errno, ILSEQ, "{sizes}");
            assert_eq!(call!(guest, get, OUTPUT, DATA), ILSEQ, "{get}");
            return None;
        }
    }
    let len = guest.number(OUTPUT + 4);
    assert!(len <= DATA_BYTES);
    assert_eq!(call!(guest, get, OUTPUT, DATA), OK, "{get}");
    let bytes = guest.bytes(DATA, len as usize);
    Some(
        bytes
            .split_inclusive(|&byte| byte == 0)
            .map(|text| text[..text.len() - 1].to_vec())
            .collect(),
    )
}
