//! Types that modules define, numbered once for the whole process: two functions have the same type exactly if their types
//! have the same number, whichever modules they come from.
//!
//! In: types in the form in which they travel in artifacts, in the groups in which they were defined (WebAssembly core
//! specification, section 3.1.3, "Defined types"). Out: [`Signature`]s and [`Object`]s. In their types, `HeapType::Signature`
//! and its kin hold such a number instead of an index into a module.
//!
//! Types are equal if they are the same member of equal groups. Groups are compared with what they mention of themselves
//! written as a place in the group, and everything else as a number.
//!
//! Always true: a number means one type as long as anything of its group exists; whoever keeps a number keeps one.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::sync::{Arc, LazyLock, PoisonError, RwLock, RwLockWriteGuard, Weak};

use crate::abi::index::{ObjectTypeIndex, SignatureIndex};
use crate::abi::manifest::Manifest;
use crate::abi::types::{CompositeType, FuncType, HeapType, ValType};

/// A function type with its number in this process.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature(Member);

/// A struct or array type with its number in this process.
#[derive(Clone, PartialEq, Eq)]
pub struct Object(Member);

/// A type as a member of its group.
#[derive(Clone)]
struct Member {
    group: Arc<Group>,
    position: usize,
}

struct Group {
    /// The numbers of its members.
    ids: Vec<u32>,
    /// What it is compared by.
    key: Key,
    /// Its members, with numbers for all types they mention.
    types: Arc<[CompositeType]>,
    /// Keeps the numbers of other groups inside of them meaningful.
    mentioned: Vec<Arc<Group>>,
}

/// The types of a group, with their hash, which is needed several times. Numbers from [`WITHIN`] on are places in it.
#[derive(Clone, PartialEq, Eq)]
struct Key {
    hash: u64,
    types: Arc<[CompositeType]>,
}

impl Key {
    fn new(types: Arc<[CompositeType]>) -> Key {
        static HASHES: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        Key { hash: HASHES.hash_one(&types), types }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// Takes the hash of a [`Key`] as it is.
#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys write one number");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Where places in a group begin. A process has fewer types.
const WITHIN: u32 = 1 << 31;

#[derive(Default)]
struct Registry {
    by_key: HashMap<Key, Weak<Group>, BuildHasherDefault<KeyHasher>>,
    /// By number, less one: 0 is never a type's.
    by_id: Vec<(Weak<Group>, usize)>,
    /// Numbers that are free again.
    free: Vec<u32>,
}

static REGISTRY: LazyLock<RwLock<Registry>> = LazyLock::new(RwLock::default);

fn registry() -> RwLockWriteGuard<'static, Registry> {
    // A panic cannot leave it half-changed in a way that matters: at worst, a number is not used again.
    REGISTRY.write().unwrap_or_else(PoisonError::into_inner)
}

/// The number in a heap type that has one.
fn number_of(heap: HeapType) -> Option<u32> {
    match heap {
        HeapType::Signature(index) => Some(index.0),
        HeapType::StructType(index) | HeapType::ArrayType(index) => Some(index.0),
        _ => None,
    }
}

/// The same heap type with another number.
fn with_number(heap: HeapType, number: u32) -> HeapType {
    match heap {
        HeapType::Signature(_) => HeapType::Signature(SignatureIndex(number)),
        HeapType::StructType(_) => HeapType::StructType(ObjectTypeIndex(number)),
        HeapType::ArrayType(_) => HeapType::ArrayType(ObjectTypeIndex(number)),
        other => other,
    }
}

impl Group {
    /// The group of these types.
    ///
    /// # Panics
    /// If it mentions a number that no type has.
    fn intern(types: Arc<[CompositeType]>) -> Arc<Group> {
        let key = Key::new(types);
        if !key.types.iter().any(mentions_types) {
            let mut registry = registry();
            return registry.find(&key).unwrap_or_else(|| {
                let ids = key.types.iter().map(|_| registry.new_id()).collect();
                registry.add(Group { types: key.types.clone(), key, mentioned: Vec::new(), ids })
            });
        }
        let mut mentioned = Vec::new();
        for ty in &*key.types {
            ty.map(&mut |heap| {
                if let Some(id) = number_of(heap).filter(|&id| id < WITHIN) {
                    mentioned.push(Member::by_id(id).expect("a type that exists").group);
                }
                Some(heap)
            });
        }
        let mut registry = registry();
        if let Some(found) = registry.find(&key) {
            // What is mentioned may not be dropped while the registry is locked.
            drop(registry);
            return found;
        }
        let ids: Vec<u32> = key.types.iter().map(|_| registry.new_id()).collect();
        let numbered = |heap: HeapType| {
            let place = number_of(heap).and_then(|number| number.checked_sub(WITHIN));
            Some(place.map_or(heap, |place| with_number(heap, ids[place as usize])))
        };
        let types = key.types.iter().filter_map(|ty| ty.map(&mut { numbered })).collect();
        registry.add(Group { types, key, mentioned, ids })
    }
}

/// Whether other types are mentioned in a type, which most do not do. May say yes where there are none.
fn mentions_types(ty: &CompositeType) -> bool {
    match ty {
        CompositeType::Func(ty) => mentions_type(ty),
        CompositeType::Object(_) => true,
    }
}

fn mentions_type(ty: &FuncType) -> bool {
    let mut values = ty.params.iter().chain(&*ty.results);
    values.any(|value| matches!(value, ValType::Ref(ty) if number_of(ty.heap).is_some()))
}

/// The place of a number in the registry.
fn slot(id: u32) -> usize {
    (id - 1) as usize
}

impl Registry {
    fn find(&self, key: &Key) -> Option<Arc<Group>> {
        self.by_key.get(key).and_then(Weak::upgrade)
    }

    fn add(&mut self, group: Group) -> Arc<Group> {
        let group = Arc::new(group);
        self.by_key.insert(group.key.clone(), Arc::downgrade(&group));
        for (position, &id) in group.ids.iter().enumerate() {
            self.by_id[slot(id)] = (Arc::downgrade(&group), position);
        }
        group
    }

    fn new_id(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.by_id.push((Weak::new(), 0));
            let id = u32::try_from(self.by_id.len()).ok().filter(|&id| id < WITHIN);
            id.expect("a process has fewer than 2^31 types")
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let mut registry = registry();
        registry.free.extend(&self.ids);
        // Somebody may have interned the same types again in the meantime, under other numbers.
        if registry.by_key.get(&self.key).is_some_and(|group| group.strong_count() == 0) {
            registry.by_key.remove(&self.key);
        }
        drop(registry);
        // One after the other: each may be the last to mention one more, and chains are as long as modules make them.
        let mut mentioned = std::mem::take(&mut self.mentioned);
        while let Some(group) = mentioned.pop() {
            if let Some(mut group) = Arc::into_inner(group) {
                mentioned.append(&mut group.mentioned);
            }
        }
    }
}

impl Member {
    fn by_id(id: u32) -> Option<Member> {
        let registry = REGISTRY.read().unwrap_or_else(PoisonError::into_inner);
        let (group, position) = registry.by_id.get((id as usize).checked_sub(1)?)?;
        Some(Member { group: group.upgrade()?, position: *position })
    }

    fn id(&self) -> u32 {
        self.group.ids[self.position]
    }

    fn ty(&self) -> &CompositeType {
        &self.group.types[self.position]
    }
}

impl PartialEq for Member {
    fn eq(&self, other: &Member) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Member {}

impl Signature {
    /// The signature of a type that is a group of its own, in whose references process-wide numbers stand for types.
    ///
    /// # Panics
    /// If it mentions a number that no type has.
    pub fn new(ty: FuncType) -> Signature {
        Signature(Member { group: Group::intern(Arc::new([CompositeType::Func(ty)])), position: 0 })
    }

    /// The signature that has this number.
    pub fn by_id(id: u32) -> Option<Signature> {
        let member = Member::by_id(id)?;
        matches!(member.ty(), CompositeType::Func(_)).then_some(Signature(member))
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// The type.
    pub fn ty(&self) -> &FuncType {
        match self.0.ty() {
            CompositeType::Func(ty) => ty,
            CompositeType::Object(_) => unreachable!("signatures are made of function types only"),
        }
    }
}

impl Object {
    /// The type that has this number.
    pub fn by_id(id: u32) -> Option<Object> {
        let member = Member::by_id(id)?;
        matches!(member.ty(), CompositeType::Object(_)).then_some(Object(member))
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

/// The types that a module defines.
#[derive(Debug)]
pub struct ModuleTypes {
    /// By [`SignatureIndex`].
    pub signatures: Vec<Signature>,
    /// By [`ObjectTypeIndex`].
    pub objects: Vec<Object>,
}

/// Types of a module refer to types that come later, or that it does not have, or groups contradict each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnresolvedTypes;

impl ModuleTypes {
    /// Whether a module has function types only, none of which mentions another one, as most modules do. Then
    /// [`of`](Self::of) finds all of them.
    pub fn are_plain(manifest: &Manifest) -> bool {
        manifest.type_groups.is_empty()
            && manifest.object_types.is_empty()
            && !manifest.signatures.iter().any(mentions_type)
    }

    /// The types of a module, by the numbers they have in this process.
    ///
    /// # Errors
    /// If types refer to others that are not in their group and not known before, or that the module does not have.
    pub fn of(manifest: &Manifest) -> Result<ModuleTypes, UnresolvedTypes> {
        Resolver::new(manifest).resolve().ok_or(UnresolvedTypes)
    }

    /// A heap type of the module with a process-wide number.
    pub fn resolve(&self, heap: HeapType) -> HeapType {
        let id = match heap {
            HeapType::Signature(index) => self.signatures[index.index()].id(),
            HeapType::StructType(index) | HeapType::ArrayType(index) => {
                self.objects[index.index()].id()
            }
            other => return other,
        };
        with_number(heap, id)
    }
}

/// What is known of a module's types so far.
struct Resolver<'a> {
    manifest: &'a Manifest,
    signatures: Vec<Option<Signature>>,
    objects: Vec<Option<Object>>,
}

impl<'a> Resolver<'a> {
    fn new(manifest: &'a Manifest) -> Resolver<'a> {
        Resolver {
            manifest,
            signatures: vec![None; manifest.signatures.len()],
            objects: vec![None; manifest.object_types.len()],
        }
    }

    fn resolve(mut self) -> Option<ModuleTypes> {
        let manifest = self.manifest;
        if manifest.type_groups.is_empty() {
            for position in 0..manifest.signatures.len() {
                self.add(&[HeapType::Signature(SignatureIndex::from_position(position))])?;
            }
        }
        for group in &manifest.type_groups {
            self.add(group)?;
        }
        Some(ModuleTypes {
            signatures: self.signatures.into_iter().collect::<Option<_>>()?,
            objects: self.objects.into_iter().collect::<Option<_>>()?,
        })
    }

    /// Adds the types of a group, if everything else that they mention is known.
    fn add(&mut self, members: &[HeapType]) -> Option<()> {
        if let &[HeapType::Signature(index)] = members {
            let ty = CompositeType::Func(self.manifest.signatures.get(index.index())?.clone());
            if !mentions_types(&ty) {
                let group = Group::intern(Arc::new([ty]));
                self.signatures[index.index()] = Some(Signature(Member { group, position: 0 }));
                return Some(());
            }
        }
        let places: HashMap<HeapType, u32> = members.iter().copied().zip(WITHIN..).collect();
        let key: Option<Arc<[CompositeType]>> = members
            .iter()
            .map(|&member| {
                self.ty(member)?.map(&mut |heap| {
                    let found = self.known(heap)?;
                    let number = found.or_else(|| places.get(&heap).copied());
                    if number.is_none() && number_of(heap).is_some() {
                        return None;
                    }
                    Some(number.map_or(heap, |number| with_number(heap, number)))
                })
            })
            .collect();
        let group = Group::intern(key?);
        for (position, &member) in members.iter().enumerate() {
            let found = Member { group: group.clone(), position };
            match member {
                HeapType::Signature(index) => {
                    self.signatures[index.index()] = Some(Signature(found));
                }
                HeapType::StructType(index) | HeapType::ArrayType(index) => {
                    self.objects[index.index()] = Some(Object(found));
                }
                _ => return None,
            }
        }
        Some(())
    }

    fn ty(&self, member: HeapType) -> Option<CompositeType> {
        let manifest = self.manifest;
        Some(match member {
            HeapType::Signature(index) => {
                CompositeType::Func(manifest.signatures.get(index.index())?.clone())
            }
            HeapType::StructType(index) | HeapType::ArrayType(index) => {
                CompositeType::Object(manifest.object_types.get(index.index())?.clone())
            }
            _ => return None,
        })
    }

    /// The number of a type, if it has one yet. Nothing at all if the module has no such type.
    fn known(&self, heap: HeapType) -> Option<Option<u32>> {
        Some(match heap {
            HeapType::Signature(index) => {
                self.signatures.get(index.index())?.as_ref().map(Signature::id)
            }
            HeapType::StructType(index) | HeapType::ArrayType(index) => {
                self.objects.get(index.index())?.as_ref().map(Object::id)
            }
            _ => None,
        })
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature {} {}", self.id(), self.ty())
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object {} {:?}", self.id(), self.0.ty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::types::RefType;

    fn ty(params: &[ValType], results: &[ValType]) -> FuncType {
        FuncType { params: params.into(), results: results.into() }
    }

    fn reference(index: u32) -> ValType {
        ValType::Ref(RefType { nullable: true, heap: HeapType::Signature(SignatureIndex(index)) })
    }

    fn module(
        signatures: &[FuncType],
        groups: &[&[u32]],
    ) -> Result<Vec<Signature>, UnresolvedTypes> {
        let member = |&index: &u32| HeapType::Signature(SignatureIndex(index));
        let manifest = Manifest {
            signatures: signatures.to_vec(),
            type_groups: groups.iter().map(|group| group.iter().map(member).collect()).collect(),
            ..Manifest::default()
        };
        ModuleTypes::of(&manifest).map(|types| types.signatures)
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
            module(&[ty(&[reference(1)], &[]), ty(&[ValType::F32], &[])], &[&[1], &[0]]).unwrap();
        let b = module(&[ty(&[ValType::F32], &[]), ty(&[reference(0)], &[])], &[]).unwrap();
        assert_eq!(a[0], b[1]);
        assert_eq!(a[1], b[0]);
        assert_eq!(
            module(&[ty(&[reference(1)], &[]), ty(&[], &[])], &[]),
            Err(UnresolvedTypes),
            "groups mention only what comes before them"
        );
        assert_eq!(module(&[ty(&[reference(7)], &[])], &[]), Err(UnresolvedTypes));
        assert_eq!(module(&[ty(&[], &[])], &[&[0, 7]]), Err(UnresolvedTypes));
    }

    #[test]
    fn types_are_equal_as_the_same_part_of_an_equal_group() {
        let plain = || ty(&[], &[]);
        let pair = module(&[plain(), plain()], &[&[0, 1]]).unwrap();
        let same = module(&[plain(), plain(), plain()], &[&[0], &[1, 2]]).unwrap();
        assert_eq!(pair, same[1..]);
        assert_ne!(pair[0], pair[1]);
        assert_ne!(pair[0], same[0]);
        assert_eq!(same[0], Signature::new(plain()));
        // A group of one is like no group.
        assert_eq!(module(&[plain()], &[&[0]]).unwrap()[0], same[0]);
    }

    #[test]
    fn types_that_mention_themselves_are_compared_too() {
        let a = module(&[ty(&[reference(1)], &[]), ty(&[], &[reference(0)])], &[&[0, 1]]).unwrap();
        let b = module(&[ty(&[], &[reference(1)]), ty(&[reference(0)], &[])], &[&[1, 0]]).unwrap();
        assert_eq!((&a[0], &a[1]), (&b[1], &b[0]));
        assert_eq!(a[0].ty().params[..], [reference(a[1].id())]);
        let other_order =
            module(&[ty(&[], &[reference(1)]), ty(&[reference(0)], &[])], &[&[0, 1]]).unwrap();
        assert_ne!(a[0], other_order[1]);
        let alone = module(&[ty(&[reference(0)], &[])], &[&[0]]).unwrap();
        assert_eq!(alone[0].ty().params[..], [reference(alone[0].id())]);
        assert_eq!(alone, module(&[ty(&[reference(0)], &[])], &[&[0]]).unwrap());
    }
}
