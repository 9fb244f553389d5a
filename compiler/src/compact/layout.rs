//! Where everything goes when some of it takes less bytes, or more.
//!
//! In: what changes, and which branches there are. Out: how long each branch is, and where each place has gone.
//!
//! Always true: the order stays. It takes time by the size of a function, times a constant.

use super::copies::Copied;
use super::encode::Bytes;

/// Something that takes another number of bytes than it had.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Where it was.
    pub at: u32,
    /// How many bytes it had.
    pub had: u32,
    /// What it becomes.
    pub becomes: Becomes,
}

/// What comes in the place of something.
#[derive(Clone, Debug)]
pub enum Becomes {
    /// These bytes.
    Bytes(Bytes),
    /// A branch, with the least bytes for its distance. The number is its place in the list of branches.
    Branch(u32),
    /// A copy of what it leads to.
    Copy(Copied),
    /// If a loop behind would be in two lines of the cache and fits one: instructions that do nothing, so that it is in one. The numbers
    /// are where it began and ended.
    Nops(u32, u32),
    /// Zeros, so that the constants behind lie as they did relative to this.
    Zeros(u32),
}

/// A branch to another place of the function.
#[derive(Clone, Copy, Debug)]
pub struct Branch {
    /// Its edit, by number; before there are edits, where it is.
    pub edit: u32,
    /// Where it was going.
    pub target: u32,
    /// Which of the edits is the first that is behind its target.
    pub edits_before: u32,
    /// The opcode of its short form.
    pub opcode: u8,
    /// Whether it has the short form.
    pub is_short: bool,
}

/// How many bytes of code processors fetch at a time.
pub const LINE: u32 = 64;
/// How many times at most branches are looked at again because others have become short.
const ROUNDS: usize = 6;

/// How many bytes both forms have of a jump (true) or of another branch (false).
const fn forms(is_jump: bool) -> (u32, u32) {
    (2, if is_jump { 5 } else { 6 })
}

impl Branch {
    /// How many bytes it has.
    pub fn bytes(&self) -> u32 {
        let (short, long) = forms(self.opcode == 0xeb);
        if self.is_short { short } else { long }
    }
}

/// Where everything has gone.
#[derive(Clone, Debug, Default)]
pub struct Moves {
    /// Where it went before, if it was moved twice. Then `moved` begins there.
    first: Option<Box<Moves>>,
    /// Each edit: where it began and ended, and where it does now.
    moved: Vec<Moved>,
    /// What is in the place of some edits: copies, in the order of their places.
    copies: Vec<Copied>,
}

#[derive(Clone, Copy, Debug)]
struct Moved {
    old: u32,
    old_end: u32,
    new: u32,
    new_end: u32,
}

impl Moves {
    /// These, and then others. The others have no copies.
    pub fn then(self, moves: Moves) -> Moves {
        Moves { first: Some(Box::new(self)), ..moves }
    }

    /// These, with copies in the place of edits.
    pub fn with_copies(self, copies: &[Copied]) -> Moves {
        Moves { copies: copies.to_vec(), ..self }
    }

    /// Things that begin at ascending offsets: where they begin now, ascending. What was copied is there more than once.
    pub fn beginnings<T: Copy>(&self, things: impl IntoIterator<Item = (u32, T)>) -> Vec<(u32, T)> {
        let pieces = things.into_iter().map(|(at, it)| (at, at + 1, it));
        self.places(pieces.collect(), Moves::beginning_near)
            .into_iter()
            .map(|(at, _, it)| (at, it))
            .collect()
    }

    /// Things from one place to another, which ascend: where they begin and end now, ascending. What was copied is there more than
    /// once.
    pub fn pieces<T: Copy>(&self, pieces: Vec<(u32, u32, T)>) -> Vec<(u32, u32, T)> {
        self.places(pieces, Moves::end_near)
    }

    fn places<T: Copy>(
        &self,
        mut pieces: Vec<(u32, u32, T)>,
        end_near: impl Fn(&Moves, &mut usize, u32) -> u32,
    ) -> Vec<(u32, u32, T)> {
        let first = self.first.as_deref().unwrap_or(self);
        let mut more = Vec::new();
        for copied in &first.copies {
            let new = first.moved_beginning(copied.jump);
            let from = pieces.partition_point(|&(_, end, _)| end <= copied.from);
            let to = pieces.partition_point(|&(start, ..)| start < copied.to);
            more.extend(pieces[from..to].iter().map(|&(start, end, it)| {
                let start = new + (start.max(copied.from) - copied.from);
                (start, new + (end.min(copied.to) - copied.from), it)
            }));
        }
        let go = |moves: &Moves, pieces: &mut Vec<(u32, u32, T)>| {
            let (mut near_start, mut near_end) = (0, 0);
            for (start, end, _) in pieces {
                *start = moves.beginning_near(&mut near_start, *start);
                *end = end_near(moves, &mut near_end, *end);
            }
        };
        go(first, &mut pieces);
        if !more.is_empty() {
            pieces.extend(more);
            pieces.sort_by_key(|&(start, ..)| start);
        }
        if self.first.is_some() {
            go(self, &mut pieces);
        }
        pieces
    }

    /// Where something ends or begins that was elsewhere: what is said of everything from one place to the next must be said
    /// there again.
    pub fn seams(&self) -> impl Iterator<Item = u32> {
        let copies = &self.first.as_deref().unwrap_or(self).copies;
        copies.iter().flat_map(|copied| [copied.from, copied.jump_end()])
    }

    /// Where what began here begins now; of what was copied, the original.
    pub fn beginning(&self, offset: u32) -> u32 {
        let offset = self.first.as_ref().map_or(offset, |first| first.beginning(offset));
        self.moved_beginning(offset)
    }

    fn moved_beginning(&self, offset: u32) -> u32 {
        let mut near = self.moved.partition_point(|moved| moved.old <= offset);
        self.beginning_near(&mut near, offset)
    }

    /// The same for one of several places that ascend. `near` is how many edits are before the last one, and then before this one.
    fn beginning_near(&self, near: &mut usize, offset: u32) -> u32 {
        let Some(moved) = self.last_before(near, |moved| moved.old <= offset) else {
            return offset;
        };
        match offset {
            _ if offset >= moved.old_end => moved.new_end + (offset - moved.old_end),
            _ if offset == moved.old => moved.new,
            _ => moved.inside(offset),
        }
    }

    /// The last edit that is before something, looked for from `near` on.
    fn last_before(&self, near: &mut usize, is_before: impl Fn(&Moved) -> bool) -> Option<&Moved> {
        while self.moved.get(*near).is_some_and(&is_before) {
            *near += 1;
        }
        while near.checked_sub(1).is_some_and(|last| !is_before(&self.moved[last])) {
            *near -= 1;
        }
        near.checked_sub(1).map(|last| &self.moved[last])
    }

    /// Where what ended here ends now.
    pub fn end(&self, offset: u32) -> u32 {
        let offset = self.first.as_ref().map_or(offset, |first| first.end(offset));
        self.moved_end(offset)
    }

    fn moved_end(&self, offset: u32) -> u32 {
        let mut near = self.moved.partition_point(|moved| moved.old < offset);
        self.end_near(&mut near, offset)
    }

    fn end_near(&self, near: &mut usize, offset: u32) -> u32 {
        let Some(moved) = self.last_before(near, |moved| moved.old < offset) else {
            return offset;
        };
        match offset {
            _ if offset >= moved.old_end => moved.new_end + (offset - moved.old_end),
            _ => moved.inside(offset),
        }
    }
}

impl Moved {
    /// What was as far from the end. Several instructions may have become one.
    fn inside(&self, offset: u32) -> u32 {
        self.new_end.saturating_sub(self.old_end - offset).max(self.new)
    }
}

/// Finds out which branches can be short, and where everything goes. The edits ascend.
pub fn lay_out(edits: &[Edit], branches: &mut [Branch]) -> Moves {
    // How many bytes less there are before each edit, if nothing else becomes shorter.
    let mut less = vec![0_i64; edits.len() + 1];
    let sum_up = |branches: &[Branch], less: &mut [i64]| {
        for (number, edit) in edits.iter().enumerate() {
            let has = match &edit.becomes {
                Becomes::Bytes(bytes) => bytes.as_slice().len() as u32,
                Becomes::Branch(branch) => branches[*branch as usize].bytes(),
                Becomes::Copy(copied) => copied.bytes(),
                Becomes::Nops(..) => LINE - 1,
                Becomes::Zeros(alignment) => edit.had.max(alignment - 1),
            };
            less[number + 1] = less[number] + i64::from(edit.had) - i64::from(has);
        }
    };
    for _ in 0..ROUNDS {
        sum_up(branches, &mut less);
        let mut has_changed = false;
        for branch in branches.iter_mut().filter(|branch| !branch.is_short) {
            let edit = branch.edit as usize;
            let end = i64::from(edits[edit].at + edits[edit].had) - less[edit + 1];
            let target = i64::from(branch.target) - less[branch.edits_before as usize];
            // What goes back also goes over itself.
            let (short, long) = forms(branch.opcode == 0xeb);
            let saved = if target < end { i64::from(long - short) } else { 0 };
            branch.is_short = i8::try_from(target - end + saved).is_ok();
            has_changed |= branch.is_short;
        }
        if !has_changed {
            break;
        }
    }
    place(edits, branches)
}

/// Where everything goes, now that it is known how long it is.
pub fn place(edits: &[Edit], branches: &[Branch]) -> Moves {
    let mut moved: Vec<Moved> = Vec::with_capacity(edits.len());
    let (mut old_end, mut new_end) = (0, 0);
    for (number, edit) in edits.iter().enumerate() {
        let new = new_end + (edit.at - old_end);
        let has = match &edit.becomes {
            Becomes::Bytes(bytes) => bytes.as_slice().len() as u32,
            Becomes::Branch(branch) => branches[*branch as usize].bytes(),
            Becomes::Copy(copied) => copied.bytes(),
            Becomes::Nops(start, end) => {
                let behind = &edits[number + 1..];
                let first = behind.partition_point(|edit| edit.at < *start);
                let before = bytes_between(edit.at, *start, &behind[..first], branches);
                let bytes = bytes_between(*start, *end, &behind[first..], branches);
                let left = LINE - (new + before) % LINE;
                if bytes <= LINE && bytes > left { left } else { 0 }
            }
            Becomes::Zeros(alignment) => {
                let behind = edit.at + edit.had;
                behind.wrapping_sub(new) % alignment
            }
        };
        old_end = edit.at + edit.had;
        new_end = new + has;
        moved.push(Moved { old: edit.at, old_end, new, new_end });
    }
    Moves { moved, ..Moves::default() }
}

/// How many bytes there are of what was between these places, from the first of these edits on. No aligned loop begins there.
fn bytes_between(start: u32, end: u32, edits: &[Edit], branches: &[Branch]) -> u32 {
    let within = edits.iter().take_while(|edit| edit.at < end);
    let more = |bytes: u32, edit: &Edit| i64::from(bytes) - i64::from(edit.had);
    let more: i64 = within
        .map(|edit| match &edit.becomes {
            Becomes::Bytes(bytes) => more(bytes.as_slice().len() as u32, edit),
            Becomes::Branch(branch) => more(branches[*branch as usize].bytes(), edit),
            Becomes::Copy(_) | Becomes::Nops(..) | Becomes::Zeros(_) => 0,
        })
        .sum();
    (i64::from(end - start) + more) as u32
}

impl Moves {
    /// Where an edit has gone: its beginning and its end.
    pub fn edit(&self, number: usize) -> (u32, u32) {
        (self.moved[number].new, self.moved[number].new_end)
    }
}
