//! Copying and filling a few bytes, of which it is known how many: by single accesses, and nobody can tell.

#![cfg(feature = "compiler")]

use wootz::{Config, Engine, Instance, Module, Store, Trap, TypedFunc};

/// More than is done by single accesses.
const MOST: u32 = 140;

const PAGE: usize = 65536;

/// For each number of bytes a function that copies, one that copies to another memory, and one that fills.
fn guest(memory: &str, address: &str, constant: &str) -> String {
    let mut text = format!(
        "(module (memory (export \"memory\") {memory}) (memory (export \"other\") {memory})"
    );
    for bytes in 0..=MOST {
        text += &format!(
            "(func (export \"copy{bytes}\") (param {address} {address})
                (memory.copy (local.get 0) (local.get 1) ({constant} {bytes})))
            (func (export \"across{bytes}\") (param {address} {address})
                (memory.copy 1 0 (local.get 0) (local.get 1) ({constant} {bytes})))
            (func (export \"fill{bytes}\") (param {address} {address})
                (memory.fill (local.get 0) (i32.add (i32.const 0x1234567a) NARROW) ({constant} {bytes})))"
        );
    }
    let narrow = match address {
        "i32" => "(local.get 1)",
        _ => "(i32.wrap_i64 (local.get 1))",
    };
    text.replace("NARROW", narrow) + ")"
}

struct Guest {
    store: Store<()>,
    instance: Instance,
    is_64: bool,
}

impl Guest {
    fn new(config: &Config, text: &str, is_64: bool) -> Guest {
        let engine = Engine::new(config).unwrap();
        let module = Module::new(&engine, text).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        Guest { store, instance, is_64 }
    }

    fn call(&mut self, name: &str, to: u32, from: u32) -> Result<(), wootz::Error> {
        if self.is_64 {
            let function: TypedFunc<(i64, i64), ()> =
                self.instance.get_typed_func(&mut self.store, name).unwrap();
            return function.call(&mut self.store, (i64::from(to), i64::from(from)));
        }
        let function: TypedFunc<(i32, i32), ()> =
            self.instance.get_typed_func(&mut self.store, name).unwrap();
        function.call(&mut self.store, (to as i32, from as i32))
    }

    fn bytes(&mut self, name: &str) -> &mut [u8] {
        let memory = self.instance.get_memory(&mut self.store, name).unwrap();
        memory.data_mut(&mut self.store)
    }
}

/// What should be in memory, and whether the operation fits.
fn expected(
    before: &[u8],
    target: &[u8],
    name: &str,
    to: u32,
    from: u32,
    bytes: u32,
) -> Option<Vec<u8>> {
    let range = |start: u32| {
        let start = start as usize;
        (start + bytes as usize <= before.len()).then(|| start..start + bytes as usize)
    };
    let mut after = target.to_vec();
    let to = range(to)?;
    match name {
        "fill" => after[to].fill(0x7a_u8.wrapping_add(from as u8)),
        _ => after[to].copy_from_slice(&before[range(from)?]),
    }
    Some(after)
}

fn check(config: &Config, memory: &str, address: &str) {
    let is_64 = address == "i64";
    let text = guest(memory, address, &format!("{address}.const"));
    let mut guest = Guest::new(config, &text, is_64);
    let size = PAGE as u32;
    for bytes in 0..=MOST {
        let places = [
            (0, 3),
            (3, 0),
            (100, 101),
            (101, 100),
            (1000, 1016),
            (1016, 1000),
            (7, 7),
            (500, 9000),
            (size - bytes, 0),
            (0, size - bytes),
            (size - bytes + 1, 0),
            (0, size - bytes + 1),
            (size - 1, 5),
            (size, 0),
            (size + 4096, 1),
            (u32::MAX, 0),
            (0, u32::MAX),
            (u32::MAX - bytes, 2),
        ];
        for name in ["copy", "across", "fill"] {
            for (to, from) in places {
                for (at, byte) in guest.bytes("memory").iter_mut().enumerate() {
                    *byte = (at * 7 + at / 256) as u8;
                }
                let target = if name == "across" { "other" } else { "memory" };
                if name == "across" {
                    guest.bytes("other").fill(0x55);
                }
                let before = guest.bytes("memory").to_vec();
                let target_before = guest.bytes(target).to_vec();
                let expected = expected(&before, &target_before, name, to, from, bytes);
                let outcome = guest.call(&format!("{name}{bytes}"), to, from);
                let what = format!("{memory}: {name} of {bytes} bytes from {from} to {to}");
                match (outcome, &expected) {
                    (Ok(()), Some(_)) => {}
                    (Err(error), None) => {
                        assert_eq!(error.downcast_ref(), Some(&Trap::MemoryOutOfBounds), "{what}");
                    }
                    (outcome, _) => panic!("{what}: {outcome:?}"),
                }
                // Of what does not fit, nothing is done.
                let after = expected.unwrap_or(target_before);
                assert!(guest.bytes(target) == after, "{what}");
            }
        }
    }
}

#[test]
fn bytes_are_what_they_should_be() {
    check(&Config::new(), "1 1", "i32");
}

#[test]
fn memories_of_64_bits() {
    check(&Config::new(), "i64 1 1", "i64");
}

#[test]
fn memories_with_explicit_checks() {
    let mut config = Config::new();
    config.memory_reservation(0).memory_guard_size(0);
    check(&config, "1 1", "i32");
}

#[test]
fn by_the_runtime() {
    let mut config = Config::new();
    config.skip_optimisation("bulk");
    check(&config, "1 1", "i32");
}
