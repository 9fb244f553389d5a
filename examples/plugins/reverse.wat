;; Answers from right to left.
(module $reverse
  (memory (export "memory") 1)
  (func (export "buffer") (result i32) (i32.const 1024))
  (func (export "transform") (param $bytes i32) (result i32)
    (local $left i32) (local $right i32) (local $letter i32)
    (local.set $left (i32.const 1024))
    (local.set $right (i32.add (i32.const 1023) (local.get $bytes)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $left) (local.get $right)))
        (local.set $letter (i32.load8_u (local.get $left)))
        (i32.store8 (local.get $left) (i32.load8_u (local.get $right)))
        (i32.store8 (local.get $right) (local.get $letter))
        (local.set $left (i32.add (local.get $left) (i32.const 1)))
        (local.set $right (i32.sub (local.get $right) (i32.const 1)))
        (br $next)))
    (local.get $bytes)))
