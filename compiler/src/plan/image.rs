//! The first contents of memories: which data segments become images that are mapped, and which stay segments.
//!
//! An image holds what the active segments of a memory leave behind, as long as their offsets are constants within the
//! memory's first size. From the first segment on for which that cannot be said, segments of that memory are left to
//! instantiation: the order in which they overwrite each other matters.
//!
//! Always true: images of one memory do not overlap, and are aligned in memory and in the image section alike.

use std::collections::BTreeMap;

use wootz_runtime::abi::index::{DataIndex, MemoryIndex};
use wootz_runtime::abi::manifest::{
    ConstExpr, ConstOp, DataSegment, MemoryImage, Range, SegmentMode,
};

use crate::error::{Error, Result};
use crate::parse::Module;

/// What data segments and custom sections become.
#[derive(Default)]
pub struct Contents {
    /// Every data segment.
    pub segments: Vec<DataSegment>,
    /// The bytes of those segments that are no part of an image, and of custom sections.
    pub data: Vec<u8>,
    /// The custom sections, by name.
    pub custom_sections: Vec<(String, Range)>,
    /// The images of memories.
    pub images: Vec<MemoryImage>,
    /// Their bytes.
    pub image: Vec<u8>,
}

/// Memories whose data lies in more places than this are filled at instantiation: mapping has its price too.
const MOST_IMAGES: usize = 64;

pub(super) fn contents(module: &Module<'_>, alignment: u32) -> Result<Contents> {
    let mut contents = Contents::default();
    let mut pages: Vec<Option<Pages>> = (0..module.memories.len())
        .map(|index| (index >= module.imported_memories).then(|| Pages::new(alignment)))
        .collect();

    for (position, segment) in module.data.iter().enumerate() {
        let in_image = match &segment.mode {
            SegmentMode::Active { target, offset } => {
                let ty = module.memories[target.index()];
                let bytes = ty.limits.min.saturating_mul(1 << ty.page_size_log2);
                let place = constant(offset).filter(|&offset| {
                    offset.checked_add(segment.bytes.len() as u64).is_some_and(|end| end <= bytes)
                });
                let slot = &mut pages[target.index()];
                match (slot.as_mut().filter(|pages| pages.open), place) {
                    (Some(pages), Some(offset)) => pages.write(offset, segment.bytes),
                    (Some(pages), None) => {
                        pages.open = false;
                        false
                    }
                    (None, _) => false,
                }
            }
            SegmentMode::Passive | SegmentMode::Declared => false,
        };
        if !in_image {
            let bytes = append(&mut contents.data, segment.bytes)?;
            let index = DataIndex::from_position(position);
            contents.segments.push(DataSegment { index, mode: segment.mode.clone(), bytes });
        }
    }

    for (index, pages) in pages.into_iter().enumerate() {
        if let Some(pages) = pages {
            pages.finish(MemoryIndex::from_position(index), &mut contents)?;
        }
    }
    for &(name, bytes) in &module.custom_sections {
        let range = append(&mut contents.data, bytes)?;
        contents.custom_sections.push((name.to_string(), range));
    }
    Ok(contents)
}

fn append(data: &mut Vec<u8>, bytes: &[u8]) -> Result<Range> {
    let range = (u32::try_from(data.len()), u32::try_from(bytes.len()));
    let (Ok(offset), Ok(bytes_count)) = range else {
        return Err(Error::Limit { message: "its data segments have more than 4 GiB".to_string() });
    };
    data.extend(bytes);
    Ok(Range { offset, bytes: bytes_count })
}

/// The value of an offset, if it is known before instantiation.
fn constant(expr: &ConstExpr) -> Option<u64> {
    match expr.ops[..] {
        [ConstOp::I32Const(value)] => Some(u64::from(value as u32)),
        [ConstOp::I64Const(value)] => Some(value as u64),
        _ => None,
    }
}

/// The pages of a memory that are not zero at first.
struct Pages {
    bytes_each: usize,
    pages: BTreeMap<u64, Vec<u8>>,
    /// How many runs of neighbouring pages there are.
    runs: usize,
    /// Whether more segments may be added.
    open: bool,
}

impl Pages {
    fn new(alignment: u32) -> Pages {
        Pages { bytes_each: alignment as usize, pages: BTreeMap::new(), runs: 0, open: true }
    }

    /// Writes a segment. `false` if it must stay a segment, because it would make too many images.
    fn write(&mut self, offset: u64, mut bytes: &[u8]) -> bool {
        let size = self.bytes_each as u64;
        let first = offset / size;
        let touches = |page: u64| self.pages.contains_key(&page);
        if !bytes.is_empty()
            && self.runs >= MOST_IMAGES
            && !touches(first)
            && !touches(first.wrapping_sub(1))
        {
            self.open = false;
            return false;
        }
        let mut at = offset;
        while !bytes.is_empty() {
            let within = (at % size) as usize;
            let (now, later) = bytes.split_at(bytes.len().min(self.bytes_each - within));
            let page = self.page(at / size);
            page[within..within + now.len()].copy_from_slice(now);
            at += now.len() as u64;
            bytes = later;
        }
        true
    }

    /// The contents of a page, which is new if it was zero until now.
    fn page(&mut self, page: u64) -> &mut [u8] {
        if !self.pages.contains_key(&page) {
            // It lengthens a run, joins two, or begins one.
            let beside =
                [page.wrapping_sub(1), page + 1].map(|page| self.pages.contains_key(&page));
            self.runs = self.runs + 1 - beside.into_iter().filter(|&beside| beside).count();
            self.pages.insert(page, vec![0; self.bytes_each]);
        }
        self.pages.get_mut(&page).expect("it is there now")
    }

    /// Runs of neighbouring pages: the first of each, and how many.
    fn runs(&self) -> Vec<(u64, u64)> {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for &page in self.pages.keys() {
            match runs.last_mut() {
                Some((first, count)) if *first + *count == page => *count += 1,
                _ => runs.push((page, 1)),
            }
        }
        runs
    }

    fn finish(self, memory: MemoryIndex, contents: &mut Contents) -> Result<()> {
        for (first, count) in self.runs() {
            let pages: Vec<&[u8]> =
                self.pages.range(first..first + count).map(|(_, page)| &page[..]).collect();
            let bytes = pages.concat();
            let image = append(&mut contents.image, &bytes)?;
            contents.images.push(MemoryImage {
                memory,
                offset: first * self.bytes_each as u64,
                image,
            });
        }
        Ok(())
    }
}
