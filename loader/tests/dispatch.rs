//! Interpreters' operators with a jump of their own each: the same results, traps at the same places, the same fuel.

#![cfg(feature = "compiler")]

use wootz::{Config, Engine, Instance, Module, Store};

/// A machine with one register, whose program is the memory. Operator 0 ends; what loads the next operator may leave the memory,
/// and so may what loads an operand; division may trap.
const MACHINE: &str = r#"(module
    (memory (export "memory") 1 1)
    (func (export "run") (param $pc i32) (result i32) (local $register i32) (local $steps i32)
        (loop $next
            (local.set $steps (i32.add (local.get $steps) (i32.const 1)))
            (if (i32.gt_u (local.get $steps) (i32.const 10000)) (then (return (i32.const -1))))
            block $end block $add block $subtract block $divide block $jump block $load block $skip block $increment
                (i32.load8_u (local.get $pc))
                (local.set $pc (i32.add (local.get $pc) (i32.const 1)))
                br_table $end $add $subtract $divide $jump $load $skip $increment
            end ;; increment, and what is no operator
                (local.set $register (i32.add (local.get $register) (i32.const 1)))
                br $next
            end ;; skip
                (local.set $pc (i32.add (local.get $pc) (i32.and (local.get $register) (i32.const 7))))
                br $next
            end ;; load
                (local.set $register (i32.load (i32.add (local.get $register) (i32.const 65000))))
                br $next
            end ;; jump
                (local.set $pc (i32.load16_u (local.get $pc)))
                br $next
            end ;; divide
                (local.set $register (i32.div_s (local.get $register) (i32.load8_s (local.get $pc))))
                (local.set $pc (i32.add (local.get $pc) (i32.const 1)))
                br $next
            end ;; subtract
                (local.set $register (i32.sub (local.get $register) (i32.load8_u (local.get $pc))))
                (local.set $pc (i32.add (local.get $pc) (i32.const 1)))
                br $next
            end ;; add
                (local.set $register (i32.add (local.get $register) (i32.load8_u (local.get $pc))))
                (local.set $pc (i32.add (local.get $pc) (i32.const 1)))
                br $next
            end ;; end
        )
        (local.get $register)))"#;

/// What becomes of random programs: results, or traps with their backtraces, and the fuel that is left.
fn outcomes(config: &Config) -> (usize, Vec<String>) {
    let engine = Engine::new(config).unwrap();
    let module = Module::new(&engine, MACHINE).unwrap();
    let mut state = 88172645463325252_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut outcomes = Vec::new();
    for round in 0..300 {
        let mut store = Store::new(&engine, ());
        let _ = store.set_fuel(1_000_000);
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        // In every third round there is nothing at the end that ends.
        let operators = if round % 3 == 0 { 7 } else { 9 };
        for byte in memory.data_mut(&mut store) {
            let is_end = random() % 64 == 0;
            *byte = if is_end && operators == 9 { 0 } else { 1 + (random() % operators) as u8 };
        }
        let run = instance.get_typed_func::<i32, i32>(&mut store, "run").unwrap();
        let start = if round % 3 == 0 {
            65536 - (random() % 200) as i32
        } else {
            (random() % 60000) as i32
        };
        let outcome = match run.call(&mut store, start) {
            Ok(result) => result.to_string(),
            Err(error) => format!("{error:#}"),
        };
        outcomes.push(format!("{outcome}, fuel {:?}", store.get_fuel().ok()));
    }
    (module.text().len(), outcomes)
}

#[test]
fn interpreters_do_the_same_with_jumps_of_their_own() {
    let changes: &[fn(&mut Config)] = &[
        |_| (),
        |config| _ = config.consume_fuel(true),
        |config| _ = config.skip_optimisation("short-code").skip_optimisation("aligned-loops"),
        |config| _ = config.memory_reservation(0),
    ];
    for change in changes {
        let mut config = Config::new();
        change(&mut config);
        let (bytes, own) = outcomes(&config);
        let (fewer_bytes, common) = outcomes(config.skip_optimisation("dispatch"));
        assert!(bytes > fewer_bytes, "nothing was copied");
        assert_eq!(own, common);
        for what in ["out of bounds memory access", "integer divide by zero"] {
            assert!(own.iter().any(|outcome| outcome.contains(what)), "{what}");
        }
    }
}
