//! What guests inherit of this process: arguments and environment, on Unix any bytes, on Windows any Unicode; and the
//! standard streams.
//!
//! Without the usual harness, which takes the arguments for its own. This program runs itself.

mod common;

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

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
    match std::env::var(ROLE).as_deref() {
        Ok("texts") => return inherit(),
        Ok("streams") => return copy(),
        _ => {}
    }
    texts_are_inherited();
    streams_are_inherited();
}

/// This program again, in a process of its own: by way of `$WOOTZ_EMULATOR`, if this machine is emulated.
fn this_program() -> Command {
    let program = std::env::current_exe().unwrap();
    let emulator = std::env::var("WOOTZ_EMULATOR").unwrap_or_default();
    let mut words = emulator.split_whitespace();
    let Some(first) = words.next() else { return Command::new(program) };
    let mut command = Command::new(first);
    command.args(words).arg(program);
    command
}

fn texts_are_inherited() {
    let (unicode, seen) = (OsString::from("名前"), Some("名前".as_bytes()));
    let (other, other_seen) = no_unicode();
    for (argument, variable, seen_argument, seen_variable) in [
        (&unicode, &unicode, seen, seen),
        (&other, &unicode, other_seen, seen),
        (&unicode, &other, seen, other_seen),
    ] {
        let mut command = this_program();
        let output =
            command.arg(argument).env(ROLE, "texts").env(VARIABLE, variable).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let expected = format!("{seen_argument:?} {seen_variable:?}");
        assert!(output.status.success() && text.trim() == expected, "{expected} is not {output:?}");
        println!("test inherited {expected} ... ok");
    }
}

/// What goes through the guest: more than it reads at once, and no text.
fn input() -> Vec<u8> {
    (0..100_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

/// By a pipe that is filled while the guest waits, from a file, and from nothing.
fn streams_are_inherited() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input");
    std::fs::write(&path, input()).unwrap();
    for (name, stdin, expected) in [
        ("a pipe", Stdio::piped(), input()),
        ("a file", File::open(&path).unwrap().into(), input()),
        ("nothing", Stdio::null(), Vec::new()),
    ] {
        let mut command = this_program();
        command.env(ROLE, "streams").stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let pipe = child.stdin.take();
        let writer = std::thread::spawn(move || {
            let Some(mut pipe) = pipe else { return };
            for piece in input().chunks(150_001) {
                std::thread::sleep(Duration::from_millis(50));
                pipe.write_all(piece).unwrap();
            }
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {errors}");
        assert!(output.stdout == expected, "{name}: {} bytes", output.stdout.len());
        assert_eq!(errors, format!("{} bytes\n", expected.len()), "{name}");
        println!("test standard input is {name} ... ok");
    }
}

/// Copies standard input to standard output, by way of a guest that waits for each piece; tells standard error how much.
fn copy() {
    let mut guest = built(|builder| {
        builder.inherit_stdio();
    });
    let minute = Awaited::Clock { clock: 1, timeout: 60_000_000_000, flags: 0 };
    let mut bytes = 0;
    for round in 0.. {
        // Whoever waits and who does not reads the same.
        if round % 3 != 0 {
            let events = guest
                .poll(&[
                    Subscription { userdata: 1, what: minute },
                    Subscription { userdata: 2, what: Awaited::Read(0) },
                    Subscription { userdata: 3, what: Awaited::Write(1) },
                ])
                .unwrap();
            assert!(events.iter().all(|event| event.userdata != 1), "{events:?}");
            let alone = guest
                .poll(&[
                    Subscription { userdata: 1, what: minute },
                    Subscription { userdata: 2, what: Awaited::Read(0) },
                ])
                .unwrap();
            assert_eq!(alone[0].brief(), (2, OK, 1));
        }
        let piece = guest.read(0, 1 + round * 97 % 20_000).unwrap();
        if piece.is_empty() {
            break;
        }
        bytes += piece.len();
        let mut written = 0;
        while written < piece.len() {
            written += guest.put(1, &piece[written..]).unwrap() as usize;
        }
    }
    let text = format!("{bytes} bytes\n");
    assert_eq!(guest.put(2, text.as_bytes()), Ok(text.len() as u32));
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
