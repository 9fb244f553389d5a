;; Globals that never change have the values that they begin with, of all types; those that code or others change have what
;; they are changed to.
;; provide: other (global (export "imported") i64 (i64.const 77)) (global (export "changes") (mut i32) (i32.const 1))
;; invoke: numbers
;; invoke: vector
;; invoke: imported
;; invoke: change
;; invoke: change
;; invoke: through_table

(module
  (import "other" "imported" (global $imported i64))
  (import "other" "changes" (global $changes (mut i32)))
  (global $int i32 (i32.const -5))
  (global $long i64 (i64.sub (i64.const 0x7fffffffffffffff) (i64.const -1)))
  (global $float f32 (f32.const nan:0x200001))
  (global $double (mut f64) (f64.const -0))
  (global $bytes v128 (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15))
  (global $copy i64 (global.get $imported))
  (global $set (mut i32) (i32.const 10))
  (global $exported (export "exported") (mut i32) (i32.const 100))
  (global $function funcref (ref.func $change))
  (table funcref (elem $one $two))
  (type $number (func (result i32)))
  (func $one (type $number) (i32.const 1))
  (func $two (type $number) (i32.const 2))
  (global $index i32 (i32.const 1))
  (func (export "numbers") (result i32 i64 i32 i64)
    (global.get $int) (global.get $long)
    (i32.reinterpret_f32 (global.get $float)) (i64.reinterpret_f64 (global.get $double)))
  (func (export "vector") (result i64 i64)
    (i64x2.extract_lane 0 (global.get $bytes)) (i64x2.extract_lane 1 (i8x16.neg (global.get $bytes))))
  (func (export "imported") (result i64 i64) (global.get $imported) (global.get $copy))
  (func $change (export "change") (result i32 i32 i32 i32)
    (global.set $set (i32.add (global.get $set) (i32.const 1)))
    (global.set $changes (i32.add (global.get $changes) (i32.const 1)))
    (global.set $exported (i32.add (global.get $exported) (i32.const 1)))
    (global.get $set) (global.get $changes) (global.get $exported) (ref.is_null (global.get $function)))
  (func (export "through_table") (result i32) (call_indirect (type $number) (global.get $index))))

;; numbers: -5 -9223372036854775808 2141192193 -9223372036854775808
;; vector: 506097522914230528 -1012478732780767240
;; imported: 77 77
;; change: 11 2 101 0
;; change: 12 3 102 0
;; through_table: 2
