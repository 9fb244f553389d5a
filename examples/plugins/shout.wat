;; Answers in capital letters.
(module $shout
  (memory (export "memory") 1)
  (func (export "buffer") (result i32) (i32.const 1024))
  (func (export "transform") (param $bytes i32) (result i32)
    (local $at i32) (local $letter i32)
    (local.set $at (i32.const 1024))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (i32.add (i32.const 1024) (local.get $bytes))))
        (local.set $letter (i32.load8_u (local.get $at)))
        ;; From `a` to `z`.
        (if (i32.lt_u (i32.sub (local.get $letter) (i32.const 97)) (i32.const 26))
          (then (i32.store8 (local.get $at) (i32.sub (local.get $letter) (i32.const 32)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (local.get $bytes)))
