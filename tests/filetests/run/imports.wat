;; Functions, globals, memories and tables of another instance are shared, not copied.
;; provide: env (memory (export "m") 1) (global (export "g") (mut i32) (i32.const 5)) (func (export "read") (result i32) (i32.add (i32.load (i32.const 0)) (global.get 0)))
;; invoke: write 100

(module
  (import "env" "m" (memory 1))
  (import "env" "g" (global $g (mut i32)))
  (import "env" "read" (func $read (result i32)))
  (func (export "write") (param i32) (result i32)
    (i32.store (i32.const 0) (local.get 0))
    (global.set $g (i32.const 7))
    (call $read)))

;; write 100: 107
