//! The runtime's paths alone: `micro [ROOM..]`, see `calls`.

#[path = "../calls/mod.rs"]
mod calls;

/// Where the real programs are.
#[path = "../programs.rs"]
mod programs;
use programs::programs;

fn main() -> anyhow::Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    calls::compare(&wanted)
}
