//! Guests that share memories between threads: each thread has a store and an instance of its own.
#![cfg(feature = "compiler")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::system::processor_time;
use common::{module, names, trap};
use wootz::{
    Config, Engine, Instance, MemoryType, Module, OptLevel, Result, SharedMemory, Store,
    StoreLimits, StoreLimitsBuilder, Trap, UpdateDeadline, Val, WasmParams, WasmResults,
};

const PAGES: u32 = 60;
const THREADS: u32 = 4;
const OK: i32 = 0;
const MISMATCH: i32 = 1;
const TIMED_OUT: i32 = 2;

/// No wait of `$sleep` lasts a minute, unless a notification was lost.
const GUEST: &str = r#"(module $guest
    (import "m" "memory" (memory 1 60 shared))
    (func $sleep (param $at i32) (param $expected i32)
        (if (i32.eq (i32.const 2)
                (memory.atomic.wait32 (local.get $at) (local.get $expected) (i64.const 60000000000)))
            (then unreachable)))

    ;; Counters of all widths, and one that is exchanged.
    (func (export "count") (param $rounds i32) (local $seen i64)
        (loop $again
            (drop (i32.atomic.rmw8.add_u (i32.const 0) (i32.const 1)))
            (drop (i64.atomic.rmw16.sub_u (i32.const 8) (i64.const 1)))
            (drop (i32.atomic.rmw.add (i32.const 16) (i32.const 3)))
            (drop (i64.atomic.rmw.add (i32.const 24) (i64.const 0x100000001)))
            (drop (i32.atomic.rmw.xor (i32.const 40) (i32.const -1)))
            (local.set $seen (i64.atomic.load (i32.const 32)))
            (loop $exchange
                (br_if $exchange (i64.ne (local.get $seen)
                    (local.tee $seen (i64.atomic.rmw.cmpxchg (i32.const 32)
                        (local.get $seen) (i64.add (local.get $seen) (i64.const 5)))))))
            (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1))))))

    ;; A lock (0: free, 1: taken, 2: taken, and somebody waits) around accesses that are not atomic.
    (func $lock (local $state i32)
        (local.set $state (i32.atomic.rmw.cmpxchg (i32.const 64) (i32.const 0) (i32.const 1)))
        (if (i32.eqz (local.get $state)) (then return))
        (loop $again
            (if (i32.atomic.rmw.xchg (i32.const 64) (i32.const 2))
                (then
                    (call $sleep (i32.const 64) (i32.const 2))
                    (br $again)))))
    (func $unlock
        (if (i32.eq (i32.atomic.rmw.xchg (i32.const 64) (i32.const 0)) (i32.const 2))
            (then (drop (memory.atomic.notify (i32.const 64) (i32.const 1))))))
    (func (export "locked") (param $rounds i32)
        (loop $again
            (call $lock)
            (i32.store (i32.const 128) (i32.add (i32.load (i32.const 128)) (i32.const 1)))
            (i64.store (i32.const 136) (i64.sub (i64.load (i32.const 136)) (i64.const 7)))
            (call $unlock)
            (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1))))))

    ;; A queue of eight numbers: how many were written, how many were read, and the numbers.
    (func (export "produce") (param $count i32) (local $i i32) (local $read i32)
        (loop $next
            (loop $full
                (local.set $read (i32.atomic.load (i32.const 576)))
                (if (i32.eq (i32.sub (local.get $i) (local.get $read)) (i32.const 8))
                    (then (call $sleep (i32.const 576) (local.get $read)) (br $full))))
            (i32.store offset=1024 (i32.shl (i32.and (local.get $i) (i32.const 7)) (i32.const 2)) (local.get $i))
            (i32.atomic.store (i32.const 512) (local.tee $i (i32.add (local.get $i) (i32.const 1))))
            (drop (memory.atomic.notify (i32.const 512) (i32.const 1)))
            (br_if $next (i32.ne (local.get $i) (local.get $count)))))
    (func (export "consume") (param $count i32) (result i64) (local $i i32) (local $sum i64)
        (loop $next
            (loop $empty
                (if (i32.eq (i32.atomic.load (i32.const 512)) (local.get $i))
                    (then (call $sleep (i32.const 512) (local.get $i)) (br $empty))))
            (local.set $sum (i64.add (local.get $sum) (i64.load32_u offset=1024
                (i32.shl (i32.and (local.get $i) (i32.const 7)) (i32.const 2)))))
            (i32.atomic.store (i32.const 576) (local.tee $i (i32.add (local.get $i) (i32.const 1))))
            (drop (memory.atomic.notify (i32.const 576) (i32.const 1)))
            (br_if $next (i32.ne (local.get $i) (local.get $count))))
        local.get $sum)

    ;; How many pages this one has got.
    (func (export "grow") (result i32) (local $page i32) (local $grown i32)
        (loop $again
            (local.set $page (memory.grow (i32.const 1)))
            (if (i32.ne (local.get $page) (i32.const -1))
                (then
                    ;; Nobody else has got it.
                    (if (i32.atomic.rmw.add (i32.shl (local.get $page) (i32.const 16)) (i32.const 1))
                        (then unreachable))
                    (local.set $grown (i32.add (local.get $grown) (i32.const 1)))
                    (br $again))))
        local.get $grown)
    ;; Reads the last byte of whatever size it sees.
    (func (export "watch") (param $pages i32) (local $size i32)
        (loop $again
            (local.set $size (memory.size))
            (drop (i32.load8_u (i32.sub (i32.shl (local.get $size) (i32.const 16)) (i32.const 1))))
            (br_if $again (i32.lt_u (local.get $size) (local.get $pages)))))

    (func (export "fill") (param $value i32) (param $rounds i32)
        (loop $again
            (memory.fill (i32.const 4096) (local.get $value) (i32.const 5000))
            (memory.copy (i32.const 9001) (i32.const 4096) (i32.const 4999))
            (memory.copy (i32.const 4100) (i32.const 4096) (i32.const 9000))
            (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1))))))

    (func (export "wait") (param i32 i32 i64) (result i32)
        (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
    (func (export "wait64") (param i32 i64 i64) (result i32)
        (memory.atomic.wait64 offset=8 (local.get 0) (local.get 1) (local.get 2)))
    (func (export "notify") (param i32 i32) (result i32)
        (memory.atomic.notify (local.get 0) (local.get 1)))
    (func $divide (export "divide") (param i32) (result i32)
        (i32.div_u (i32.const 1) (local.get 0))))"#;

/// The default settings, and everything that they do without.
fn configs() -> [Config; 2] {
    let mut other = Config::new();
    other.consume_fuel(true).epoch_interruption(true).memory_reservation(0);
    other.cranelift_opt_level(OptLevel::None);
    [Config::new(), other]
}

fn engines() -> [Engine; 2] {
    configs().map(|config| Engine::new(&config).unwrap())
}

/// A module and the memory that all its instances share.
#[derive(Clone)]
struct Shared {
    module: Module,
    memory: SharedMemory,
}

impl Shared {
    fn new(engine: &Engine) -> Shared {
        let memory = SharedMemory::new(engine, MemoryType::shared(1, PAGES)).unwrap();
        Shared { module: module(engine, GUEST), memory }
    }

    fn store(&self) -> Store<()> {
        let mut store = Store::new(self.module.engine(), ());
        if self.module.engine().get_consume_fuel() {
            store.set_fuel(u64::MAX).unwrap();
        }
        store.set_epoch_deadline(u64::MAX);
        store
    }

    /// Calls a function in an instance of its own.
    fn call<P: WasmParams, R: WasmResults>(&self, name: &str, params: P) -> Result<R> {
        self.call_in(&mut self.store(), name, params)
    }

    fn call_in<P: WasmParams, R: WasmResults>(
        &self,
        store: &mut Store<()>,
        name: &str,
        params: P,
    ) -> Result<R> {
        let imports = [self.memory.clone().into()];
        let instance = Instance::new(&mut *store, &self.module, &imports)?;
        instance.get_typed_func::<P, R>(&mut *store, name)?.call(store, params)
    }

    fn word(&self, address: usize) -> u32 {
        let place = self.memory.data()[address].get().cast();
        // SAFETY: inside of the memory, aligned, and accessed atomically.
        u32::from_le(unsafe { AtomicU32::from_ptr(place) }.load(Ordering::SeqCst))
    }

    fn double_word(&self, address: usize) -> u64 {
        u64::from(self.word(address)) | u64::from(self.word(address + 4)) << 32
    }

    /// Wakes up so many, however long they take to fall asleep.
    fn wake(&self, address: u64, count: u32) {
        let mut woken = 0;
        while woken < count {
            woken += self.memory.atomic_notify(address, count - woken).unwrap();
            thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn counters_lose_nothing() {
    const ROUNDS: u32 = 5000;
    for engine in engines() {
        let shared = Shared::new(&engine);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| shared.call::<_, ()>("count", ROUNDS).unwrap());
            }
        });
        let all = ROUNDS * THREADS;
        assert_eq!(shared.word(0), all & 0xff);
        assert_eq!(shared.word(8), all.wrapping_neg() & 0xffff);
        assert_eq!(shared.word(16), 3 * all);
        assert_eq!(shared.double_word(24), 0x1_0000_0001 * u64::from(all));
        assert_eq!(shared.double_word(32), 5 * u64::from(all));
        assert_eq!(shared.word(40), 0);
    }
}

#[test]
fn a_lock_of_the_guests_keeps_others_out() {
    const ROUNDS: u32 = 3000;
    for engine in engines() {
        let shared = Shared::new(&engine);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| shared.call::<_, ()>("locked", ROUNDS).unwrap());
            }
        });
        assert_eq!(shared.word(128), ROUNDS * THREADS);
        assert_eq!(shared.double_word(136), (7 * u64::from(ROUNDS * THREADS)).wrapping_neg());
        assert_eq!(shared.word(64), 0);
    }
}

#[test]
fn a_queue_delivers_everything_in_order() {
    const COUNT: u64 = 4000;
    for engine in engines() {
        let shared = Shared::new(&engine);
        thread::scope(|scope| {
            scope.spawn(|| shared.call::<_, ()>("produce", COUNT as u32).unwrap());
            let sum: u64 = shared.call("consume", COUNT as u32).unwrap();
            assert_eq!(sum, COUNT * (COUNT - 1) / 2);
        });
    }
}

#[test]
fn growth_is_seen_at_once_and_gives_each_page_once() {
    for engine in engines() {
        let shared = Shared::new(&engine);
        let base = shared.memory.data().as_ptr();
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| shared.call::<_, ()>("watch", PAGES).unwrap());
            }
            let growers = [0, 1].map(|_| scope.spawn(|| shared.call::<_, u32>("grow", ())));
            let grown: u32 = growers.map(|grower| grower.join().unwrap().unwrap()).iter().sum();
            assert_eq!(grown, PAGES - 1);
        });
        assert_eq!((shared.memory.size(), shared.memory.data().as_ptr()), (PAGES.into(), base));
    }
}

#[test]
fn bulk_operations_race_for_bytes() {
    for engine in engines() {
        let shared = Shared::new(&engine);
        thread::scope(|scope| {
            for value in [0xaa, 0x55] {
                let shared = &shared;
                scope.spawn(move || shared.call::<_, ()>("fill", (value, 300)).unwrap());
            }
        });
        for address in 4096..14000 {
            let byte = shared.word(address & !3) >> (8 * (address & 3)) & 0xff;
            assert!([0xaa, 0x55].contains(&byte), "{byte:#x} at {address}");
        }
        assert_eq!((shared.word(4092), shared.word(14000)), (0, 0));
    }
}

#[test]
fn waiting_ends_as_the_specification_says() {
    for engine in engines() {
        let shared = Shared::new(&engine);
        let start = Instant::now();
        let ms = 1_000_000_i64;
        assert_eq!(shared.call::<_, i32>("wait", (8, 1, -1_i64)).unwrap(), MISMATCH);
        assert_eq!(shared.call::<_, i32>("wait", (8, 0, 30 * ms)).unwrap(), TIMED_OUT);
        assert_eq!(shared.call::<_, i32>("wait64", (0, 0_i64, 30 * ms)).unwrap(), TIMED_OUT);
        assert_eq!(shared.call::<_, i32>("wait", (8, 0, 0_i64)).unwrap(), TIMED_OUT);
        assert!(start.elapsed() >= Duration::from_millis(60));
        assert_eq!(shared.call::<_, i32>("notify", (8, 9)).unwrap(), 0);
        for wide in [false, true] {
            thread::scope(|scope| {
                // Who waits for 32 and for 64 bits stand on one list, guests and hosts.
                let guest = scope.spawn(|| match wide {
                    false => shared.call::<_, i32>("wait", (8, 0, i64::MIN)).unwrap(),
                    true => shared.call::<_, i32>("wait64", (0, 0_i64, i64::MAX)).unwrap(),
                });
                let host = scope.spawn(|| shared.memory.atomic_wait32(8, 0, None).unwrap());
                let mut woken = 0;
                while woken < 2 {
                    let more = shared.call::<_, i32>("notify", (8, 1)).unwrap();
                    assert!(more <= 1);
                    woken += more;
                }
                assert_eq!((guest.join().unwrap(), host.join().unwrap() as i32), (OK, OK));
            });
        }
    }
}

fn interruptible() -> Shared {
    Shared::new(&Engine::new(Config::new().epoch_interruption(true)).unwrap())
}

#[test]
fn a_guest_that_waits_is_interrupted_at_its_deadline() {
    let shared = interruptible();
    thread::scope(|scope| {
        let wait = |ticks| {
            let shared = &shared;
            // The deadline counts from here, however late the thread begins.
            let mut store = shared.store();
            store.set_epoch_deadline(ticks);
            move || shared.call_in::<_, i32>(&mut store, "wait", (0, 0, -1_i64))
        };
        let early = [1, 2, 2].map(|ticks| scope.spawn(wait(ticks)));
        let late = scope.spawn(wait(1000));
        thread::sleep(Duration::from_millis(50));
        shared.module.engine().increment_epoch();
        shared.module.engine().increment_epoch();
        for thread in early {
            let error = thread.join().unwrap().unwrap_err();
            assert_eq!(trap(&error), Trap::Interrupt);
            assert!(!names(&error).is_empty());
        }
        // They are on no list any more; the other one was left in peace.
        assert!(!late.is_finished());
        shared.wake(0, 1);
        assert_eq!(late.join().unwrap().unwrap(), OK);
        assert_eq!(shared.memory.atomic_notify(0, 9), Ok(0));
    });
}

#[test]
fn a_guest_that_may_go_on_waits_for_the_rest_of_its_time() {
    let shared = interruptible();
    let asked = Arc::new(AtomicUsize::new(0));
    let store = || {
        let (mut store, asked) = (shared.store(), asked.clone());
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            asked.fetch_add(1, Ordering::SeqCst);
            Ok(UpdateDeadline::Continue(1))
        });
        store
    };
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let (start, before) = (Instant::now(), processor_time());
            let result = shared.call_in::<_, i32>(&mut store(), "wait", (0, 0, 300_000_000_i64));
            (result.unwrap(), start.elapsed(), processor_time() - before)
        });
        while !waiting.is_finished() {
            thread::sleep(Duration::from_millis(20));
            shared.module.engine().increment_epoch();
        }
        let (result, taken, busy) = waiting.join().unwrap();
        assert_eq!(result, TIMED_OUT);
        assert!(taken >= Duration::from_millis(300));
        assert!(busy < Duration::from_millis(150), "it sleeps: {busy:?}");
        assert!(asked.swap(0, Ordering::SeqCst) > 0);

        // A notification comes through, too.
        let waiting =
            scope.spawn(|| shared.call_in::<_, i32>(&mut store(), "wait", (0, 0, -1_i64)).unwrap());
        while asked.load(Ordering::SeqCst) < 3 {
            thread::sleep(Duration::from_millis(1));
            shared.module.engine().increment_epoch();
        }
        shared.wake(0, 1);
        assert_eq!(waiting.join().unwrap(), OK);
    });
}

#[test]
fn errors_and_panics_of_the_callback_leave_no_waiter_behind() {
    for panics in [false, true] {
        let shared = interruptible();
        let mut store = shared.store();
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| match panics {
            false => anyhow::bail!("enough"),
            true => panic!("enough, and this message is expected"),
        });
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                shared.call_in::<_, i32>(&mut store, "wait", (0, 0, -1_i64)).unwrap_err()
            });
            thread::sleep(Duration::from_millis(50));
            shared.module.engine().increment_epoch();
            match waiting.join() {
                Ok(error) => assert_eq!(error.root_cause().to_string(), "enough"),
                Err(panic) => assert!(panics && panic.is::<&str>()),
            }
        });
        assert_eq!(shared.memory.atomic_notify(0, 9), Ok(0));
    }
}

#[test]
fn a_callback_may_use_the_store_while_its_guest_waits() {
    let shared = interruptible();
    let mut store = shared.store();
    let imports = [shared.memory.clone().into()];
    let instance = Instance::new(&mut store, &shared.module, &imports).unwrap();
    let notify = instance.get_typed_func::<(i32, i32), i32>(&mut store, "notify").unwrap();
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |mut store| {
        store.set_epoch_deadline(1000);
        // It notifies its own guest, which is still on the list; or there is nobody yet.
        notify.call(&mut store, (0, 1))?;
        Ok(UpdateDeadline::Continue(1))
    });
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let wait = instance.get_typed_func::<(i32, i32, i64), i32>(&mut store, "wait").unwrap();
            wait.call(&mut store, (0, 0, -1)).unwrap()
        });
        while !waiting.is_finished() {
            thread::sleep(Duration::from_millis(5));
            shared.module.engine().increment_epoch();
        }
        assert_eq!(waiting.join().unwrap(), OK);
    });
}

#[test]
fn traps_do_not_touch_those_who_wait() {
    for engine in engines() {
        let shared = Shared::new(&engine);
        thread::scope(|scope| {
            let waiting: Vec<_> = (0..3)
                .map(|_| scope.spawn(|| shared.call::<_, i32>("wait", (0, 0, -1_i64)).unwrap()))
                .collect();
            for _ in 0..20 {
                let error = shared.call::<_, i32>("divide", 0).unwrap_err();
                assert_eq!(trap(&error), Trap::IntegerDivisionByZero);
                let error = shared.call::<_, i32>("wait", (65536, 0, -1_i64)).unwrap_err();
                assert_eq!(trap(&error), Trap::MemoryOutOfBounds);
                assert_eq!(names(&error).len(), 1);
            }
            shared.wake(0, 3);
            assert!(waiting.into_iter().all(|thread| thread.join().unwrap() == OK));
        });
    }
}

/// Every operator with an address: its name, how many bytes it accesses, and what follows the address.
fn operators() -> Vec<(String, u32, &'static str)> {
    let mut all = vec![
        ("memory.atomic.notify".to_string(), 4, "(i32.const 0)"),
        ("memory.atomic.wait32".to_string(), 4, "(i32.const 1) (i64.const -1)"),
        ("memory.atomic.wait64".to_string(), 8, "(i64.const 1) (i64.const -1)"),
    ];
    for (ty, whole, zero, two) in [
        ("i32", 4, "(i32.const 0)", "(i32.const 0) (i32.const 0)"),
        ("i64", 8, "(i64.const 0)", "(i64.const 0) (i64.const 0)"),
    ] {
        for bytes in [1, 2, 4, 8].into_iter().filter(|&bytes| bytes <= whole) {
            let (width, sign) = match bytes == whole {
                true => (String::new(), ""),
                false => ((8 * bytes).to_string(), "_u"),
            };
            all.push((format!("{ty}.atomic.load{width}{sign}"), bytes, ""));
            all.push((format!("{ty}.atomic.store{width}"), bytes, zero));
            for operation in ["add", "sub", "and", "or", "xor", "xchg"] {
                all.push((format!("{ty}.atomic.rmw{width}.{operation}{sign}"), bytes, zero));
            }
            all.push((format!("{ty}.atomic.rmw{width}.cmpxchg{sign}"), bytes, two));
        }
    }
    assert_eq!(all.len(), 3 + 7 * 9);
    all
}

#[test]
fn every_operator_checks_its_address() {
    for config in configs() {
        let engine = Engine::new(&config).unwrap();
        for memory in ["(memory 1 1 shared)", "(memory 1 1)"] {
            let mut text = format!(
                "(module {memory} (global $i32 (mut i32) (i32.const 0)) (global $i64 (mut i64) (i64.const 0))"
            );
            for (name, bytes, operands) in operators() {
                // Results that are used take other code than those that are not.
                let used = match &name[..3] {
                    _ if name.contains("store") => "",
                    "i64" => "(global.set $i64)",
                    _ => "(global.set $i32)",
                };
                let dropped = if name.contains("store") { "" } else { "drop" };
                for (export, offset) in
                    [("", 0), ("+1", 1), ("+size", bytes), ("+end", 65536), ("+far", u32::MAX)]
                {
                    let result = if export == "+end" { dropped } else { used };
                    text += &format!(
                        "(func (export \"{name}{export}\") (param i32) \
                         ({name} offset={offset} (local.get 0) {operands}) {result})\n"
                    );
                }
            }
            let module = module(&engine, &(text + ")"));
            let mut store = Store::new(&engine, ());
            if engine.get_consume_fuel() {
                store.set_fuel(u64::MAX).unwrap();
            }
            store.set_epoch_deadline(1);
            let instance = Instance::new(&mut store, &module, &[]).unwrap();
            for (name, bytes, _) in operators() {
                let is_wait = name.contains("wait") && !memory.contains("shared");
                let inside = if is_wait { Some(Trap::AtomicWaitNonSharedMemory) } else { None };
                let (misaligned, outside) = match bytes {
                    1 => (inside, Some(Trap::MemoryOutOfBounds)),
                    _ => (Some(Trap::HeapMisaligned), Some(Trap::MemoryOutOfBounds)),
                };
                let misaligned_outside = if bytes == 1 { outside } else { misaligned };
                for (export, address, expected) in [
                    ("", 65536 - bytes, inside),
                    ("", 65536 - bytes / 2, misaligned_outside),
                    ("", 65536, outside),
                    ("", 65536 + bytes / 2, misaligned_outside),
                    ("", bytes.wrapping_neg(), outside),
                    ("+1", 0, misaligned),
                    ("+1", bytes - 1, inside),
                    ("+1", u32::MAX, outside),
                    ("+size", 65536 - 2 * bytes, inside),
                    ("+size", 65536 - bytes, outside),
                    ("+size", bytes.wrapping_neg(), outside),
                    ("+end", 0, outside),
                    ("+end", 1, misaligned_outside),
                    ("+far", 1, outside),
                    ("+far", 0, misaligned_outside),
                ] {
                    let function =
                        instance.get_func(&mut store, &format!("{name}{export}")).unwrap();
                    let arguments = [Val::I32(address as i32)];
                    let result = function.call(&mut store, &arguments, &mut []);
                    let found = result.err().map(|error| trap(&error));
                    assert_eq!(found, expected, "{name}{export} at {address}, {memory}");
                }
            }
        }
    }
}

#[test]
fn what_a_module_defines_can_be_imported_everywhere() {
    for engine in engines() {
        let definer = module(
            &engine,
            r#"(module
            (memory (export "memory") 2 60 shared)
            (data (i32.const 65530) "across pages")
            (data (i32.add (i32.const 299) (i32.const 1)) "not in an image")
            (data $passive "passive")
            (func (export "init") (memory.init $passive (i32.const 400) (i32.const 0) (i32.const 7)))
            (func (export "size") (result i32) (memory.size))
            (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
            (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))"#,
        );
        let guest = Shared::new(&engine);
        let mut store = guest.store();
        let instance = Instance::new(&mut store, &definer, &[]).unwrap();
        assert!(instance.get_memory(&mut store, "memory").is_none());
        let memory = instance.get_shared_memory(&mut store, "memory").unwrap();
        assert_eq!(memory.ty(), MemoryType::shared(2, 60));
        let export = definer.get_export("memory").unwrap();
        assert_eq!(export.unwrap_memory(), &MemoryType::shared(2, 60));
        instance
            .get_typed_func::<(), ()>(&mut store, "init")
            .unwrap()
            .call(&mut store, ())
            .unwrap();
        let shared = Shared { memory: memory.clone(), ..guest };
        let text = |at: usize, bytes: usize| -> Vec<u8> {
            (at..at + bytes).map(|at| (shared.word(at & !3) >> (8 * (at & 3))) as u8).collect()
        };
        assert_eq!(text(65530, 12), b"across pages");
        assert_eq!(text(300, 15), b"not in an image");
        assert_eq!(text(400, 7), b"passive");

        // Both sides see the other's writes and growth.
        shared.call::<_, ()>("count", 5).unwrap();
        let load = instance.get_typed_func::<u32, u32>(&mut store, "load").unwrap();
        assert_eq!(load.call(&mut store, 0).unwrap(), 5);
        assert_eq!(memory.grow(1).unwrap(), 2);
        let size = instance.get_typed_func::<(), u32>(&mut store, "size").unwrap();
        assert_eq!(size.call(&mut store, ()).unwrap(), 3);
        assert_eq!(load.call(&mut store, 3 * 65536 - 1).unwrap(), 0);
        let error = load.call(&mut store, 3 * 65536).unwrap_err();
        assert_eq!(trap(&error), Trap::MemoryOutOfBounds);
        let grow = instance.get_typed_func::<u32, i32>(&mut store, "grow").unwrap();
        assert_eq!(grow.call(&mut store, 58).unwrap(), -1);
        assert_eq!(grow.call(&mut store, 57).unwrap(), 3);

        // Another instance has another memory. This one outlives its instance.
        let other = Instance::new(&mut store, &definer, &[]).unwrap();
        assert_eq!(other.get_shared_memory(&mut store, "memory").unwrap().size(), 2);
        drop(store);
        assert_eq!(text(65530, 12), b"across pages");
        assert_eq!(shared.call::<_, i32>("wait", (8, -1, -1_i64)).unwrap(), MISMATCH);
    }
}

#[test]
fn types_and_settings_are_checked() {
    let [engine, _] = engines();
    let guest = module(&engine, GUEST);
    let mut store = Store::new(&engine, ());
    for (ty, message) in [
        (MemoryType::shared(1, 61), "min: 1, max: 61"),
        (MemoryType::shared(0, 60), "min: 0, max: 60"),
    ] {
        let memory = SharedMemory::new(&engine, ty).unwrap();
        let error = Instance::new(&mut store, &guest, &[memory.into()]).unwrap_err();
        assert!(format!("{error:#}").contains(message), "{error:#}");
    }
    let memory = wootz::Memory::new(&mut store, MemoryType::new(1, Some(60))).unwrap();
    let error = Instance::new(&mut store, &guest, &[memory.into()]).unwrap_err();
    let expected = "expected shared memory, found non-shared memory";
    assert!(format!("{error:#}").contains(expected), "{error:#}");

    let defines = "(module (memory (export \"m\") 1 1 shared))";
    let engine = Engine::new(Config::new().shared_memory(false)).unwrap();
    let mut store = Store::new(&engine, ());
    let error = Instance::new(&mut store, &module(&engine, defines), &[]).unwrap_err();
    assert!(error.to_string().contains("`Config::shared_memory`"), "{error}");
    let engine = Engine::new(Config::new().wasm_threads(false)).unwrap();
    let error = format!("{:#}", Module::new(&engine, defines).unwrap_err());
    assert!(error.contains("threads"), "{error}");
}

#[test]
fn the_limits_of_a_store_hold_for_shared_memories_too() {
    let [engine, _] = engines();
    let define = r#"(module (memory (export "m") 2 9 shared)
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;
    let define = module(&engine, define);
    let limits = |builder: StoreLimitsBuilder| {
        let mut store = Store::new(&engine, builder.build());
        store.limiter(|limits: &mut StoreLimits| limits);
        store
    };
    let mut store = limits(StoreLimitsBuilder::new().memory_size(1 << 16));
    let error = Instance::new(&mut store, &define, &[]).unwrap_err();
    assert!(error.to_string().contains("exceeds memory limits"), "{error}");
    let mut store = limits(StoreLimitsBuilder::new().memory_size(2 << 16).memories(1));
    let instance = Instance::new(&mut store, &define, &[]).unwrap();
    let grow = instance.get_typed_func::<u32, u32>(&mut store, "grow").unwrap();
    assert_eq!(grow.call(&mut store, 1).unwrap(), u32::MAX);
    let error = Instance::new(&mut store, &define, &[]).unwrap_err();
    assert_eq!(error.to_string(), "resource limit exceeded: memory count too high at 2");
    let mut store = limits(StoreLimitsBuilder::new().memory_size(5 << 16));
    let instance = Instance::new(&mut store, &define, &[]).unwrap();
    let grow = instance.get_typed_func::<u32, u32>(&mut store, "grow").unwrap();
    assert_eq!(grow.call(&mut store, 3).unwrap(), 2);
    assert_eq!(grow.call(&mut store, 1).unwrap(), u32::MAX);
    // Neither a limit nor the maximum is one for the other.
    let mut store = limits(StoreLimitsBuilder::new());
    let instance = Instance::new(&mut store, &define, &[]).unwrap();
    let grow = instance.get_typed_func::<u32, u32>(&mut store, "grow").unwrap();
    assert_eq!(grow.call(&mut store, 8).unwrap(), u32::MAX);
    assert_eq!(grow.call(&mut store, 7).unwrap(), 2);
}

#[test]
fn an_imported_memory_may_have_a_smaller_maximum() -> Result<()> {
    let mut small = Config::new();
    small.memory_reservation(1 << 20);
    for (config, address, host, guest) in [
        (Config::new(), "i32", (1, 2), (1, 3)),
        // More than is reserved for other memories.
        (small, "i32", (1, 20), (1, 100)),
        (Config::new(), "i64", (1, 0x1_8000), (1, 0x2_0000)),
    ] {
        let engine = Engine::new(&config)?;
        let importer = module(
            &engine,
            &format!(
                r#"(module
                    (import "" "" (memory {address} {} {} shared))
                    (func (export "grow") (result {address}) (memory.grow ({address}.const 1)))
                    (func (export "load") (param {address}) (result i32) (i32.load (local.get 0))))"#,
                guest.0, guest.1
            ),
        );
        let ty = MemoryType::builder()
            .shared(true)
            .memory64(address == "i64")
            .min(host.0)
            .max(Some(host.1))
            .build()?;
        let memory = SharedMemory::new(&engine, ty)?;
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &importer, &[memory.into()])?;
        let number = |value: u32| match address {
            "i64" => Val::I64(value.into()),
            _ => Val::I32(value as i32),
        };
        let load = instance.get_func(&mut store, "load").unwrap();
        let grow = instance.get_func(&mut store, "grow").unwrap();
        let mut result = [Val::I32(0)];
        let error = load.call(&mut store, &[number(1 << 16)], &mut result).unwrap_err();
        assert_eq!(trap(&error), Trap::MemoryOutOfBounds);
        grow.call(&mut store, &[], &mut result)?;
        load.call(&mut store, &[number(1 << 16)], &mut result)?;
        for address in [(2 << 16) - 3, 2 << 16, 20 << 16, 1 << 31] {
            let error = load.call(&mut store, &[number(address)], &mut result).unwrap_err();
            assert_eq!(trap(&error), Trap::MemoryOutOfBounds, "{address}");
        }
    }
    Ok(())
}
