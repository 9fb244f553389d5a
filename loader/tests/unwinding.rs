//! What `backtrace(3)` finds: the system's unwinder goes through compiled code by the tables that are in its file, from host
//! functions as well as from signal handlers, which interrupt it anywhere.
#![cfg(all(target_os = "linux", target_env = "gnu", feature = "compiler"))]

mod common;

use std::ffi::c_void;
use std::ops::Range;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use common::{Directory, in_child};
use wootz::{Caller, Config, Engine, Linker, Module, Store};

const MOST_FRAMES: usize = 128;

/// The addresses that `backtrace` finds on this thread's stack.
fn frames(buffer: &mut [*mut c_void; MOST_FRAMES]) -> usize {
    // SAFETY: it writes as many as it is said that there is room for.
    unsafe { libc::backtrace(buffer.as_mut_ptr(), MOST_FRAMES as i32) as usize }
}

/// A guest that calls itself and the host, in a file.
fn guest(directory: &Directory) -> (Engine, Module) {
    // Every function is to have a frame of its own.
    let engine = Engine::new(Config::new().skip_optimisation("inlining")).unwrap();
    let wat = r#"(module
        (import "host" "look" (func $look))
        (func $fibonacci (export "fibonacci") (param i32) (result i32)
            (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
                (then (local.get 0))
                (else (i32.add (call $fibonacci (i32.sub (local.get 0) (i32.const 1)))
                    (call $fibonacci (i32.sub (local.get 0) (i32.const 2)))))))
        (func $tail (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
            (i32.add (local.get 8) (call $fibonacci (local.get 0))))
        (func $inner (call $look))
        (func (export "outer") (param i32) (result i32)
            (call $inner)
            (return_call $tail (local.get 0) (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4)
                (i32.const 5) (i32.const 6) (i32.const 7) (i32.const 8))))"#;
    let bytes = engine.precompile_module(wat.as_bytes()).unwrap();
    let file = directory.file("guest.so", &bytes);
    // SAFETY: it was just made.
    let module = unsafe { Module::deserialize_file(&engine, file) }.unwrap();
    (engine, module)
}

fn code(module: &Module) -> Range<usize> {
    let range = module.image_range();
    range.start as usize..range.end as usize
}

/// Calls, and is on the stack meanwhile.
#[inline(never)]
fn from_here(call: &mut dyn FnMut()) {
    call();
    std::hint::black_box(());
}

/// Whether this is a place in [`from_here`].
fn is_here(address: usize) -> bool {
    let start = from_here as *const () as usize;
    (start..start + 64).contains(&address)
}

#[test]
fn host_functions_see_who_has_called_them() {
    let directory = Directory::new("backtrace");
    let (engine, module) = guest(&directory);
    let mut linker = Linker::new(&engine);
    let look = |mut caller: Caller<'_, Vec<usize>>| {
        let mut buffer = [std::ptr::null_mut(); MOST_FRAMES];
        let count = frames(&mut buffer);
        caller.data_mut().extend(buffer[..count].iter().map(|address| *address as usize));
    };
    linker.func_wrap("host", "look", look).unwrap();
    let mut store = Store::new(&engine, Vec::new());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let outer = instance.get_typed_func::<i32, i32>(&mut store, "outer").unwrap();
    from_here(&mut || assert_eq!(outer.call(&mut store, 10).unwrap(), 55 + 8));
    let code = code(&module);
    let found = store.data();
    let first = found.iter().position(|address| code.contains(address)).unwrap();
    let guests = found[first..].iter().take_while(|address| code.contains(address)).count();
    // Two functions, and the way in; where the runtime has none without a frame, the way out.
    let way_out = usize::from(cfg!(not(target_arch = "x86_64")));
    assert_eq!(guests, way_out + 3, "{found:x?}");
    assert!(found[first + guests..].iter().any(|&address| is_here(address)), "{found:x?}");
}

/// What the signal handler needs to know, and what it found: in how many samples was the guest's code interrupted, in how many
/// of them did the stack lead here, and one that did not.
static CODE: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];
static SAMPLES: AtomicUsize = AtomicUsize::new(0);
static LOST: AtomicUsize = AtomicUsize::new(0);
static EXAMPLE: [AtomicPtr<c_void>; MOST_FRAMES] =
    [const { AtomicPtr::new(std::ptr::null_mut()) }; MOST_FRAMES];

extern "C" fn sample(_signal: i32, _info: *mut libc::siginfo_t, _context: *mut c_void) {
    let mut buffer = [std::ptr::null_mut(); MOST_FRAMES];
    let count = frames(&mut buffer);
    let code = CODE[0].load(Ordering::Relaxed)..CODE[1].load(Ordering::Relaxed);
    // The handler, what the system returns by, and then who was interrupted.
    let is_guest =
        buffer[..count].iter().take(4).any(|address| code.contains(&(*address as usize)));
    if is_guest {
        SAMPLES.fetch_add(1, Ordering::Relaxed);
        if !buffer[..count].iter().any(|address| is_here(*address as usize)) {
            LOST.fetch_add(1, Ordering::Relaxed);
            for (place, address) in EXAMPLE.iter().zip(buffer) {
                place.store(address, Ordering::Relaxed);
            }
        }
    }
}

/// Where the tables hold at every instruction.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn signal_handlers_see_whom_they_have_interrupted() {
    let status = in_child("signal_handlers_see_whom_they_have_interrupted", || {
        let directory = Directory::new("sampling");
        let (engine, module) = guest(&directory);
        let mut linker = Linker::new(&engine);
        linker.func_wrap("host", "look", || ()).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let outer = instance.get_typed_func::<i32, i32>(&mut store, "outer").unwrap();
        let code = code(&module);
        CODE[0].store(code.start, Ordering::Relaxed);
        CODE[1].store(code.end, Ordering::Relaxed);
        // The first call loads a library, which a handler must not.
        frames(&mut [std::ptr::null_mut(); MOST_FRAMES]);
        // SAFETY: the handler has the signature that the flags promise, and only reads the stack.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = sample as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
            assert_eq!(libc::sigaction(libc::SIGPROF, &action, std::ptr::null_mut()), 0);
            let interval = libc::timeval { tv_sec: 0, tv_usec: 1000 };
            let timer = libc::itimerval { it_interval: interval, it_value: interval };
            assert_eq!(libc::setitimer(libc::ITIMER_PROF, &timer, std::ptr::null_mut()), 0);
        }
        // Kernels tick a few hundred times a second.
        for _ in 0..2000 {
            if SAMPLES.load(Ordering::Relaxed) >= 200 {
                break;
            }
            from_here(&mut || _ = outer.call(&mut store, 27).unwrap());
        }
        let (samples, lost) = (SAMPLES.load(Ordering::Relaxed), LOST.load(Ordering::Relaxed));
        let example: Vec<_> = EXAMPLE.iter().map(|place| place.load(Ordering::Relaxed)).collect();
        assert!(samples >= 200, "{samples} samples");
        assert_eq!(lost, 0, "of {samples} samples, as with {example:?}; the code is {code:x?}");
        std::process::exit(66);
    });
    assert!(status.is_none_or(|status| status.code() == Some(66)), "{status:?}");
}
