//! Memories that threads share: growth that others see, and threads that wait for each other.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use wootz::{
    Config, Engine, Extern, Linker, Memory, MemoryType, SharedMemory, Store, Trap, WaitResult,
};

/// Long enough for a loaded machine; a test that needs it has failed.
const FOR_EVER: Option<Duration> = Some(Duration::from_secs(60));

fn engine() -> Engine {
    Engine::default()
}

fn memory(minimum: u32, maximum: u32) -> SharedMemory {
    SharedMemory::new(&engine(), MemoryType::shared(minimum, maximum)).unwrap()
}

fn byte(memory: &SharedMemory, address: usize) -> &AtomicU8 {
    // SAFETY: inside of the memory, and only accessed atomically.
    unsafe { AtomicU8::from_ptr(memory.data()[address].get()) }
}

fn word(memory: &SharedMemory, address: usize) -> &AtomicU32 {
    assert!(address.is_multiple_of(4) && address + 4 <= memory.data_size());
    // SAFETY: inside of the memory, aligned, and only accessed atomically.
    unsafe { AtomicU32::from_ptr(memory.data()[address].get().cast()) }
}

fn double_word(memory: &SharedMemory, address: usize) -> &AtomicU64 {
    assert!(address.is_multiple_of(8) && address + 8 <= memory.data_size());
    // SAFETY: as above.
    unsafe { AtomicU64::from_ptr(memory.data()[address].get().cast()) }
}

/// Wakes up so many threads, however long they take to fall asleep.
fn wake(memory: &SharedMemory, address: u64, count: u32) {
    let mut woken = 0;
    while woken < count {
        woken += memory.atomic_notify(address, count - woken).unwrap();
        std::thread::yield_now();
    }
    assert_eq!(woken, count, "no more than were asked for");
}

#[test]
fn bytes_are_copied_from_and_to_any_place() {
    let memory = memory(1, 1);
    let pattern: Vec<u8> = (1..=64).collect();
    for start in 0..9 {
        for len in 0..33 {
            memory.write(0, &[0; 64]).unwrap();
            memory.write(start, &pattern[..len]).unwrap();
            let mut expected = [0; 64];
            expected[start..start + len].copy_from_slice(&pattern[..len]);
            let mut found = [0xff; 64];
            memory.read(0, &mut found).unwrap();
            assert_eq!(found, expected, "{len} bytes written at {start}");
            let mut found = vec![0; len];
            memory.read(start, &mut found).unwrap();
            assert_eq!(found, pattern[..len], "{len} bytes read at {start}");
        }
    }
    let end = memory.data_size();
    assert!(memory.read(end, &mut []).is_ok());
    assert!(memory.write(end - 1, &[1, 2]).is_err());
    assert!(memory.read(end + 1, &mut []).is_err());
    assert!(memory.read(usize::MAX, &mut [0; 2]).is_err());
    assert_eq!(byte(&memory, end - 1).load(Ordering::Relaxed), 0, "nothing was written");
}

#[test]
fn they_are_made_with_a_shared_type_where_they_are_allowed() {
    let memory = memory(2, 5);
    assert_eq!((memory.size(), memory.data_size(), memory.data().len()), (2, 131072, 131072));
    assert_eq!((memory.page_size(), memory.page_size_log2()), (65536, 16));
    assert_eq!(memory.ty(), MemoryType::shared(2, 5));
    let without = Engine::new(Config::new().shared_memory(false)).unwrap();
    let error = SharedMemory::new(&without, MemoryType::shared(1, 1)).unwrap_err();
    assert!(error.to_string().contains("`Config::shared_memory`"), "{error}");
    let error = SharedMemory::new(&engine(), MemoryType::new(1, Some(1))).unwrap_err();
    assert!(error.to_string().contains("(memory 1 1)"), "{error}");
    let mut store = Store::new(&engine(), ());
    let error = Memory::new(&mut store, MemoryType::shared(1, 1)).unwrap_err();
    assert!(error.to_string().contains("through `SharedMemory`"), "{error}");
    let huge = MemoryType::builder().memory64(true).shared(true).max(Some(1 << 48)).build();
    assert!(SharedMemory::new(&engine(), huge.unwrap()).is_err());
}

#[test]
fn they_grow_where_they_are() {
    let memory = memory(1, 3);
    let other = memory.clone();
    let (data, base) = (memory.data(), memory.data().as_ptr());
    assert_eq!(memory.grow(1).unwrap(), 1);
    assert_eq!((other.size(), other.data().as_ptr(), data.len()), (2, base, 65536));
    assert_eq!(other.grow(2).unwrap_err().to_string(), "failed to grow memory by `2`");
    assert_eq!(other.grow(1).unwrap(), 2);
    byte(&memory, 3 * 65536 - 1).store(1, Ordering::SeqCst);
    assert_eq!(byte(&other, 3 * 65536 - 1).load(Ordering::SeqCst), 1);
}

#[test]
fn growth_is_seen_by_threads_that_read_meanwhile() {
    const PAGES: u32 = 400;
    let memory = memory(1, PAGES);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut seen = 0;
                while seen < PAGES as usize * 65536 {
                    let size = memory.data_size();
                    assert!(size >= seen && size.is_multiple_of(65536));
                    seen = size;
                    // Whatever size was seen, all of it can be accessed.
                    byte(&memory, size - 1).fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        // Two that grow at once never give the same page twice.
        let growers = [0, 1].map(|_| {
            scope.spawn(|| {
                let mut former = Vec::new();
                while let Ok(pages) = memory.grow(1) {
                    former.push(pages);
                }
                former
            })
        });
        let mut former: Vec<u64> =
            growers.into_iter().flat_map(|grower| grower.join().unwrap()).collect();
        former.sort_unstable();
        assert!(former.iter().copied().eq(1..u64::from(PAGES)));
    });
}

#[test]
fn addresses_are_checked() {
    let memory = memory(1, 1);
    let end = 65536;
    for address in [1, 2, 3, end - 1, end + 1, u64::MAX] {
        assert_eq!(memory.atomic_notify(address, 1), Err(Trap::HeapMisaligned));
        assert_eq!(memory.atomic_wait32(address, 0, FOR_EVER), Err(Trap::HeapMisaligned));
        assert_eq!(memory.atomic_wait64(address, 0, FOR_EVER), Err(Trap::HeapMisaligned));
    }
    assert_eq!(memory.atomic_wait64(4, 0, FOR_EVER), Err(Trap::HeapMisaligned));
    for address in [end, u64::MAX - 7] {
        assert_eq!(memory.atomic_notify(address, 1), Err(Trap::MemoryOutOfBounds));
        assert_eq!(memory.atomic_wait32(address, 0, FOR_EVER), Err(Trap::MemoryOutOfBounds));
        assert_eq!(memory.atomic_wait64(address, 0, FOR_EVER), Err(Trap::MemoryOutOfBounds));
    }
    assert_eq!(memory.atomic_notify(end - 4, 1), Ok(0));
}

#[test]
fn another_value_is_not_waited_for() {
    let memory = memory(1, 1);
    word(&memory, 8).store(7u32.to_le(), Ordering::SeqCst);
    double_word(&memory, 16).store(0x1_0000_0000u64.to_le(), Ordering::SeqCst);
    assert_eq!(memory.atomic_wait32(8, 6, FOR_EVER), Ok(WaitResult::Mismatch));
    assert_eq!(memory.atomic_wait64(16, 0, FOR_EVER), Ok(WaitResult::Mismatch));
    assert_eq!(memory.atomic_wait32(16, 1, None), Ok(WaitResult::Mismatch));
}

#[test]
fn timeouts_are_kept() {
    let memory = memory(1, 1);
    for timeout in [0, 1, 30, 80].map(Duration::from_millis) {
        let start = Instant::now();
        assert_eq!(memory.atomic_wait32(0, 0, Some(timeout)), Ok(WaitResult::TimedOut));
        assert_eq!(memory.atomic_wait64(0, 0, Some(timeout)), Ok(WaitResult::TimedOut));
        let taken = start.elapsed();
        assert!(taken >= 2 * timeout && taken < 2 * timeout + Duration::from_secs(20), "{taken:?}");
    }
    // Who has gone is not counted.
    assert_eq!(memory.atomic_notify(0, u32::MAX), Ok(0));
}

#[test]
fn a_timeout_of_ages_is_none() {
    let memory = memory(1, 1);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| memory.atomic_wait32(0, 0, Some(Duration::MAX)));
        while memory.atomic_notify(0, 1).unwrap() == 0 {
            std::thread::yield_now();
        }
        assert_eq!(waiting.join().unwrap(), Ok(WaitResult::Ok));
    });
}

#[test]
fn as_many_are_woken_as_were_asked_for() {
    let memory = memory(1, 1);
    let woken = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for wide in [false, true, false, true, false] {
            let (memory, woken) = (&memory, &woken);
            scope.spawn(move || {
                // Who waits for 32 bits and who waits for 64 stand on the same list.
                let result = match wide {
                    false => memory.atomic_wait32(64, 0, FOR_EVER),
                    true => memory.atomic_wait64(64, 0, FOR_EVER),
                };
                assert_eq!(result, Ok(WaitResult::Ok));
                woken.fetch_add(1, Ordering::SeqCst);
            });
        }
        assert_eq!(memory.atomic_notify(68, 9), Ok(0), "nobody waits there");
        wake(&memory, 64, 2);
        while woken.load(Ordering::SeqCst) < 2 {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(woken.load(Ordering::SeqCst), 2, "nobody wakes up by himself");
        wake(&memory, 64, 3);
    });
    assert_eq!(woken.load(Ordering::SeqCst), 5);
}

#[test]
fn four_threads_take_turns() {
    const ROUNDS: u32 = 500;
    let memory = memory(1, 1);
    std::thread::scope(|scope| {
        for me in 0..4 {
            let memory = &memory;
            scope.spawn(move || {
                let turn = word(memory, 128);
                for round in 0..ROUNDS {
                    let mine = round * 4 + me;
                    loop {
                        let now = u32::from_le(turn.load(Ordering::SeqCst));
                        if now == mine {
                            break;
                        }
                        assert!(now < mine);
                        let result = memory.atomic_wait32(128, now, FOR_EVER).unwrap();
                        assert_ne!(result, WaitResult::TimedOut, "a notification was lost");
                    }
                    turn.store((mine + 1).to_le(), Ordering::SeqCst);
                    memory.atomic_notify(128, u32::MAX).unwrap();
                }
            });
        }
    });
    assert_eq!(u32::from_le(word(&memory, 128).load(Ordering::SeqCst)), 4 * ROUNDS);
}

#[test]
fn notifications_at_the_last_moment_count_once() {
    let memory = memory(1, 1);
    let (counted, notified) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..300 {
                    let timeout = Some(Duration::from_micros(50));
                    if memory.atomic_wait32(0, 0, timeout).unwrap() == WaitResult::Ok {
                        notified.fetch_add(1, Ordering::SeqCst);
                    }
                }
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        while done.load(Ordering::SeqCst) < 3 {
            counted.fetch_add(memory.atomic_notify(0, 1).unwrap() as usize, Ordering::SeqCst);
            std::thread::yield_now();
        }
    });
    assert_eq!(counted.load(Ordering::SeqCst), notified.load(Ordering::SeqCst));
}

#[test]
fn they_are_externs_of_every_store_of_their_engine() {
    let engine = engine();
    let memory = SharedMemory::new(&engine, MemoryType::shared(1, 2)).unwrap();
    let item = Extern::from(memory.clone());
    for _ in 0..2 {
        let mut store = Store::new(&engine, ());
        assert_eq!(item.ty(&store).unwrap_memory(), &MemoryType::shared(1, 2));
        let mut linker = Linker::new(&engine);
        linker.define(&store, "m", "memory", memory.clone()).unwrap();
        let found = linker.get(&mut store, "m", "memory").unwrap();
        memory.grow(0).unwrap();
        assert_eq!(found.into_shared_memory().unwrap().size(), 1);
    }
    assert!(item.into_memory().is_none());
}

#[cfg(feature = "compiler")]
#[test]
fn modules_that_want_an_unshared_memory_do_not_get_one() {
    let engine = engine();
    let unshared = r#"(module (import "m" "memory" (memory 1 2)))"#;
    let module = wootz::Module::new(&engine, unshared).unwrap();
    let memory = SharedMemory::new(&engine, MemoryType::shared(1, 2)).unwrap();
    let mut store = Store::new(&engine, ());
    let error = wootz::Instance::new(&mut store, &module, &[memory.into()]).unwrap_err();
    let error = format!("{error:#}");
    assert!(error.contains("expected non-shared memory, found shared memory"), "{error}");
}

#[test]
#[should_panic(expected = "wrong store")]
fn they_belong_to_an_engine() {
    let item = Extern::from(memory(1, 1));
    item.ty(Store::new(&engine(), ()));
}
