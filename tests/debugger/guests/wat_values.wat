;; Parameters and locals of all types, with and without names, in a loop.
;;
;; builds: O0 O0+speed
;; run flags: --invoke run
;;
;; > break inside
;; > run
;; > in mix
;; none> args a = 7, b = 5000000000, c = 1.5, d = -2.25
;; none> locals i = 0, sum = 0
;; none> continue
;; none> at inside
;; none> locals i = 1, sum = 7
;; > bt mix run ...
;; > delete
;; > exits 0

(module
  (memory 1)
  (func $mix (param $a i32) (param $b i64) (param $c f32) (param $d f64) (result i64)
    (local $i i32) (local $sum i64)
    (loop $again
      (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_s (local.get $a)))) ;; @inside
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 3))))
    (i64.add (local.get $sum)
      (i64.add (local.get $b)
        (i64.trunc_f64_s (f64.add (local.get $d) (f64.promote_f32 (local.get $c)))))))
  (func $run (export "run") (result i64)
    (call $mix (i32.const 7) (i64.const 5000000000) (f32.const 1.5) (f64.const -2.25))))
