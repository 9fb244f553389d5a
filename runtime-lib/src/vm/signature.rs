//! Function types, numbered once for the whole process: two functions have the same type exactly if their types have the
//! same number, whichever modules they come from.
//!
//! In: function types in the form in which they travel in artifacts. Out: [`Signature`]s. In the types of signatures,
//! `HeapType::Signature` holds such a number instead of an index into a module.
//!
//! Always true: a number means one type as long as any `Signature` with it exists; whoever keeps a number keeps one.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, PoisonError, RwLock, RwLockWriteGuard, Weak};

use crate::abi::index::SignatureIndex;
use crate::abi::types::{FuncType, HeapType, RefType, ValType};

/// A function type with its number in this process.
#[derive(Clone)]
pub struct Signature(Arc<Interned>);

struct Interned {
    id: u32,
    ty: FuncType,
    /// Keeps the numbers inside `ty` meaningful.
    _mentioned: Vec<Signature>,
}

#[derive(Default)]
struct Registry {
    by_type: HashMap<FuncType, u32>,
    /// By number, less one: 0 is never a signature's.
    by_id: Vec<Weak<Interned>>,
    /// Numbers that are free again.
    free: Vec<u32>,
}

static REGISTRY: LazyLock<RwLock<Registry>> = LazyLock::new(RwLock::default);

fn registry() -> RwLockWriteGuard<'static, Registry> {
    // A panic cannot leave it half-changed in a way that matters: at worst, a number is not used again.
    REGISTRY.write().unwrap_or_else(PoisonError::into_inner)
}

impl Signature {
    /// The signature of a type in whose references `HeapType::Signature` holds process-wide numbers.
    ///
    /// # Panics
    /// If it mentions a number that no signature has.
    pub fn new(ty: FuncType) -> Signature {
        let mentioned = ty.params.iter().chain(&ty.results).filter_map(|ty| match ty {
            ValType::Ref(RefType { heap: HeapType::Signature(id), .. }) => Some(id.0),
            _ => None,
        });
        let mentioned =
            mentioned.map(|id| Signature::by_id(id).expect("a signature that exists")).collect();
        let mut registry = registry();
        let slot = |id: u32| (id - 1) as usize;
        let known = registry.by_type.get(&ty).copied();
        if let Some(found) = known.and_then(|id| registry.by_id[slot(id)].upgrade()) {
            return Signature(found);
        }
        let id = registry.free.pop().unwrap_or_else(|| {
            registry.by_id.push(Weak::new());
            u32::try_from(registry.by_id.len())
                .expect("a process has fewer than 2^32 function types")
        });
        let interned = Arc::new(Interned { id, ty: ty.clone(), _mentioned: mentioned });
        registry.by_type.insert(ty, id);
        registry.by_id[slot(id)] = Arc::downgrade(&interned);
        Signature(interned)
    }

    /// The signature that has this number.
    pub fn by_id(id: u32) -> Option<Signature> {
        let registry = REGISTRY.read().unwrap_or_else(PoisonError::into_inner);
        registry.by_id.get((id as usize).checked_sub(1)?)?.upgrade().map(Signature)
    }

    /// The signatures of a module, in its order.
    ///
    /// # Errors
    /// If types refer to each other in a circle, or to types that the module does not have.
    pub fn of_module(types: &[FuncType]) -> Result<Vec<Signature>, UnresolvedTypes> {
        let mut found: Vec<Option<Signature>> = vec![None; types.len()];
        loop {
            let mut progress = false;
            for (position, ty) in types.iter().enumerate() {
                if found[position].is_none()
                    && let Some(ty) = resolved(ty, &found)
                {
                    found[position] = Some(Signature::new(ty));
                    progress = true;
                }
            }
            if found.iter().all(Option::is_some) {
                return Ok(found.into_iter().flatten().collect());
            }
            if !progress {
                return Err(UnresolvedTypes);
            }
        }
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.0.id
    }

    /// The type.
    pub fn ty(&self) -> &FuncType {
        &self.0.ty
    }
}

/// A module's function type with process-wide numbers, if all signatures it mentions have one.
fn resolved(ty: &FuncType, found: &[Option<Signature>]) -> Option<FuncType> {
    let all = |types: &[ValType]| {
        types.iter().map(|&ty| resolved_value(ty, found)).collect::<Option<Box<[_]>>>()
    };
    Some(FuncType { params: all(&ty.params)?, results: all(&ty.results)? })
}

fn resolved_value(ty: ValType, found: &[Option<Signature>]) -> Option<ValType> {
    match ty {
        ValType::Ref(RefType { nullable, heap: HeapType::Signature(index) }) => {
            let signature = found.get(index.index())?.as_ref()?;
            Some(ValType::Ref(RefType {
                nullable,
                heap: HeapType::Signature(SignatureIndex(signature.id())),
            }))
        }
        ty => Some(ty),
    }
}

/// Function types of a module refer to each other in a circle, or to types that it does not have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnresolvedTypes;

impl Drop for Interned {
    fn drop(&mut self) {
        let mut registry = registry();
        registry.free.push(self.id);
        // Somebody may have interned the same type again in the meantime, under another number.
        if registry.by_type.get(&self.ty) == Some(&self.id) {
            registry.by_type.remove(&self.ty);
        }
    }
}

impl PartialEq for Signature {
    fn eq(&self, other: &Signature) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Signature {}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature {} {}", self.id(), self.ty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ty(params: &[ValType], results: &[ValType]) -> FuncType {
        FuncType { params: params.into(), results: results.into() }
    }

    fn reference(index: u32) -> ValType {
        ValType::Ref(RefType { nullable: true, heap: HeapType::Signature(SignatureIndex(index)) })
    }

    #[test]
    fn equal_types_have_equal_numbers_while_in_use() {
        let one = Signature::new(ty(&[ValType::I32, ValType::V128], &[]));
        let same = Signature::new(ty(&[ValType::I32, ValType::V128], &[]));
        let other = Signature::new(ty(&[ValType::V128, ValType::I32], &[]));
        assert_eq!(one.id(), same.id());
        assert_ne!(one.id(), other.id());
        assert_eq!(Signature::by_id(one.id()), Some(same.clone()));
        drop((one, same));
        let again = Signature::new(ty(&[ValType::I32, ValType::V128], &[]));
        assert_eq!(Signature::by_id(again.id()), Some(again));
        assert_eq!(Signature::by_id(0), None);
    }

    #[test]
    fn numbers_of_types_that_are_gone_are_used_again() {
        // Of any number of types, few exist at a time.
        for bits in 0..10_000u32 {
            let value = |bit: u32| if bits >> bit & 1 == 0 { ValType::I64 } else { ValType::F64 };
            let params: Vec<ValType> = (0..14).map(value).collect();
            let inner = Signature::new(ty(&params, &[]));
            let outer = Signature::new(ty(&[reference(inner.id())], &params));
            drop(inner);
            assert!(outer.id() < 1_000, "{} types were made before", 2 * bits);
        }
    }

    #[test]
    fn types_that_mention_types_are_compared_by_structure() {
        let a =
            Signature::of_module(&[ty(&[reference(1)], &[]), ty(&[ValType::F32], &[])]).unwrap();
        let b =
            Signature::of_module(&[ty(&[ValType::F32], &[]), ty(&[reference(0)], &[])]).unwrap();
        assert_eq!(a[0], b[1]);
        assert_eq!(a[1], b[0]);
        assert_eq!(Signature::of_module(&[ty(&[reference(0)], &[])]), Err(UnresolvedTypes));
        assert_eq!(Signature::of_module(&[ty(&[reference(7)], &[])]), Err(UnresolvedTypes));
    }
}
