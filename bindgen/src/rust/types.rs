//! Types of values as Rust has them.
//!
//! Always true: each type has one Rust type, whichever way a function is called, so that a signature looks the same
//! whether or not the crate `wootz` can call it with types that are known when the program is compiled.

use wootz_runtime::abi::types::{FuncType, HeapType, RefType, ValType};

/// How many parameters or results the crate `wootz` takes as a tuple.
const LONGEST_TUPLE: usize = 17;

/// A type of values, as far as Rust knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    I32,
    I64,
    F32,
    F64,
    V128,
    /// A reference: the variant of `Val`, and what it refers to.
    Reference {
        variant: &'static str,
        target: &'static str,
        nullable: bool,
    },
}

fn kind(ty: ValType) -> Kind {
    match ty {
        ValType::I32 => Kind::I32,
        ValType::I64 => Kind::I64,
        ValType::F32 => Kind::F32,
        ValType::F64 => Kind::F64,
        ValType::V128 => Kind::V128,
        ValType::Ref(RefType { nullable, heap }) => {
            let (variant, target) = match heap {
                HeapType::Func | HeapType::NoFunc | HeapType::Signature(_) => {
                    ("FuncRef", "::wootz::Func")
                }
                HeapType::Extern | HeapType::NoExtern => {
                    ("ExternRef", "::wootz::Rooted<::wootz::ExternRef>")
                }
                HeapType::Any
                | HeapType::Eq
                | HeapType::I31
                | HeapType::Struct
                | HeapType::Array
                | HeapType::None
                | HeapType::StructType(_)
                | HeapType::ArrayType(_) => ("AnyRef", "::wootz::Rooted<::wootz::AnyRef>"),
                HeapType::Exn | HeapType::NoExn => ("ExnRef", "::wootz::Rooted<::wootz::ExnRef>"),
            };
            Kind::Reference { variant, target, nullable }
        }
    }
}

/// A type of values in Rust.
fn rust(ty: ValType) -> String {
    match kind(ty) {
        Kind::I32 => "i32".to_string(),
        Kind::I64 => "i64".to_string(),
        Kind::F32 => "f32".to_string(),
        Kind::F64 => "f64".to_string(),
        Kind::V128 => "::wootz::V128".to_string(),
        Kind::Reference { target, nullable: true, .. } => format!("Option<{target}>"),
        Kind::Reference { target, nullable: false, .. } => target.to_string(),
    }
}

/// A `Val` with something in it: as an expression, or as a pattern. Floats travel as their bits.
fn val(ty: ValType, inner: &str) -> String {
    match kind(ty) {
        Kind::I32 => format!("::wootz::Val::I32({inner})"),
        Kind::I64 => format!("::wootz::Val::I64({inner})"),
        Kind::F32 => format!("::wootz::Val::F32({inner})"),
        Kind::F64 => format!("::wootz::Val::F64({inner})"),
        Kind::V128 => format!("::wootz::Val::V128({inner})"),
        Kind::Reference { variant, nullable: true, .. } => {
            format!("::wootz::Val::{variant}({inner})")
        }
        Kind::Reference { variant, nullable: false, .. } => {
            format!("::wootz::Val::{variant}(Some({inner}))")
        }
    }
}

/// A value as a `Val`.
fn into_val(ty: ValType, value: &str) -> String {
    match kind(ty) {
        Kind::F32 | Kind::F64 => val(ty, &format!("{value}.to_bits()")),
        _ => val(ty, value),
    }
}

/// What the pattern found, as a value.
fn from_pattern(ty: ValType, value: &str) -> String {
    match kind(ty) {
        Kind::F32 => format!("f32::from_bits({value})"),
        Kind::F64 => format!("f64::from_bits({value})"),
        _ => value.to_string(),
    }
}

/// Whether a Rust type stands for exactly this type, in the eyes of the crate `wootz`.
fn is_exact(ty: ValType) -> bool {
    match ty {
        ValType::Ref(ty) => matches!(ty.heap, HeapType::Func | HeapType::Extern),
        _ => true,
    }
}

/// Whether a Rust type stands for this type or one that is wider.
fn is_covered(ty: ValType) -> bool {
    match kind(ty) {
        Kind::Reference { variant, .. } => matches!(variant, "FuncRef" | "ExternRef"),
        _ => true,
    }
}

/// A function's type, as Rust has it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature<'a> {
    ty: &'a FuncType,
}

impl<'a> Signature<'a> {
    /// That of a function type.
    pub fn new(ty: &'a FuncType) -> Signature<'a> {
        Signature { ty }
    }

    /// As the text format writes it.
    pub fn text(&self) -> String {
        self.ty.to_string()
    }

    /// Whether the host can call such a function as a `TypedFunc`: it passes the very types, and may take less
    /// of results.
    pub fn is_callable_with_types(&self) -> bool {
        self.fits_tuples()
            && self.ty.params.iter().all(|&ty| is_exact(ty))
            && self.ty.results.iter().all(|&ty| is_covered(ty))
    }

    /// Whether a closure can be such a function: its type has to be the very same.
    pub fn is_wrappable(&self) -> bool {
        let types = self.ty.params.iter().chain(&self.ty.results);
        self.fits_tuples() && types.into_iter().all(|&ty| is_exact(ty))
    }

    fn fits_tuples(&self) -> bool {
        self.ty.params.len() <= LONGEST_TUPLE && self.ty.results.len() <= LONGEST_TUPLE
    }

    /// The names of the parameters.
    pub fn arguments(&self) -> Vec<String> {
        (0..self.ty.params.len()).map(|position| format!("arg{position}")).collect()
    }

    /// The parameters: name and type.
    pub fn parameters(&self) -> Vec<String> {
        let types = self.ty.params.iter().map(|&ty| rust(ty));
        self.arguments().iter().zip(types).map(|(name, ty)| format!("{name}: {ty}")).collect()
    }

    /// The parameters as one type.
    pub fn parameter_type(&self) -> String {
        let types: Vec<String> = self.ty.params.iter().map(|&ty| rust(ty)).collect();
        tuple(&types)
    }

    /// The results as one type: nothing, one, or a tuple.
    pub fn result_type(&self) -> String {
        self.results_of(|ty, _| rust(ty))
    }

    /// The names of the results.
    pub fn result_names(&self) -> Vec<String> {
        (0..self.ty.results.len()).map(|position| format!("result{position}")).collect()
    }

    /// What takes the results apart, and what they are taken to together.
    pub fn result_pattern(&self) -> String {
        self.results_of(|_, name| name.to_string())
    }

    fn results_of(&self, of: impl Fn(ValType, &str) -> String) -> String {
        let names = self.result_names();
        let all: Vec<String> =
            self.ty.results.iter().zip(&names).map(|(&ty, name)| of(ty, name)).collect();
        match &*all {
            [one] => one.clone(),
            all => tuple(all),
        }
    }

    /// The arguments as `Val`s.
    pub fn argument_vals(&self) -> Vec<String> {
        vals(&self.ty.params, &self.arguments())
    }

    /// The results as `Val`s.
    pub fn result_vals(&self) -> Vec<String> {
        vals(&self.ty.results, &self.result_names())
    }

    /// The patterns of `Val`s that are the arguments.
    pub fn argument_patterns(&self) -> Vec<String> {
        patterns(&self.ty.params, &self.arguments())
    }

    /// The patterns of `Val`s that are the results.
    pub fn result_patterns(&self) -> Vec<String> {
        patterns(&self.ty.results, &self.result_names())
    }

    /// The arguments that their patterns found.
    pub fn found_arguments(&self) -> Vec<String> {
        let types = self.ty.params.iter();
        types.zip(self.arguments()).map(|(&ty, name)| from_pattern(ty, &name)).collect()
    }

    /// The results that their patterns found, together.
    pub fn found_results(&self) -> String {
        self.results_of(from_pattern)
    }
}

fn vals(types: &[ValType], names: &[String]) -> Vec<String> {
    types.iter().zip(names).map(|(&ty, name)| into_val(ty, name)).collect()
}

fn patterns(types: &[ValType], names: &[String]) -> Vec<String> {
    types.iter().zip(names).map(|(&ty, name)| val(ty, name)).collect()
}

/// A tuple of some things.
fn tuple(all: &[String]) -> String {
    match all {
        [one] => format!("({one},)"),
        all => format!("({})", all.join(", ")),
    }
}
