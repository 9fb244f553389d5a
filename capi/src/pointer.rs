//! Pointers of C's, and whether they point to what they should.
//!
//! Each handle says in a field of its own what it is, so that one of another kind, or one that was deleted (as long as its
//! memory has not been used again), is told from the right one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use anyhow::{Result, bail};

/// What a handle is, as 64 bits that other data hardly ever has in this place.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Tag(u64);

/// How many bytes every handle has at least, so that its tag may be looked for where handles of any kind have theirs.
pub const LEAST_BYTES: usize = 24;

impl Tag {
    /// The tag of what has been deleted.
    pub const DELETED: Tag = Tag(0xdead_0077_6f6f_747a);

    /// A tag of eight letters.
    pub const fn new(letters: &[u8; 8]) -> Tag {
        Tag(u64::from_le_bytes(*letters))
    }
}

/// Something that C has a pointer to.
pub trait Handle {
    /// What the header calls it.
    const NAME: &'static str;
    /// What its tag must be.
    const TAG: Tag;
    /// Where its tag is, in bytes from its beginning.
    const TAG_OFFSET: usize;
}

/// Whether a pointer points to a handle of this kind: until then it is not taken for one, which may be larger than what is
/// there.
///
/// # Safety
/// It is null, or points to a handle of this library.
unsafe fn check<T: Handle>(pointer: *const T) -> Result<()> {
    if pointer.is_null() {
        bail!("expected a {}, found a null pointer", T::NAME);
    }
    // SAFETY: all handles are large enough. Volatile, because in others there may be anything.
    let found = unsafe { pointer.byte_add(T::TAG_OFFSET).cast::<Tag>().read_volatile() };
    match found {
        found if found == T::TAG => Ok(()),
        Tag::DELETED => bail!("expected a {}, found one that has been deleted", T::NAME),
        _ => bail!("expected a {}, found a pointer to something else", T::NAME),
    }
}

/// A handle.
///
/// # Errors
/// If the pointer is null, or what it points to is something else.
///
/// # Safety
/// It is null, or points to a handle of this library that nobody changes or deletes as long as the reference is in use.
pub unsafe fn handle<'a, T: Handle>(pointer: *const T) -> Result<&'a T> {
    // SAFETY: the caller's promise; and it was checked.
    unsafe {
        check(pointer)?;
        Ok(&*pointer)
    }
}

/// A handle that is to be changed.
///
/// # Errors
/// As [`handle`].
///
/// # Safety
/// As [`handle`]; and nobody else uses it meanwhile.
pub unsafe fn handle_mut<'a, T: Handle>(pointer: *mut T) -> Result<&'a mut T> {
    // SAFETY: the caller's promise; and it was checked.
    unsafe {
        check(pointer.cast_const())?;
        Ok(&mut *pointer)
    }
}

/// A handle that C gives up.
///
/// # Errors
/// As [`handle`].
///
/// # Safety
/// As [`handle_mut`]; and it came from [`give`], and nobody uses it any more.
pub unsafe fn take<T: Handle>(pointer: *mut T) -> Result<Box<T>> {
    // SAFETY: the caller's promises. Volatile, because whoever reads it then should not.
    unsafe {
        check(pointer.cast_const())?;
        pointer.byte_add(T::TAG_OFFSET).cast::<Tag>().write_volatile(Tag::DELETED);
        Ok(Box::from_raw(pointer))
    }
}

/// Deletes a handle. Null, and anything but a handle of this kind, is left alone.
///
/// # Safety
/// As [`take`].
pub unsafe fn delete<T: Handle>(pointer: *mut T) {
    // SAFETY: the caller's promise.
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(unsafe { take(pointer) })));
    // Nothing that is dropped here panics; if it did, there would be nobody to tell.
    drop(dropped);
}

/// Gives something to C, which has to give it back to be [deleted](delete) or [taken](take).
pub fn give<T>(thing: T) -> *mut T {
    Box::into_raw(Box::new(thing))
}

/// A place of C's that a result is written to.
pub struct Out<T>(NonNull<T>);

impl<T> Out<T> {
    /// The place, after something was written there that stands for nothing.
    ///
    /// # Errors
    /// If the pointer is null.
    ///
    /// # Safety
    /// It is null, or can be written to as long as this exists.
    pub unsafe fn new(pointer: *mut T, nothing: T) -> Result<Out<T>> {
        let Some(place) = NonNull::new(pointer) else {
            bail!("there is no place for the result: its pointer is null");
        };
        // SAFETY: the caller's promise.
        unsafe { place.write(nothing) };
        Ok(Out(place))
    }

    /// Writes the result.
    pub fn set(self, result: T) {
        // SAFETY: who made this has promised that the place can be written to.
        unsafe { self.0.write(result) };
    }
}

/// A list of C's.
///
/// # Errors
/// If the pointer is null although there should be something.
///
/// # Safety
/// Unless it is null, that many things are there, and stay as they are as long as the slice is in use.
pub unsafe fn list<'a, T>(pointer: *const T, count: usize, what: &str) -> Result<&'a [T]> {
    match (pointer.is_null(), count) {
        (_, 0) => Ok(&[]),
        (true, _) => bail!("expected {count} {what}, found a null pointer"),
        // SAFETY: the caller's promise.
        (false, _) => Ok(unsafe { std::slice::from_raw_parts(pointer, count) }),
    }
}

/// Implements [`Handle`] for a type with a field `tag`.
macro_rules! handles {
    ($($ty:ty: $name:literal, $tag:literal;)*) => {$(
        impl $crate::pointer::Handle for $ty {
            const NAME: &'static str = $name;
            const TAG: $crate::pointer::Tag = $crate::pointer::Tag::new($tag);
            const TAG_OFFSET: usize = std::mem::offset_of!($ty, tag);
        }

        const _: () = {
            let tag_end = std::mem::offset_of!($ty, tag) + size_of::<$crate::pointer::Tag>();
            assert!(tag_end <= $crate::pointer::LEAST_BYTES);
            assert!($crate::pointer::LEAST_BYTES <= size_of::<$ty>());
        };
    )*};
}

pub(crate) use handles;

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C)]
    struct One {
        tag: Tag,
        _rest: [u64; 2],
    }

    /// Larger, and with the tag elsewhere.
    #[repr(C)]
    struct Other {
        _head: [u64; 2],
        tag: Tag,
        _rest: [u64; 9],
    }

    handles! {
        One: "wootz_one_t", b"wzONE___";
        Other: "wootz_other_t", b"wzOTHER_";
    }

    fn message<T>(result: Result<T>) -> String {
        result.err().expect("it is an error").to_string()
    }

    #[test]
    fn only_handles_of_the_right_kind_are_taken() {
        let one = give(One { tag: One::TAG, _rest: [0; 2] });
        // SAFETY: each points to a handle, or is null.
        unsafe {
            assert!(handle(one).is_ok());
            let found = message(handle(one.cast::<Other>()));
            assert_eq!(found, "expected a wootz_other_t, found a pointer to something else");
            let found = message(handle(std::ptr::null::<One>()));
            assert_eq!(found, "expected a wootz_one_t, found a null pointer");
            delete(one.cast::<Other>());
            delete(std::ptr::null_mut::<Other>());
            let mut taken = take(one).unwrap();
            let found = message(handle(&raw mut *taken));
            assert_eq!(found, "expected a wootz_one_t, found one that has been deleted");
        }
    }

    #[test]
    fn results_and_lists_need_a_place() {
        let mut place = 1;
        // SAFETY: each is null or points to the numbers that it should.
        unsafe {
            Out::new(&raw mut place, 0).unwrap();
            assert_eq!(place, 0, "what is there until there is a result");
            Out::new(&raw mut place, 0).unwrap().set(7);
            assert_eq!(place, 7);
            assert!(Out::new(std::ptr::null_mut(), 0).is_err());
            assert_eq!(list(&raw const place, 1, "numbers").unwrap(), [7]);
            assert!(list::<i32>(std::ptr::null(), 0, "numbers").unwrap().is_empty());
            let found = message(list::<i32>(std::ptr::null(), 2, "numbers"));
            assert_eq!(found, "expected 2 numbers, found a null pointer");
        }
    }
}
