;; Threads that count together, and wait for each other.
(module $threads
  (import "host" "memory" (memory 1 1 shared))
  (func (export "count") (param i32)
    (loop $again
      (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "outside") (drop (i32.atomic.rmw.and offset=1 (i32.const -1) (i32.const 0))))
  (func (export "wait") (result i32)
    (memory.atomic.wait32 (i32.const 8) (i32.const 0) (i64.const 20000000000)))
  (func (export "notify") (result i32)
    (i32.atomic.store (i32.const 8) (i32.const 1))
    (memory.atomic.notify (i32.const 8) (i32.const 1))))
