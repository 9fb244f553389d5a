//! `wootz bindgen`: bindings of modules in every form.

mod common;

use common::Directory;

const MODULE: &str = r#"(module $shop
    (import "shop" "price" (func (param i32) (result i64)))
    (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))
    (func (export "total") (param i32 i32) (result i64) i64.const 0))"#;

#[test]
fn modules_in_every_form_have_the_same_bindings() {
    let directory = Directory::new();
    directory.compile("shop", MODULE);
    directory.write("shop.wasm", wat::parse_str(MODULE).unwrap());
    directory.wootz(&["compile", "shop.wat", "--emit", "object"]).succeeds();
    let [text, binary, library, object] = ["shop.wat", "shop.wasm", "shop.so", "shop.o"]
        .map(|file| directory.wootz(&["bindgen", file, "--lang", "rust"]).succeeds());
    assert!(text.contains("pub struct Shop {") && text.contains("pub fn total("), "{text}");
    // The type of the module has the name of the trait.
    assert!(text.contains("pub trait ShopImports:") && text.contains("pub trait Wasi:"), "{text}");
    assert_eq!(text, binary);
    assert_eq!(text, library);
    assert_eq!(text, object);

    let input = directory.read("shop.wasm");
    let arguments = ["bindgen", "-", "--lang", "rust", "--name", "shop", "-o", "shop.rs"];
    assert_eq!(directory.wootz_with_input(&arguments, &input).succeeds(), "");
    assert_eq!(directory.read("shop.rs"), text.as_bytes());
}

#[test]
fn bindings_are_as_they_are_asked_for() {
    let directory = Directory::new();
    directory.write("shop-1.2.wat", MODULE);
    let wootz = |more: &[&str]| {
        directory.wootz(&[&["bindgen", "shop-1.2.wat", "--lang", "rust"], more].concat())
    };
    wootz(&[]).fails(2, &["`shop-1.2.wat`", "`--name`"]);
    wootz(&["--name", "my shop"]).fails(1, &["`my shop`", "letters"]);
    wootz(&["--name", "shop", "--prefix", "my-shop"]).fails(2, &["`my-shop`", "C identifier"]);
    let linked = wootz(&["--name", "my_shop", "--prefix", "shop"]).succeeds();
    assert!(linked.contains("pub struct MyShop {"), "{linked}");
    assert!(linked.contains("(engine, shop_wootz_module)"), "{linked}");
    let plain = wootz(&["--name", "shop", "--no-wasi"]).succeeds();
    assert!(plain.contains("pub trait WasiSnapshotPreview1:"), "{plain}");
}

#[test]
fn headers_are_for_objects_of_one_prefix() {
    let directory = Directory::new();
    directory.compile("shop", MODULE);
    let header = directory.wootz(&["bindgen", "shop.so", "--lang", "c"]).succeeds();
    assert!(header.contains("*shop_total(struct shop *instance,"), "{header}");
    assert_eq!(header, directory.wootz(&["bindgen", "shop.wat", "--lang", "c"]).succeeds());
    let prefix = ["bindgen", "shop.wat", "--lang", "c", "--prefix", "my_shop", "-o", "shop.h"];
    directory.wootz(&prefix).succeeds();
    let header = String::from_utf8(directory.read("shop.h")).unwrap();
    assert!(header.contains("*my_shop_total(struct my_shop *instance,"), "{header}");
    // An object says itself what its symbols begin with, whatever it is called.
    let compile =
        ["compile", "shop.wat", "--emit", "object", "--prefix", "old_shop", "-o", "new.o"];
    directory.wootz(&compile).succeeds();
    let header = directory.wootz(&["bindgen", "new.o", "--lang", "c"]).succeeds();
    assert!(header.contains("*old_shop_total(struct old_shop *instance,"), "{header}");
    for (prefix, words) in [("my-shop", "no C identifier"), ("wootz", "belongs to the library")] {
        let arguments = ["bindgen", "shop.wat", "--lang", "c", "--prefix", prefix];
        directory.wootz(&arguments).fails(1, &["`shop.wat`", &format!("`{prefix}`"), words]);
    }
    let rust = ["bindgen", "shop.wat", "--lang", "rust", "--prefix", "my-shop"];
    directory.wootz(&rust).fails(2, &["`my-shop`", "no C identifier"]);
    directory.wootz(&["bindgen", "shop.wat", "--lang", "c", "--no-wasi"]).fails(2, &["--no-wasi"]);
}

#[test]
fn what_has_no_bindings_is_refused() {
    let directory = Directory::new();
    directory.write("text.txt", "hello");
    directory.wootz(&["bindgen", "text.txt", "--lang", "rust"]).fails(1, &["`text.txt`", "not a"]);
    directory.wootz(&["bindgen", "gone.wasm", "--lang", "rust"]).fails(1, &["`gone.wasm`"]);
    directory.write("elf.so", b"\x7fELF");
    directory.wootz(&["bindgen", "elf.so", "--lang", "rust"]).fails(1, &["`elf.so`", "compiled"]);
    directory.write("wide.wat", "(module (memory 1 (pagesize 1)))");
    let wide = ["bindgen", "wide.wat", "--lang", "rust"];
    directory.wootz(&wide).fails(1, &["custom-page-sizes"]);
    directory.wootz(&[&wide[..], &["--wasm-feature", "+custom-page-sizes"]].concat()).succeeds();
    directory.wootz(&["bindgen", "wide.wat"]).fails(2, &["--lang"]);
    directory.wootz(&["bindgen", "wide.wat", "--lang", "cobol"]).fails(2, &["cobol", "rust"]);
    let one = ["bindgen", "wide.wat", "--lang", "rust", "--module", "wootz_module"];
    directory.wootz(&one).fails(2, &["`--module`"]);
    directory.compile("shop", MODULE);
    let one = ["bindgen", "shop.so", "--lang", "rust", "--module", "wootz_modul"];
    directory.wootz(&one).fails(1, &["`wootz_modul`", "did you mean `wootz_module`?"]);
}
