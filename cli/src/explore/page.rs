//! Contents to HTML.
//!
//! In: what is shown. Out: a page whose data is in compressed blocks, of which its script unpacks those that are looked at.
//!
//! Always true: nothing that comes from a module gets into the page in any other form than base64, or escaped.

use anyhow::Result;
use base64::prelude::{BASE64_STANDARD, Engine};
use serde::Serialize;

use super::contents::{Body, Contents};

const FRAME: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// How many bytes of lines are packed together: enough to compress well, little enough to be unpacked at once.
const BLOCK_BYTES: usize = 256 << 10;

/// How hard to compress, of 10. More takes much longer for little.
const LEVEL: u8 = 9;

/// The first block: what there is, and in which blocks its lines are.
#[derive(Serialize)]
struct Overview<'a> {
    #[serde(flatten)]
    index: &'a super::contents::Index,
    /// The first entry of each block of lines.
    blocks: Vec<usize>,
    /// The numbers of files that are there, in the order of their blocks, which are behind those of lines.
    sources: Vec<usize>,
}

/// The page.
///
/// # Errors
/// Never: all of it can be written as JSON.
pub fn html(contents: &Contents) -> Result<String> {
    let mut firsts = Vec::new();
    let mut packed = Vec::new();
    let mut rest = &contents.bodies[..];
    while !rest.is_empty() {
        firsts.push(contents.bodies.len() - rest.len());
        let (block, others) = rest.split_at(block_length(rest));
        packed.push(pack(&block)?);
        rest = others;
    }
    let mut sources = Vec::new();
    for (number, file) in contents.files.iter().enumerate() {
        if let Some(file) = file {
            sources.push(number);
            packed.push(pack(file)?);
        }
    }
    let overview = Overview { index: &contents.index, blocks: firsts, sources };
    packed.insert(0, pack(&overview)?);
    let mut blocks = String::new();
    for block in packed {
        blocks += "<script type=\"text/plain\" class=\"block\">";
        blocks += &block;
        blocks += "</script>\n";
    }
    // What is put in later may contain what looks like a place.
    let (before, after) = FRAME.split_once("{blocks}").unwrap_or((FRAME, ""));
    let before =
        before.replace("{style}", STYLE).replace("{title}", &escape(&contents.index.title));
    let after = after.replace("{script}", SCRIPT);
    Ok([before, blocks, after].concat())
}

/// How many of these go into one block; at least one.
fn block_length(bodies: &[Body]) -> usize {
    let mut bytes = 0;
    let fits = bodies.iter().take_while(|body| {
        bytes += body.size();
        bytes <= BLOCK_BYTES
    });
    fits.count().max(1)
}

/// Data as JSON, compressed, in base64.
fn pack(data: &impl Serialize) -> Result<String> {
    let json = serde_json::to_vec(data)?;
    Ok(BASE64_STANDARD.encode(miniz_oxide::deflate::compress_to_vec(&json, LEVEL)))
}

/// Text for HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            other => escaped.push(other),
        }
    }
    escaped
}
