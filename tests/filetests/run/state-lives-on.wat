;; What a call changes in globals, memory and tables, the next one sees.
;; invoke: count
;; invoke: count
;; invoke: grow 1
;; invoke: grow 1
;; invoke: grow 1

(module
  (memory 1 3)
  (global $n (mut i32) (i32.const 40))
  (func (export "count") (result i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (i32.store (i32.const 65532) (global.get $n))
    (i32.load (i32.const 65532)))
  (func (export "grow") (param i32) (result i32 i32) (memory.grow (local.get 0)) (i32.load (i32.const 65532))))

;; count: 41
;; count: 42
;; grow 1: 1 42
;; grow 1: 2 42
;; grow 1: -1 42
