;; Vectors go everywhere: into and out of functions, more of them than there are registers, through blocks with
;; parameters, globals, own and imported, and constants; whatever lanes they were made with.
;; provide: m (global (export "g") (mut v128) (v128.const i32x4 1 2 3 4)) (global (export "h") v128 (v128.const i64x2 -1 9)) (func (export "f") (param v128) (result v128) (i16x8.add (local.get 0) (local.get 0)))
;; invoke: many
;; invoke: blocks 0
;; invoke: blocks 1
;; invoke: globals
;; invoke: imported

(module
  (import "m" "g" (global $imported (mut v128)))
  (import "m" "h" (global $fixed v128))
  (import "m" "f" (func $double (param v128) (result v128)))
  (global $first v128 (v128.const i64x2 5 6))
  (global $second (mut v128) (global.get $fixed))
  (func $ten (param v128 i32 v128) (result v128 v128 v128 v128 v128 v128 v128 v128 v128 f32)
    (local.get 0) (i32x4.splat (local.get 1)) (f32x4.neg (local.get 2)) (local.get 0) (local.get 0)
    (i8x16.splat (local.get 1)) (local.get 0) (local.get 2) (f64x2.splat (f64.const 2)) (f32.const 9))
  (func (export "many") (result i64 f64 i32 f32) (local v128 f32 f64 i32)
    (call $ten (i64x2.splat (i64.const 7)) (i32.const 3) (f32x4.splat (f32.const 1.5)))
    (local.set 1) (local.set 0) drop drop drop drop drop
    (local.set 2 (f64x2.extract_lane 0 (f64x2.promote_low_f32x4)))
    (local.set 3 (i32x4.extract_lane 2))
    (i64x2.extract_lane 1) (local.get 2) (local.get 3) (local.get 1))
  (func (export "blocks") (param i32) (result i32 i64) (local i64)
    (v128.const i32x4 1 2 3 4) (i64x2.splat (i64.const 100))
    (if (param v128 v128) (result v128 v128) (local.get 0)
      (then (i32x4.add) (f32x4.abs (v128.const i32x4 -1 0 0 0)))
      (else (i16x8.sub)  (i8x16.splat (i32.const 2))))
    (loop (param v128 v128) (result v128 v128)
      (i16x8.add (i16x8.splat (i32.const 1)))
      (br_if 0 (local.get 0) (local.set 0 (i32.const 0))))
    (local.set 1 (i64x2.extract_lane 0))
    (i32x4.extract_lane 0) (local.get 1))
  (func (export "globals") (result i64 i64)
    (global.set $second (i32x4.add (global.get $second) (global.get $first)))
    (i64x2.extract_lane 0 (global.get $second)) (i64x2.extract_lane 1 (global.get $second)))
  (func (export "imported") (result i32 i32)
    (global.set $imported (f64x2.neg (call $double (i8x16.add (global.get $imported) (global.get $imported)))))
    (i32x4.extract_lane 0 (global.get $imported)) (i32x4.extract_lane 3 (global.get $imported))))

;; many: 7 -1.5 3 9.0
;; blocks 0: 65437 144961824947896835
;; blocks 1: 101 562960690905089
;; globals: -4294967292 15
;; imported: 4 -2147483632
