;; Two instances of it call each other by way of the host, until one traps. Each has a memory with its name.
(module $twin
  (import "host" "other" (func $other (param i32)))
  (memory (export "memory") 1)
  (func $run (export "run") (param i32)
    (if (i32.eqz (local.get 0)) (then unreachable))
    (call $other (i32.sub (local.get 0) (i32.const 1)))
    (i32.store8 (i32.const 100) (i32.const 1))))
