//! Types: asked, compared, printed; things of each type; and tags.

use wootz::{
    Config, Engine, Extern, ExternType, FuncType, Global, GlobalType, HeapType, MemoryType,
    Mutability, Ref, RefType, Store, TableType, Tag, TagType, Val, ValType,
};

fn binary(engine: &Engine) -> FuncType {
    FuncType::new(engine, [ValType::I32, ValType::I64], [ValType::F32])
}

#[test]
fn value_types_answer_questions() {
    let all = [ValType::I32, ValType::I64, ValType::F32, ValType::F64, ValType::V128];
    type Question = fn(&ValType) -> bool;
    let questions: [Question; 5] =
        [ValType::is_i32, ValType::is_i64, ValType::is_f32, ValType::is_f64, ValType::is_v128];
    for (i, ty) in all.iter().enumerate() {
        for (j, question) in questions.iter().enumerate() {
            assert_eq!(question(ty), i == j);
        }
        assert_eq!(ty.is_num(), !ty.is_v128());
        assert!(ty.as_ref().is_none() && ty.matches(ty) && ValType::eq(ty, ty));
    }
    assert!(ValType::FUNCREF.is_funcref() && !ValType::NULLFUNCREF.is_funcref());
    assert!(ValType::EXTERNREF.is_externref() && ValType::EXTERNREF.is_ref());
    assert_eq!(*ValType::EXTERNREF.unwrap_ref(), RefType::EXTERNREF);
    assert!(ValType::NULLEXTERNREF.matches(&ValType::EXTERNREF));
    assert!(!ValType::EXTERNREF.matches(&ValType::NULLEXTERNREF));
    assert!(!ValType::FUNCREF.matches(&ValType::EXTERNREF));
    assert!(!ValType::I32.matches(&ValType::I64));
}

#[test]
fn heap_types_form_two_hierarchies() {
    let engine = Engine::default();
    let concrete = HeapType::from(binary(&engine));
    for ty in [HeapType::Func, HeapType::NoFunc, concrete.clone()] {
        assert!(ty.matches(&HeapType::Func) && HeapType::NoFunc.matches(&ty));
        assert_eq!((ty.top(), ty.bottom()), (HeapType::Func, HeapType::NoFunc));
    }
    for ty in [HeapType::Extern, HeapType::NoExtern] {
        assert!(ty.matches(&HeapType::Extern) && HeapType::NoExtern.matches(&ty));
        assert_eq!((ty.top(), ty.bottom()), (HeapType::Extern, HeapType::NoExtern));
        assert!(!ty.matches(&concrete) && ty.is_abstract());
    }
    assert!(HeapType::Func.is_top() && HeapType::NoFunc.is_bottom());
    assert!(!concrete.is_top() && !concrete.is_bottom());
    assert!(concrete.is_concrete() && concrete.is_concrete_func());
    assert_eq!(*concrete.unwrap_concrete_func(), binary(&engine));
    assert!(HeapType::NoExtern.is_no_extern() && HeapType::NoFunc.is_no_func());
    assert!(HeapType::Extern.is_extern() && HeapType::Func.is_func());
    // What null belongs to is wider.
    let (null, some) =
        (RefType::new(true, concrete.clone()), RefType::new(false, concrete.clone()));
    assert!(some.matches(&null) && !null.matches(&some) && some.matches(&RefType::FUNCREF));
}

#[test]
fn types_print_as_the_text_format_has_them() {
    let engine = Engine::default();
    let concrete = HeapType::from(FuncType::new(&engine, [ValType::I32], []));
    let tag = TagType::new(FuncType::new(&engine, [ValType::I32, ValType::F64], []));
    for (found, expected) in [
        (ValType::I32.to_string(), "i32"),
        (ValType::V128.to_string(), "v128"),
        (ValType::NULLEXTERNREF.to_string(), "nullexternref"),
        (RefType::FUNCREF.to_string(), "funcref"),
        (RefType::new(false, HeapType::Extern).to_string(), "(ref extern)"),
        (RefType::new(true, concrete).to_string(), "(ref null (type (func (param i32))))"),
        (HeapType::NoFunc.to_string(), "nofunc"),
        (GlobalType::new(ValType::F32, Mutability::Const).to_string(), "(global f32)"),
        (GlobalType::new(ValType::F32, Mutability::Var).to_string(), "(global (mut f32))"),
        (TableType::new(RefType::FUNCREF, 1, Some(2)).to_string(), "(table 1 2 funcref)"),
        (TableType::new64(RefType::EXTERNREF, 1, None).to_string(), "(table i64 1 externref)"),
        (MemoryType::new(1, None).to_string(), "(memory 1)"),
        (MemoryType::new64(1, Some(2)).to_string(), "(memory i64 1 2)"),
        (MemoryType::shared(1, 2).to_string(), "(memory 1 2 shared)"),
        (tag.to_string(), "(tag (param i32 f64))"),
        (TagType::new(FuncType::new(&engine, [], [])).to_string(), "(tag)"),
        (ExternType::from(tag).to_string(), "(tag (param i32 f64))"),
        (ExternType::from(MemoryType::new(1, None)).to_string(), "(memory 1)"),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn function_types_are_compared_by_structure() {
    let engine = Engine::default();
    let ty = binary(&engine);
    assert_eq!(
        (ty.param(0), ty.param(1), ty.param(2)),
        (Some(ValType::I32), Some(ValType::I64), None)
    );
    assert_eq!((ty.result(0), ty.result(1)), (Some(ValType::F32), None));
    assert_eq!((ty.params().len(), ty.results().len()), (2, 1));
    let again = FuncType::try_new(&engine, [ValType::I32, ValType::I64], [ValType::F32]).unwrap();
    assert!(FuncType::eq(&ty, &again) && ty.matches(&again));
    assert!(!ty.matches(&FuncType::new(&engine, [ValType::I32], [ValType::F32])));
}

#[test]
fn the_types_of_externs_are_told_apart() {
    let engine = Engine::default();
    let types = [
        ExternType::from(binary(&engine)),
        GlobalType::new(ValType::I32, Mutability::Const).into(),
        TableType::new(RefType::FUNCREF, 0, None).into(),
        MemoryType::new(0, None).into(),
        TagType::new(FuncType::new(&engine, [], [])).into(),
    ];
    for (position, ty) in types.iter().enumerate() {
        let found = [
            ty.func().is_some(),
            ty.global().is_some(),
            ty.table().is_some(),
            ty.memory().is_some(),
            ty.tag().is_some(),
        ];
        assert_eq!(found.iter().filter(|&&found| found).count(), 1);
        assert!(found[position]);
    }
    assert_eq!(types[0].unwrap_func(), &binary(&engine));
    assert!(types[1].unwrap_global().mutability().is_const());
    assert_eq!(types[2].unwrap_table().minimum(), 0);
    assert_eq!(types[3].unwrap_memory().page_size(), 65536);
    assert_eq!(types[4].unwrap_tag().ty().params().len(), 0);
}

#[test]
#[should_panic(expected = "expected the type of a memory")]
fn the_wrong_type_of_an_extern_panics() {
    ExternType::from(TableType::new(RefType::FUNCREF, 0, None)).unwrap_memory();
}

#[test]
fn memory_types_are_checked_when_they_are_built() {
    let built = MemoryType::builder().min(2).max(Some(3)).page_size_log2(0).build().unwrap();
    assert_eq!((built.minimum(), built.maximum(), built.page_size()), (2, Some(3), 1));
    assert_eq!((built.page_size_log2(), built.is_64(), built.is_shared()), (0, false, false));
    let built = MemoryType::builder().memory64(true).min(1 << 20).build().unwrap();
    assert!(built.is_64() && built.maximum().is_none());
    for (wrong, words) in [
        (MemoryType::builder().shared(true), "must have a maximum"),
        (MemoryType::builder().page_size_log2(3), "2**16 or 2**0"),
        (MemoryType::builder().min(65537), "exceed the 65536"),
        (MemoryType::builder().min(4).max(Some(3)), "maximum page size cannot be smaller"),
    ] {
        let error = wrong.build().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn each_type_has_a_default() {
    let mut config = Config::new();
    config.shared_memory(true);
    let engine = Engine::new(&config).unwrap();
    let mut store = Store::new(&engine, ());
    assert!(matches!(ValType::I64.default_value(), Some(Val::I64(0))));
    assert!(matches!(ValType::FUNCREF.default_value(), Some(Val::FuncRef(None))));
    let some = RefType::new(false, HeapType::Func);
    assert!(ValType::Ref(some.clone()).default_value().is_none());

    let func = ExternType::from(binary(&engine)).default_value(&mut store).unwrap();
    let func = func.into_func().unwrap();
    let mut results = [Val::I32(7)];
    func.call(&mut store, &[Val::I32(1), Val::I64(2)], &mut results).unwrap();
    assert!(matches!(results, [Val::F32(0)]));
    let global = GlobalType::new(ValType::EXTERNREF, Mutability::Var);
    let global = global.default_value(&mut store).unwrap();
    assert!(matches!(global.get(&mut store), Val::ExternRef(None)));
    let table = TableType::new(RefType::FUNCREF, 3, None).default_value(&mut store).unwrap();
    assert_eq!(table.size(&store), 3);
    assert!(matches!(table.get(&mut store, 2), Some(Ref::Func(None))));
    let memory = MemoryType::new(2, None).default_value(&mut store).unwrap();
    assert_eq!(memory.into_memory().unwrap().size(&store), 2);
    let memory = ExternType::from(MemoryType::shared(2, 3)).default_value(&mut store).unwrap();
    assert_eq!(memory.into_shared_memory().unwrap().size(), 2);

    let none = FuncType::new(&engine, [], [ValType::Ref(some.clone())]);
    assert!(none.default_value(&mut store).is_err());
    assert!(TableType::new(some.clone(), 1, None).default_value(&mut store).is_err());
    assert!(GlobalType::new(some.into(), Mutability::Var).default_value(&mut store).is_err());
}

#[test]
fn tags_are_equal_only_to_themselves() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let ty = TagType::new(FuncType::new(&engine, [ValType::I32], []));
    let (a, b) = (Tag::new(&mut store, &ty).unwrap(), Tag::new(&mut store, &ty).unwrap());
    let same = a;
    assert!(Tag::eq(&a, &same, &store) && !Tag::eq(&a, &b, &store));
    assert_eq!(a.ty(&store), ty);
    let item = Extern::from(b);
    assert_eq!(item.ty(&store).unwrap_tag(), &ty);
    assert!(Tag::eq(&item.clone().into_tag().unwrap(), &b, &store));
    assert!(item.into_memory().is_none());
    let foreign = TagType::new(FuncType::new(&Engine::default(), [], []));
    assert_eq!(
        Tag::new(&mut store, &foreign).unwrap_err().to_string(),
        "type used with wrong engine"
    );
    let global =
        Global::new(&mut store, GlobalType::new(ValType::I32, Mutability::Var), Val::I32(1));
    assert!(Extern::from(global.unwrap()).into_tag().is_none());
}

#[test]
#[should_panic(expected = "wrong store")]
fn tags_belong_to_a_store() {
    let engine = Engine::default();
    let ty = TagType::new(FuncType::new(&engine, [], []));
    let tag = Tag::new(&mut Store::new(&engine, ()), &ty).unwrap();
    tag.ty(Store::new(&engine, ()));
}

#[test]
fn chains_of_types_may_be_long() {
    let chain = || {
        let engine = Engine::default();
        let mut last = FuncType::new(&engine, [], [ValType::V128]);
        for _ in 0..20_000 {
            last = FuncType::new(&engine, [RefType::new(true, last.into()).into()], []);
        }
    };
    // What takes stack for each type of a chain does not get far with so little.
    std::thread::Builder::new().stack_size(1 << 18).spawn(chain).unwrap().join().unwrap();
}
