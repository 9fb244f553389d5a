;; Compiled with fuel and epochs: what can be stopped, and what uses the system.
(module $guest
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "host" "shared" (memory $shared 1 2 shared))
  (memory (export "memory") 1)
  (func (export "spin") (loop br 0))
  (func (export "work") (param i32) (result i32)
    (local $sum i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get 0)))
        (local.set $sum (i32.add (local.get $sum) (local.get 0)))
        (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
        (br $next)))
    (local.get $sum))
  (func (export "add-shared") (param i32)
    (drop (i32.atomic.rmw.add $shared (i32.const 64) (local.get 0))))
  (func (export "exit") (param i32) (call $exit (local.get 0))))
