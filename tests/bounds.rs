//! Every kind of memory, however accesses to it are checked, against what the specification says in one line: an access
//! traps unless address plus offset plus width, as numbers without end, is at most the size.
//!
//! Addresses and offsets are those at which checks tend to be wrong: around the size, around powers of two, and just
//! below where sums wrap around.

use std::fmt::Write as _;

use wootz::{Config, Engine, Instance, Module, OptLevel, Store, Trap, TypedFunc, Val};

const PAGE: u64 = 65536;

/// A kind of memory.
#[derive(Clone, Copy, Debug)]
struct Kind {
    is_64: bool,
    page: u64,
    min: u64,
    max: Option<u64>,
    shared: bool,
}

/// Where accesses may go wrong, as far as a memory of this kind can be addressed.
fn offsets(kind: Kind) -> Vec<u64> {
    let mut offsets = vec![0, 1, 8, 4088, 4095, 4096, PAGE - 8, PAGE - 1, PAGE, 2 * PAGE, 1 << 20];
    offsets.extend([(1 << 31) - 1, 1 << 31, (1 << 32) - 8, (1 << 32) - 1]);
    if kind.is_64 {
        offsets.extend([1 << 32, (1 << 47) + 1, (1 << 63) - 1, 1 << 63, u64::MAX - 7, u64::MAX]);
    }
    offsets
}

fn addresses(kind: Kind, size: u64, offset: u64) -> Vec<u64> {
    let mut addresses = vec![0, 1, 1 << 31, (1 << 32) - 1];
    let around =
        |at: u64| [17, 16, 15, 9, 8, 7, 1, 0].map(|below| at.wrapping_sub(below)).into_iter();
    addresses.extend(around(size));
    addresses.extend(around(size.wrapping_sub(offset)));
    if kind.is_64 {
        addresses.extend([1 << 32, (1 << 32) + 8, 1 << 47, (1 << 63) - 1, 1 << 63]);
        addresses.extend(around(0));
        // Where address plus offset is 2 to the power of 64, or a little less.
        addresses.extend(around(0u64.wrapping_sub(offset)));
    }
    addresses.retain(|&address| kind.is_64 || address < 1 << 32);
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// A module whose functions access its memory, one for each offset, width and direction.
fn module(kind: Kind) -> String {
    let index = if kind.is_64 { "i64" } else { "i32" };
    let shared = if kind.shared { "shared" } else { "" };
    let max = kind.max.map_or(String::new(), |max| max.to_string());
    let mut text = format!(
        "(module (memory {index} {} {max} {shared} (pagesize {}))\n(func (export \"grow\") (param {index}) (result {index}) \
         (memory.grow (local.get 0)))\n",
        kind.min, kind.page
    );
    for offset in offsets(kind) {
        for (bytes, load, store) in [(1, "load8_u", "store8"), (8, "load", "store")] {
            writeln!(
                text,
                "(func (export \"load{bytes} {offset}\") (param {index}) (result i64)
                   (i64.{load} offset={offset} (local.get 0)))
                 (func (export \"store{bytes} {offset}\") (param {index} i64)
                   (i64.{store} offset={offset} (local.get 0) (local.get 1)))"
            )
            .expect("strings take everything");
        }
        writeln!(
            text,
            "(func (export \"load16 {offset}\") (param {index}) (result i64)
               (i64x2.extract_lane 0 (v128.load offset={offset} (local.get 0))))
             (func (export \"store16 {offset}\") (param {index} i64)
               (v128.store offset={offset} (local.get 0) (i64x2.splat (local.get 1))))"
        )
        .expect("strings take everything");
    }
    text + ")"
}

struct Memory {
    kind: Kind,
    store: Store<()>,
    instance: Instance,
}

impl Memory {
    fn new(engine: &Engine, kind: Kind) -> Memory {
        let module = Module::new(engine, module(kind)).expect("it is valid");
        let mut store = Store::new(engine, ());
        let instance = Instance::new(&mut store, &module, &[]).expect("it imports nothing");
        Memory { kind, store, instance }
    }

    fn index(&self, number: u64) -> Val {
        if self.kind.is_64 { Val::I64(number as i64) } else { Val::I32(number as i32) }
    }

    fn grow(&mut self, pages: u64) -> u64 {
        let pages = self.index(pages);
        let grow = self.instance.get_func(&mut self.store, "grow").unwrap();
        let mut former = [Val::I32(0)];
        grow.call(&mut self.store, &[pages], &mut former).unwrap();
        match former[0] {
            Val::I32(former) => former as u32 as u64,
            ref former => former.unwrap_i64() as u64,
        }
    }

    /// Accesses the memory in all ways, and says what was wrong.
    fn check(&mut self, size: u64, what: &str) {
        for offset in offsets(self.kind) {
            for bytes in [1, 8, 16] {
                let load = Access::new(self, &format!("load{bytes} {offset}"));
                let store = Access::new(self, &format!("store{bytes} {offset}"));
                for address in addresses(self.kind, size, offset) {
                    let end = u128::from(address) + u128::from(offset) + bytes;
                    let is_inside = end <= u128::from(size);
                    let value = (address ^ 0x5a) & 0xff;
                    let stored = store.call(&mut self.store, address, value as i64);
                    let loaded = load.call(&mut self.store, address, 0);
                    let expected = is_inside.then_some(value as i64);
                    let case = || {
                        format!(
                            "{:?}, {what}, size {size}: {bytes} bytes at {address} + {offset}",
                            self.kind
                        )
                    };
                    assert_eq!(stored.is_some(), is_inside, "store, {}", case());
                    assert_eq!(loaded, expected, "load, {}", case());
                }
            }
        }
    }
}

/// A function that accesses the memory.
enum Access {
    Load32(TypedFunc<u32, i64>),
    Load64(TypedFunc<u64, i64>),
    Store32(TypedFunc<(u32, i64), ()>),
    Store64(TypedFunc<(u64, i64), ()>),
}

impl Access {
    fn new(memory: &mut Memory, name: &str) -> Access {
        let func = memory.instance.get_func(&mut memory.store, name).expect("it is exported");
        let store = &memory.store;
        match (name.starts_with("load"), memory.kind.is_64) {
            (true, false) => Access::Load32(func.typed(store).unwrap()),
            (true, true) => Access::Load64(func.typed(store).unwrap()),
            (false, false) => Access::Store32(func.typed(store).unwrap()),
            (false, true) => Access::Store64(func.typed(store).unwrap()),
        }
    }

    /// What was loaded, or 0 after a store. `None` if it was out of bounds.
    fn call(&self, store: &mut Store<()>, address: u64, value: i64) -> Option<i64> {
        let result = match self {
            Access::Load32(func) => func.call(store, address as u32),
            Access::Load64(func) => func.call(store, address),
            Access::Store32(func) => func.call(store, (address as u32, value)).map(|()| 0),
            Access::Store64(func) => func.call(store, (address, value)).map(|()| 0),
        };
        result
            .map_err(|error| {
                assert_eq!(error.downcast_ref(), Some(&Trap::MemoryOutOfBounds), "{error:?}");
            })
            .ok()
    }
}

fn check(reservation: u64, guard: u64, adapt: impl Fn(&mut Config)) {
    let mut config = Config::new();
    config.wasm_custom_page_sizes(true);
    config.memory_reservation(reservation).memory_guard_size(guard).wasm_backtrace_max_frames(None);
    adapt(&mut config);
    let engine = Engine::new(&config).expect("the settings fit each other");
    let setting = format!("reservation {reservation}, guard {guard}");
    for is_64 in [false, true] {
        for (page, min, max, shared) in [
            (PAGE, 0, None, false),
            (PAGE, 0, Some(0), false),
            (PAGE, 1, Some(2), false),
            (PAGE, 2, Some(2), false),
            (PAGE, 2, None, false),
            (1, 0, None, false),
            (1, 4100, Some(4101), false),
            (1, 70_001, Some(70_001), false),
            (PAGE, 0, Some(1), true),
            (PAGE, 1, Some(5), true),
            (1, 4100, Some(4101), true),
        ] {
            let kind = Kind { is_64, page, min, max, shared };
            let mut memory = Memory::new(&engine, kind);
            memory.check(min * page, &setting);
            if max.is_none_or(|max| min < max) {
                assert_eq!(memory.grow(1), min);
                memory.check((min + 1) * page, &setting);
            }
            if max.is_none() {
                // Further than what is reserved, if that is little: it moves.
                assert_eq!(memory.grow(3 * PAGE / page), min + 1);
                memory.check((min + 1) * page + 3 * PAGE, &setting);
            }
        }
    }
}

#[test]
fn reservations_that_cover_all_32_bit_addresses() {
    check(4 << 30, 32 << 20, |_| ());
    check(4 << 30, 0, |_| ());
}

#[test]
fn small_reservations() {
    check(2 * PAGE, PAGE, |_| ());
    check(2 * PAGE, 0, |_| ());
}

#[test]
fn no_reservation() {
    check(0, 32 << 20, |_| ());
    check(0, 0, |config| {
        config.guard_before_linear_memory(false).cranelift_opt_level(OptLevel::None);
    });
}
