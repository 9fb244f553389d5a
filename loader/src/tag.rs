//! Tags of exceptions, made by the host.
//!
//! In this version modules with tags are refused when they are loaded, so nothing can be thrown with one yet.

use anyhow::{Result, ensure};

use crate::engine::Engine;
use crate::handle::Tag;
use crate::store::{AsContext, AsContextMut};
use crate::types::TagType;

impl Tag {
    /// A new tag, different from all others.
    ///
    /// # Errors
    /// If the type belongs to another engine.
    pub fn new(mut store: impl AsContextMut, ty: &TagType) -> Result<Tag> {
        let core = &mut store.as_context_mut().0.core;
        ensure!(Engine::same(core.engine(), ty.ty().engine()), "type used with wrong engine");
        Ok(Tag { store: core.id(), index: core.add_tag(ty.clone()) })
    }

    /// Its type.
    ///
    /// # Panics
    /// If it belongs to another store.
    pub fn ty(&self, store: impl AsContext) -> TagType {
        let core = &store.as_context().0.core;
        core.id().assert_owns(self.store);
        core.tag(self.index).clone()
    }

    /// Whether two are the same tag. (Two tags of the same type are different.)
    ///
    /// # Panics
    /// If one belongs to another store.
    pub fn eq(a: &Tag, b: &Tag, store: impl AsContext) -> bool {
        let core = &store.as_context().0.core;
        core.id().assert_owns(a.store);
        core.id().assert_owns(b.store);
        a.index == b.index
    }
}
