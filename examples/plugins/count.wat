;; Counts lines, from 1 to 9, and cannot bear empty ones. Says so when it begins.
(module $count
  (import "host" "say" (func $say (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "from 1 again")
  (data (i32.const 16) "line ?")
  (global $lines (mut i32) (i32.const 0))
  (func (export "buffer") (result i32) (i32.const 1024))
  (func (export "transform") (param $bytes i32) (result i32)
    (if (i32.eqz (local.get $bytes)) (then unreachable))
    (if (i32.eqz (global.get $lines)) (then (call $say (i32.const 0) (i32.const 12))))
    (global.set $lines (i32.add (global.get $lines) (i32.const 1)))
    ;; The digit behind `0`.
    (i32.store8 (i32.const 21) (i32.add (i32.const 48) (global.get $lines)))
    (memory.copy (i32.const 1024) (i32.const 16) (i32.const 6))
    (i32.const 6)))
