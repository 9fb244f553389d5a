;; What comes out of a loop is a sum with what went round in it, or with what that was before; also where numbers wrap around.
;; invoke: behind 1
;; invoke: behind 2
;; invoke: behind 100
;; invoke: both_ways 0 0
;; invoke: both_ways 0 1
;; invoke: both_ways 1 0
;; invoke: both_ways 1 1
;; invoke: both_ways 5 0
;; invoke: both_ways 5 1
;; invoke: neither 1
;; invoke: neither 5
;; invoke: after_another 1
;; invoke: after_another 20

(module
  (func (export "behind") (param $n i32) (result i32) (local $i i32)
    (local.set $i (i32.const 0xfffffffd))
    (loop $again
      (local.set $i (i32.add (local.get $i) (i32.const 3)))
      (br_if $again (i32.ne (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (i32.add (local.get $i) (i32.const 4)))
  (func (export "both_ways") (param $n i64) (param $which i32) (result i64) (local $i i64)
    (local.set $i (i64.const 0x7ffffffffffffffe))
    (block $out
      (loop $again
        (br_if $out (i64.eqz (local.get $n)))
        (local.set $n (i64.sub (local.get $n) (i64.const 1)))
        (br_if $again
          (i32.eqz (local.get $which))
          (local.set $i (i64.add (local.get $i) (i64.const 1))))
        (return (i64.sub (local.get $i) (i64.const 1)))))
    (i64.add (local.get $i) (i64.const -2)))
  (func (export "neither") (param $n i32) (result i32) (local $i i32) (local $before i32)
    (loop $again
      (local.set $before (local.get $i))
      (local.set $i (i32.add (local.get $i) (i32.const 7)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.mul (local.get $before) (i32.add (local.get $i) (i32.const 1))))
  (func (export "after_another") (param $n i32) (result i32) (local $i i32)
    (loop $first
      (local.set $i (i32.add (local.get $i) (i32.const 2)))
      (br_if $first (i32.lt_s (local.get $i) (local.get $n))))
    (loop $second
      (local.set $i (i32.add (local.get $i) (i32.const -1)))
      (br_if $second (i32.gt_s (local.get $i) (i32.const 3))))
    (i32.sub (local.get $i) (i32.const 10))))

;; behind 1: 4
;; behind 2: 7
;; behind 100: 301
;; both_ways 0 0: 9223372036854775804
;; both_ways 0 1: 9223372036854775804
;; both_ways 1 0: 9223372036854775805
;; both_ways 1 1: 9223372036854775806
;; both_ways 5 0: -9223372036854775807
;; both_ways 5 1: 9223372036854775806
;; neither 1: 0
;; neither 5: 1008
;; after_another 1: -9
;; after_another 20: -7
