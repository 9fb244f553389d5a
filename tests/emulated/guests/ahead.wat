;; Loops of which many turns are made at once, where there are vectors for it, and a sum over what they leave, for many beginnings and
;; lengths.
(module
  (memory (export "memory") 1)
  (global $sum (mut i64) (i64.const 0))

  (func $zero (param $at i32) (result i32)
    (loop $again
      (if (i32.load8_u (local.get $at))
        (then
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $again))))
    (local.get $at))
  (func $differ (param $one i32) (param $other i32) (param $bytes i32) (result i32)
    (block $found
      (loop $again
        (br_if $found (i32.ne (i32.load8_u (local.get $one)) (i32.load8_u (local.get $other))))
        (local.set $one (i32.add (local.get $one) (i32.const 1)))
        (local.set $other (i32.add (local.get $other) (i32.const 1)))
        (br_if $again (local.tee $bytes (i32.sub (local.get $bytes) (i32.const 1))))))
    (i32.add (i32.mul (local.get $one) (i32.const 31)) (local.get $bytes)))
  (func $half (param $at i32) (param $most i32) (result i32)
    (block $found
      (loop $again
        (br_if $found (i32.lt_s (i32.load16_s (local.get $at)) (i32.const -30000)))
        (local.set $at (i32.add (local.get $at) (i32.const 2)))
        (br_if $again (i32.gt_s (local.tee $most (i32.sub (local.get $most) (i32.const 1))) (i32.const 0)))))
    (i32.add (i32.mul (local.get $at) (i32.const 31)) (local.get $most)))
  (func $word (param $at i32) (result i32) (local $word i32)
    (loop $again
      (local.set $word (i32.load (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $again
        (i32.eqz
          (i32.and
            (i32.and (i32.xor (local.get $word) (i32.const -1)) (i32.const 0x80808080))
            (i32.sub (local.get $word) (i32.const 0x01010101))))))
    (i32.add (local.get $at) (local.get $word)))

  (func $copy (param $from i32) (param $to i32) (param $bytes i32)
    (loop $again
      (i32.store8 (local.get $to) (i32.load8_u (local.get $from)))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))
      (local.set $to (i32.add (local.get $to) (i32.const 1)))
      (br_if $again (local.tee $bytes (i32.sub (local.get $bytes) (i32.const 1))))))
  (func $copy_back (param $from i32) (param $to i32) (param $words i32)
    (loop $again
      (i64.store offset=8 (local.get $to) (i64.load offset=8 (local.get $from)))
      (i64.store (local.get $to) (i64.load (local.get $from)))
      (local.set $from (i32.sub (local.get $from) (i32.const 16)))
      (local.set $to (i32.sub (local.get $to) (i32.const 16)))
      (br_if $again (local.tee $words (i32.sub (local.get $words) (i32.const 1))))))
  (func $fill (param $to i32) (param $with f32) (param $words i32)
    (loop $again
      (f32.store (local.get $to) (local.get $with))
      (local.set $to (i32.add (local.get $to) (i32.const 4)))
      (br_if $again (local.tee $words (i32.sub (local.get $words) (i32.const 1))))))

  ;; Bytes in no order, few of them zero.
  (func $scatter (param $seed i32) (local $at i32)
    (loop $again
      (local.set $seed (i32.add (i32.mul (local.get $seed) (i32.const 1664525)) (i32.const 1013904223)))
      (i32.store8 (local.get $at) (i32.shr_u (local.get $seed) (i32.const 23)))
      (br_if $again (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 12288))))
    ;; The same once more, but for a byte, and an end.
    (memory.copy (i32.const 20000) (i32.const 3900) (i32.const 400))
    (i32.store8 (i32.const 20250) (i32.const 7))
    (i64.store (i32.const 20400) (i64.const 0)))
  (func $add (param $what i32)
    (global.set $sum
      (i64.add (i64.mul (global.get $sum) (i64.const 31)) (i64.extend_i32_u (local.get $what)))))
  (func $add_memory (local $at i32)
    (local.set $at (i32.const 3600))
    (loop $again
      (global.set $sum
        (i64.xor (i64.mul (global.get $sum) (i64.const 37)) (i64.load (local.get $at))))
      (br_if $again (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 4800)))))

  (func (export "sum") (result i64) (local $at i32) (local $turns i32)
    (local.set $at (i32.const 4000))
    (loop $beginnings
      (local.set $turns (i32.const 1))
      (call $scatter (local.get $at))
      (loop $lengths
        (call $add (call $zero (local.get $at)))
        (call $add (call $differ (local.get $at) (i32.add (local.get $at) (i32.const 16100)) (local.get $turns)))
        (call $add (call $half (local.get $at) (local.get $turns)))
        (call $add (call $word (local.get $at)))
        (call $copy (local.get $at) (i32.const 4300) (local.get $turns))
        (call $copy (local.get $at) (i32.add (local.get $at) (local.get $turns)) (i32.const 50))
        (call $copy_back (i32.add (local.get $at) (i32.const 200)) (i32.add (local.get $at) (local.get $turns)) (i32.const 11))
        (call $fill (i32.add (local.get $at) (i32.const 300)) (f32.const 1.5) (local.get $turns))
        (br_if $lengths (i32.lt_u (local.tee $turns (i32.add (local.get $turns) (i32.const 3))) (i32.const 80))))
      (call $add_memory)
      (br_if $beginnings (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 4110))))
    (global.get $sum)))
