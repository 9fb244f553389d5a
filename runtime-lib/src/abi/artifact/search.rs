//! Numbers in bytes, and finding one among them.
//!
//! Always true: nothing is read outside of the bytes.

/// A number in native byte order, if it lies inside.
pub(super) fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|chunk| u32::from_ne_bytes(*chunk))
}

/// The first position at which `before` is no longer true, if it is true up to some position and false from there on.
pub(super) fn partition(count: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        match before(middle) {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    low
}
