//! `--profile`: where the time goes, as a picture.
//!
//! In: this command line, which is run once more under `perf`. Out: a flame graph of what guests did, and the functions of the
//! host that they called; and the exit code of the run.
//!
//! Always true: what is shown comes from the tables and symbols of the compiled file, as for any profiler.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use inferno::flamegraph::color::MultiPalette;
use inferno::flamegraph::{self, Palette, TextTruncateDirection};

use crate::files;
use crate::inspect;
use crate::report;

/// The variable that says that this process is the one that is looked at. Users set it, too (`docs/profiling.md`).
const WATCHED: &str = "WOOTZ_UNDER_PERF";

/// Samples a second: no multiple of what happens regularly.
const FREQUENCY: &str = "997";

/// Stacks are unwound later; so much of each is kept.
const CALL_GRAPH: &str = "dwarf,32768";

/// Whether this process is the one that is looked at, and needs only run.
pub fn is_watched() -> bool {
    std::env::var_os(WATCHED).is_some()
}

/// Runs this command line under `perf`, and draws a picture of `file`.
///
/// # Errors
/// If there is no `perf`, or it cannot do what it should, or the picture cannot be written.
pub fn record(picture: &Path, file: &Path) -> Result<ExitCode> {
    files::check_place(picture)?;
    let folder = tempfile::tempdir().context("cannot make a directory for the samples")?;
    let samples = folder.path().join("perf.data");
    let mut perf = Command::new("perf");
    perf.args(["record", "--quiet", "--event", "cpu-clock:u", "--freq", FREQUENCY]);
    perf.args(["--call-graph", CALL_GRAPH, "--output"]).arg(&samples).arg("--");
    perf.arg(std::env::current_exe().context("this program does not know where it is")?);
    perf.args(std::env::args_os().skip(1)).env(WATCHED, "1");
    let status = perf.status().map_err(missing)?;
    if !samples.exists() {
        bail!(
            "`perf record` has recorded nothing: it may not look at programs here, as in many containers"
        );
    }
    let stacks = stacks(&samples)?;
    match draw(&stacks, file)? {
        Some(svg) => files::write(picture, &svg, false)?,
        None => report::note("there is no picture: no guest ran long enough to be seen"),
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(report::TRAPPED)))
}

fn missing(error: std::io::Error) -> anyhow::Error {
    let hint = match error.kind() {
        ErrorKind::NotFound => "`perf` is missing, which `--profile` looks at the guest with",
        _ => "cannot start `perf`",
    };
    anyhow::Error::new(error).context(hint)
}

/// How often each stack was seen, in the notation of flame graphs.
type Stacks = BTreeMap<String, usize>;

/// The stacks in a file of samples, from the call of the outermost guest on.
fn stacks(samples: &Path) -> Result<Stacks> {
    let mut perf = Command::new("perf");
    perf.args(["script", "--no-inline", "--fields", "ip,sym,dso", "--input"]).arg(samples);
    let mut perf = perf.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(missing)?;
    let output = BufReader::new(perf.stdout.take().expect("it is piped"));
    let mut stacks = Stacks::new();
    let (mut frames, mut known) = (Vec::new(), HashMap::new());
    for line in output.split(b'\n').chain([Ok(Vec::new())]) {
        let line = line.context("`perf script`")?;
        match frame(&String::from_utf8_lossy(&line), &mut known) {
            Some(frame) => frames.push(frame),
            None => add(&mut stacks, std::mem::take(&mut frames)),
        }
    }
    if !perf.wait().context("`perf script`")?.success() {
        bail!("`perf script` cannot read its samples");
    }
    Ok(stacks)
}

/// A function on a stack.
struct Frame {
    name: String,
    is_guest: bool,
}

/// A line: an address, a name, and in parentheses the file that it comes from.
fn frame(line: &str, known: &mut HashMap<String, bool>) -> Option<Frame> {
    let (_, rest) = line.trim().split_once(' ')?;
    let (name, file) = rest.rsplit_once(" (")?;
    let file = file.strip_suffix(')')?;
    let is_guest = *known.entry(file.to_string()).or_insert_with(|| is_compiled(Path::new(file)));
    // Semicolons are between frames.
    Some(Frame { name: name.trim().replace(';', ","), is_guest })
}

/// Whether this is a file that a module was compiled to.
fn is_compiled(file: &Path) -> bool {
    let is_own = std::env::current_exe().is_ok_and(|own| own == file);
    !is_own
        && std::fs::read(file).is_ok_and(|bytes| {
            files::kind(&bytes) == files::Kind::Native && inspect::manifests(&bytes).is_ok()
        })
}

/// Counts a stack, innermost frame first, if there is a guest on it. What called that is always the same.
fn add(stacks: &mut Stacks, frames: Vec<Frame>) {
    let Some(outermost) = frames.iter().rposition(|frame| frame.is_guest) else { return };
    let names = frames[..=outermost].iter().rev().map(|frame| match frame.is_guest {
        // A colour of its own.
        true => format!("{}_[j]", frame.name),
        false => frame.name.clone(),
    });
    *stacks.entry(names.collect::<Vec<_>>().join(";")).or_default() += 1;
}

/// The picture; `None` if there is nothing to see.
fn draw(stacks: &Stacks, file: &Path) -> Result<Option<Vec<u8>>> {
    if stacks.is_empty() {
        return Ok(None);
    }
    let lines: Vec<String> =
        stacks.iter().map(|(stack, count)| format!("{stack} {count}")).collect();
    let mut options = flamegraph::Options::default();
    let name = file.file_name().unwrap_or(file.as_os_str());
    options.title = name.to_string_lossy().into_owned();
    options.subtitle = Some("green: wasm; others: what it calls in the host".to_string());
    options.colors = Palette::Multi(MultiPalette::Java);
    options.hash = true;
    options.text_truncate_direction = TextTruncateDirection::Right;
    options.deterministic = true;
    let mut svg = Vec::new();
    flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), &mut svg)
        .context("cannot draw the picture")?;
    Ok(Some(svg))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> HashMap<String, bool> {
        HashMap::from([("/app.so".to_string(), true)])
    }

    #[test]
    fn lines_of_perf() {
        let mut known = known();
        let mut name = |line| frame(line, &mut known).map(|frame| (frame.name, frame.is_guest));
        let of = |name: &str, is_guest| Some((name.to_string(), is_guest));
        assert_eq!(name("\t   104a f (a;b) (/app.so)"), of("f (a,b)", true));
        assert_eq!(
            name("  5d <A as B<(u8, u8)>>::f (/missing)"),
            of("<A as B<(u8, u8)>>::f", false)
        );
        assert_eq!(name("ffffffff [unknown] ([unknown])"), of("[unknown]", false));
        assert_eq!(name(""), None);
    }

    #[test]
    fn stacks_begin_with_the_outermost_guest() {
        let frame = |name: &str, is_guest| Frame { name: name.to_string(), is_guest };
        let mut stacks = Stacks::new();
        for _ in 0..2 {
            let host = [frame("write", false), frame("fd_write", false)];
            let guest = [frame("print", true), frame("main", true), frame("call", false)];
            add(&mut stacks, host.into_iter().chain(guest).collect());
        }
        add(&mut stacks, vec![frame("compile", false)]);
        add(&mut stacks, vec![]);
        let expected = ("main_[j];print_[j];fd_write;write".to_string(), 2);
        assert_eq!(stacks, Stacks::from([expected]));
        let svg =
            String::from_utf8(draw(&stacks, Path::new("app.wasm")).unwrap().unwrap()).unwrap();
        assert!(svg.starts_with("<?xml") && svg.contains("fd_write") && svg.contains("app.wasm"));
        assert!(draw(&Stacks::new(), Path::new("app.wasm")).unwrap().is_none());
    }
}
