;; Every kind of code that has to be unwound from, once: a debugger steps through all of it.
(module
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_get" (func $status (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1 20)
  (table $table 4 funcref)
  (elem (i32.const 0) $leaf $tail_more $tail_less)
  (type $unary (func (param i32) (result i32)))
  (global $count (mut i32) (i32.const 0))

  (func $leaf (param i32) (result i32)
    local.get 0
    i32.const 3
    i32.mul
    i32.const 1
    i32.add)

  ;; Two ways out, one of them cold.
  (func $two_ends (export "two_ends") (param i32) (result i32)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 5))
      (then (return (call $leaf (local.get 0))))
      (else (i32.add (call $leaf (local.get 0)) (call $leaf (i32.const 9))))))

  ;; Values that live across calls: in registers that functions preserve.
  (func $saved (param i32) (result i32)
    (local $a i32) (local $b i32) (local $c i32) (local $d i32) (local $e i32) (local $f i32)
    (local.set $a (call $leaf (local.get 0)))
    (local.set $b (call $leaf (local.get $a)))
    (local.set $c (call $two_ends (i32.and (local.get $b) (i32.const 7))))
    (local.set $d (call $leaf (local.get $c)))
    (local.set $e (call $leaf (local.get $d)))
    (local.set $f (call $leaf (local.get $e)))
    (i32.add (local.get 0) (i32.add (local.get $a) (i32.add (local.get $b) (i32.add (local.get $c)
      (i32.add (local.get $d) (i32.add (local.get $e) (local.get $f))))))))

  (func $float_leaf (param f64 f64) (result f64)
    (f64.add (f64.mul (local.get 0) (local.get 1)) (f64.const 0.5)))

  ;; The same with floats and vectors, which live in the frame across calls.
  (func $floats (param f64) (result f64)
    (local $a f64) (local $b f64) (local $c f64) (local $v v128)
    (local.set $v (f64x2.splat (local.get 0)))
    (local.set $a (call $float_leaf (local.get 0) (f64.const 1.5)))
    (local.set $b (call $float_leaf (local.get $a) (local.get 0)))
    (local.set $c (call $float_leaf (local.get $a) (local.get $b)))
    (f64.add (f64x2.extract_lane 1 (local.get $v))
      (f64.add (local.get $a) (f64.add (local.get $b) (local.get $c)))))

  ;; More results than fit registers: they travel through memory.
  (func $many_results (param i32) (result i32 i32 i32 i32 i32 i32 i64)
    local.get 0 (i32.add (local.get 0) (i32.const 1)) i32.const 2 i32.const 3 i32.const 4 i32.const 5 i64.const 6)

  ;; Arguments on the stack, which the callee removes.
  (func $many_parameters (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (call $leaf (i32.add (local.get 0) (i32.add (local.get 6) (local.get 9)))))

  ;; Tail calls: with as many arguments, more, and fewer, known and by way of the table.
  (func $tail_same (param i32) (result i32)
    (return_call $saved (call $leaf (local.get 0))))
  (func $tail_more (param i32) (result i32)
    (local $a i32)
    (local.set $a (call $leaf (local.get 0)))
    (return_call $many_parameters (local.get 0) (local.get $a) (i32.const 2) (i32.const 3) (i32.const 4)
      (i32.const 5) (i32.const 6) (i32.const 7) (i32.const 8) (call $leaf (local.get $a))))
  (func $tail_more_saved (param i32) (result i32)
    (local $a i32) (local $b i32)
    (local.set $a (call $leaf (local.get 0)))
    (local.set $b (call $saved (local.get $a)))
    (if (i32.gt_u (local.get $b) (i32.const 1000000000)) (then (return (i32.const 1))))
    (return_call $many_parameters (local.get 0) (local.get $a) (i32.const 2) (i32.const 3) (i32.const 4)
      (i32.const 5) (i32.const 6) (i32.const 7) (i32.const 8) (call $leaf (local.get $a))))
  (func $tail_less (param i32) (result i32)
    (call $shrinks (local.get 0) (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5)
      (i32.const 6) (i32.const 7) (i32.const 8) (i32.const 9)))
  (func $shrinks (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (local $a i32)
    (local.set $a (call $leaf (local.get 9)))
    (return_call $tail_same (i32.add (local.get $a) (local.get 0))))
  (func $tail_indirect (param i32) (result i32)
    (return_call_indirect $table (type $unary) (local.get 0) (i32.const 0)))
  (func $tail_out (result i32)
    (drop (call $leaf (i32.const 1)))
    (return_call $yield))

  ;; What the runtime does, and what the host does.
  (func $builtins (param i32) (result i32)
    (memory.fill (i32.const 100) (i32.const 7) (local.get 0))
    (memory.copy (i32.const 200) (i32.const 100) (local.get 0))
    (i32.add (memory.grow (i32.const 1)) (i32.load8_u (i32.const 200))))
  (func $host (result i32)
    (i32.add
      (i32.add (call $yield) (call $clock (i32.const 1) (i64.const 1) (i32.const 16)))
      ;; Too many arguments for an entry with types.
      (call $status (i32.const 99) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))))

  ;; A jump table, whose data lies in the code.
  (func $switch (param i32) (result i32)
    (block $d (block $c (block $b (block $a
      (br_table $a $b $c $d (local.get 0)))
      (return (call $leaf (i32.const 10))))
      (return (call $leaf (i32.const 20))))
      (return (i32.const 30)))
    (i32.const 40))

  ;; Here the test puts two functions with large frames, one of which needs more probes than the other.
  ;; LARGE

  ;; Frames of all kinds, but little else.
  (func (export "frames") (param i32) (result i32)
    (local $sum i32)
    (local.set $sum (call $two_ends (local.get 0)))
    (call $many_results (local.get $sum)) drop drop drop drop drop drop
    local.set $sum
    (local.set $sum (i32.add (local.get $sum) (call $tail_more (i32.const 4))))
    (local.set $sum (i32.add (local.get $sum) (call $tail_less (i32.const 5))))
    (local.set $sum (i32.add (local.get $sum) (call $tail_indirect (i32.const 6))))
    local.get $sum)

  (func (export "all") (param i32) (result i32)
    (local $sum i32)
    (local.set $sum (call $saved (local.get 0)))
    (local.set $sum (i32.add (local.get $sum) (call $two_ends (i32.const 9))))
    (local.set $sum (i32.add (local.get $sum) (i32.trunc_sat_f64_s (call $floats (f64.const 2.5)))))
    (call $many_results (local.get $sum)) drop drop drop drop drop drop
    local.set $sum
    (local.set $sum (i32.add (local.get $sum) (call $tail_same (i32.const 3))))
    (local.set $sum (i32.add (local.get $sum) (call $tail_more (i32.const 4))))
    (local.set $sum (i32.add (local.get $sum) (call $tail_more_saved (i32.const 4))))
    (local.set $sum (i32.add (local.get $sum) (call $tail_less (i32.const 5))))
    (local.set $sum (i32.add (local.get $sum) (call $tail_indirect (i32.const 6))))
    (local.set $sum (i32.add (local.get $sum) (call $tail_out)))
    (local.set $sum (i32.add (local.get $sum) (call_indirect $table (type $unary) (i32.const 7) (i32.const 1))))
    (local.set $sum (i32.add (local.get $sum) (call $builtins (i32.const 50))))
    (local.set $sum (i32.add (local.get $sum) (call $host)))
    (local.set $sum (i32.add (local.get $sum) (call $switch (i32.const 1))))
    (local.set $sum (i32.add (local.get $sum) (call $switch (i32.const 3))))
    (local.set $sum (i32.add (local.get $sum) (i32.wrap_i64 (call $large (i64.const 3)))))
    (local.set $sum (i32.add (local.get $sum) (i32.wrap_i64 (call $larger (i64.const 3)))))
    local.get $sum))
