//! A picture of the ratios of kernels and programs.
//!
//! In: rows. Out: SVG, with a bar for each row from 1 to its ratio, against wasmtime and against native programs.
//!
//! Always true: rows are sorted by the ratio to wasmtime; both axes are logarithmic, so that twice as fast and half as fast are
//! equally long; bars to the left are good.

use std::fmt::Write;

use crate::measure::{Timing, geometric_mean};
use crate::report::{Kind, Machine, Row};

const NAMES: f64 = 130.0;
const PANEL: f64 = 380.0;
const GAP: f64 = 60.0;
const TOP: f64 = 92.0;
const STEP: f64 = 17.0;
const TICKS: [f64; 13] = [0.25, 0.33, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0, 3.0, 4.0];

const AHEAD: &str = "#2a7f62";
const BEHIND: &str = "#c4572b";
const FAINT: &str = "#d9d9d9";
const TEXT: &str = "#333333";

/// One of the two halves.
struct Panel<'a> {
    title: &'a str,
    left: f64,
    /// A ratio and its noise, by row.
    timings: Vec<Option<&'a Timing>>,
}

impl Panel<'_> {
    /// The limits of the axis.
    fn range(&self) -> (f64, f64) {
        let ratios = self.timings.iter().flatten().map(|timing| timing.ratio);
        ratios.fold((0.9f64, 1.1f64), |(low, high), ratio| (low.min(ratio), high.max(ratio)))
    }

    fn x(&self, ratio: f64) -> f64 {
        let (low, high) = self.range();
        let (low, high) = (low.ln() - 0.05, high.ln() + 0.05);
        self.left + PANEL * (ratio.ln().clamp(low, high) - low) / (high - low)
    }

    fn draw(&self, out: &mut String, height: f64) -> std::fmt::Result {
        let middle = self.left + PANEL / 2.0;
        text(out, middle, TOP - 34.0, "middle", "font-weight=\"bold\"", self.title)?;
        let (low, high) = self.range();
        let mut last = f64::MIN;
        for tick in TICKS.into_iter().filter(|tick| (low..=high).contains(tick)) {
            let x = self.x(tick);
            let (colour, width) = if tick == 1.0 { (TEXT, 1.5) } else { (FAINT, 1.0) };
            line(out, (x, TOP - 6.0), (x, height), colour, width)?;
            // Those that would stand upon each other are left out; 1 never is.
            if x - last > 26.0 || tick == 1.0 {
                text(out, x, TOP - 10.0, "middle", "", &format!("{tick}"))?;
                last = x;
            }
        }
        for (row, timing) in self.timings.iter().enumerate() {
            let Some(timing) = timing else { continue };
            let y = TOP + STEP * row as f64;
            let (from, to) = (self.x(timing.ratio.min(1.0)), self.x(timing.ratio.max(1.0)));
            let colour = if timing.ratio <= 1.0 { AHEAD } else { BEHIND };
            let width = (to - from).max(0.5);
            writeln!(
                out,
                r#"<rect x="{from:.1}" y="{:.1}" width="{width:.1}" height="11" fill="{colour}"/>"#,
                y + 3.0
            )?;
            let (low, high) =
                (self.x(timing.ratio - timing.noise), self.x(timing.ratio + timing.noise));
            line(out, (low, y + 8.5), (high, y + 8.5), TEXT, 1.5)?;
            let right = self.left + PANEL + 8.0;
            text(out, right, y + 12.5, "start", "", &format!("{:.2}", timing.ratio))?;
        }
        let ratios: Vec<f64> = self.timings.iter().flatten().map(|timing| timing.ratio).collect();
        if !ratios.is_empty() {
            let mean = geometric_mean(&ratios);
            let x = self.x(mean);
            writeln!(
                out,
                r#"<line x1="{x:.1}" y1="{TOP}" x2="{x:.1}" y2="{height}" stroke="{TEXT}" stroke-dasharray="4 3"/>"#
            )?;
            text(
                out,
                middle,
                height + 18.0,
                "middle",
                "",
                &format!("geometric mean {mean:.3} (dashed)"),
            )?;
        }
        Ok(())
    }
}

fn line(
    out: &mut String,
    from: (f64, f64),
    to: (f64, f64),
    colour: &str,
    width: f64,
) -> std::fmt::Result {
    let ((x1, y1), (x2, y2)) = (from, to);
    writeln!(
        out,
        r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="{colour}" stroke-width="{width}"/>"#
    )
}

fn text(
    out: &mut String,
    x: f64,
    y: f64,
    anchor: &str,
    more: &str,
    what: &str,
) -> std::fmt::Result {
    writeln!(out, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" {more}>{what}</text>"#)
}

/// The whole picture.
pub fn picture(machine: &Machine, rows: &[&Row]) -> Result<String, std::fmt::Error> {
    let by_wasmtime = |row: &Row| row.timing("wasmtime").map_or(1.0, |timing| timing.ratio);
    let mut rows = rows.to_vec();
    rows.sort_by(|one, other| by_wasmtime(one).total_cmp(&by_wasmtime(other)));
    let panels = [
        Panel {
            title: "time by that of wasmtime 48",
            left: NAMES,
            timings: rows.iter().map(|row| row.timing("wasmtime")).collect(),
        },
        Panel {
            title: "time by that of native programs",
            left: NAMES + PANEL + GAP,
            timings: rows.iter().map(|row| row.native()).collect(),
        },
    ];
    let height = TOP + STEP * rows.len() as f64 + 4.0;
    let (width, total) = (NAMES + 2.0 * PANEL + GAP + 48.0, height + 32.0);
    let mut out = String::new();
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{total}" viewBox="0 0 {width} {total}" font-family="sans-serif" font-size="11" fill="{TEXT}">"#
    )?;
    writeln!(out, r#"<rect width="{width}" height="{total}" fill="white"/>"#)?;
    text(
        &mut out,
        12.0,
        24.0,
        "start",
        "font-size=\"15\" font-weight=\"bold\"",
        "User time of code compiled by Wootz",
    )?;
    let cpu = machine.cpu.replace('&', "&amp;").replace('<', "&lt;");
    let note = format!(
        "Bars to the left of 1: Wootz is faster. Lines at their ends: noise. Native: zig cc -O3, kernels without vectorisers. {cpu}"
    );
    text(&mut out, 12.0, 42.0, "start", "", &note)?;
    for (at, row) in rows.iter().enumerate() {
        let y = TOP + STEP * at as f64 + 12.5;
        let weight = if row.kind == Kind::Program { "font-weight=\"bold\"" } else { "" };
        text(&mut out, NAMES - 10.0, y, "end", weight, &row.name)?;
    }
    for panel in &panels {
        panel.draw(&mut out, height)?;
    }
    writeln!(out, "</svg>")?;
    Ok(out)
}
