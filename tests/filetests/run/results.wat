;; Values of all types go in and come out, several at once, and keep their order.
;; invoke: swap 1 -2
;; invoke: all 7 -8 1.5 -0
;; invoke: null null

(module
  (func (export "swap") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
  (func (export "all") (param i32 i64 f32 f64) (result f64 f32 i64 i32)
    (local.get 3) (local.get 2) (local.get 1) (local.get 0))
  (func $f (export "null") (param externref) (result externref funcref funcref)
    (local.get 0) (ref.null func) (ref.func $f)))

;; swap 1 -2: -2 1
;; all 7 -8 1.5 -0: -0.0 1.5 -8 7
;; null null: null null a function
