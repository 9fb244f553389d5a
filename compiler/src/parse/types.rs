//! Defined types, in the groups in which a module defines them (WebAssembly core specification, section 3.1.3).
//!
//! In: a type section. Out: the module's signatures and object types, each once, and which were defined together.
//!
//! Always true: a group that equals an earlier one is that one. Groups are compared with what they mention of themselves
//! written as a place in the group.

use wasmparser::{CompositeInnerType, RecGroup, SubType};
use wootz_runtime::abi::index::{ObjectTypeIndex, SignatureIndex};
use wootz_runtime::abi::types::{CompositeType, FieldType, HeapType, ObjectType, StorageType};

use super::Module;
use super::convert::val_type;
use crate::error::{Error, Result};

/// Where places in a group begin; fewer types come before.
const WITHIN: u32 = 1 << 31;

/// Adds a group of types.
///
/// # Errors
/// If one is above or below others, for which the `gc` proposal is needed.
pub(super) fn add(module: &mut Module<'_>, group: RecGroup) -> Result<()> {
    let start = module.types.len();
    let types: Vec<(u64, SubType)> = group.into_types_and_offsets().collect();
    // As long as it is not known whether there was such a group, its members are places in it.
    for (place, (_, ty)) in (WITHIN..).zip(&types) {
        module.types.push(match ty.composite_type.inner {
            CompositeInnerType::Func(_) => HeapType::Signature(SignatureIndex(place)),
            CompositeInnerType::Array(_) => HeapType::ArrayType(ObjectTypeIndex(place)),
            _ => HeapType::StructType(ObjectTypeIndex(place)),
        });
    }
    let key = types
        .iter()
        .map(|(offset, ty)| composite_type(module, ty, *offset))
        .collect::<Result<Vec<CompositeType>>>()?;
    let members = match module.group_of.get(&key) {
        Some(members) => members.clone(),
        None => define(module, key),
    };
    module.types.truncate(start);
    module.types.extend(members);
    Ok(())
}

/// Defines a group that there was not yet.
fn define(module: &mut Module<'_>, key: Vec<CompositeType>) -> Vec<HeapType> {
    let (signatures, mut objects) = (module.signatures.len(), module.object_types.len());
    let mut next_signature = signatures;
    let next = |count: &mut usize| std::mem::replace(count, *count + 1);
    let members: Vec<HeapType> = key
        .iter()
        .map(|ty| match ty {
            CompositeType::Func(_) => {
                HeapType::Signature(SignatureIndex::from_position(next(&mut next_signature)))
            }
            CompositeType::Object(ObjectType::Struct(_)) => {
                HeapType::StructType(ObjectTypeIndex::from_position(next(&mut objects)))
            }
            CompositeType::Object(ObjectType::Array(_)) => {
                HeapType::ArrayType(ObjectTypeIndex::from_position(next(&mut objects)))
            }
        })
        .collect();
    let mut mentions_itself = false;
    for ty in &key {
        let defined = ty.map(&mut |heap| {
            let place = place(heap);
            mentions_itself |= place.is_some();
            Some(place.map_or(heap, |place| members[place]))
        });
        match defined.expect("every heap type is replaced") {
            CompositeType::Func(ty) => module.signatures.push(ty),
            CompositeType::Object(ty) => module.object_types.push(ty),
        }
    }
    // Groups are told from the first one on that is more than a signature.
    let is_signature = matches!(members[..], [HeapType::Signature(_)]) && !mentions_itself;
    if !is_signature && module.type_groups.is_empty() {
        let alone = |i| vec![HeapType::Signature(SignatureIndex::from_position(i))];
        module.type_groups = (0..signatures).map(alone).collect();
    }
    if !is_signature || !module.type_groups.is_empty() {
        module.type_groups.push(members.clone());
    }
    module.group_of.insert(key, members.clone());
    members
}

/// The place in the group that a heap type stands for.
fn place(heap: HeapType) -> Option<usize> {
    let number = match heap {
        HeapType::Signature(index) => index.0,
        HeapType::StructType(index) | HeapType::ArrayType(index) => index.0,
        _ => return None,
    };
    number.checked_sub(WITHIN).map(|place| place as usize)
}

fn composite_type(module: &Module<'_>, ty: &SubType, offset: u64) -> Result<CompositeType> {
    if !ty.is_final || !ty.supertype_idxs.is_empty() {
        return Err(Error::needs("gc", "subtypes are not supported", offset));
    }
    let field = |field: &wasmparser::FieldType| FieldType {
        storage: match field.element_type {
            wasmparser::StorageType::I8 => StorageType::I8,
            wasmparser::StorageType::I16 => StorageType::I16,
            wasmparser::StorageType::Val(ty) => StorageType::Val(val_type(module, ty)),
        },
        mutable: field.mutable,
    };
    Ok(match &ty.composite_type.inner {
        CompositeInnerType::Func(ty) => CompositeType::Func(module.func_type(ty)),
        CompositeInnerType::Struct(ty) => {
            CompositeType::Object(ObjectType::Struct(ty.fields.iter().map(field).collect()))
        }
        CompositeInnerType::Array(ty) => CompositeType::Object(ObjectType::Array(field(&ty.0))),
        CompositeInnerType::Cont(_) => {
            unreachable!("validation admits neither continuations nor what comes after them")
        }
    })
}
