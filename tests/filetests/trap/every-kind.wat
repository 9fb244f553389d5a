;; Every kind of trap has its own message, and says in which function it happened.
;; invoke: unreachable
;; invoke: memory 65533
;; invoke: memory -1
;; invoke: divide 1 0
;; invoke: divide -2147483648 -1
;; invoke: convert nan
;; invoke: convert 1e10
;; invoke: indirect 9
;; invoke: indirect 1
;; invoke: indirect 2
;; invoke: table 9
;; invoke: copy 65536 1
;; invoke: init 3

(module $kinds
  (type $t (func))
  (memory 1)
  (table 3 funcref)
  (elem (i32.const 0) func $f)
  (elem (i32.const 2) func $other)
  (data $data "abc")
  (func $f)
  (func $other (param i32))
  (func $unreachable (export "unreachable") (unreachable))
  (func $memory (export "memory") (param i32) (result i32) (i32.load (local.get 0)))
  (func $divide (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func $convert (export "convert") (param f64) (result i32) (i32.trunc_f64_s (local.get 0)))
  (func $indirect (export "indirect") (param i32) (call_indirect (type $t) (local.get 0)))
  (func $table (export "table") (param i32) (result funcref) (table.get (local.get 0)))
  (func $copy (export "copy") (param i32 i32) (memory.copy (i32.const 0) (local.get 0) (local.get 1)))
  (func $init (export "init") (param i32) (memory.init $data (i32.const 0) (i32.const 1) (local.get 0))))

;; unreachable: wasm trap: wasm `unreachable` instruction executed
;; error while executing at wasm backtrace:
;;     0:     0xaf - kinds!unreachable
;; memory 65533: wasm trap: out of bounds memory access
;; error while executing at wasm backtrace:
;;     0:     0xb5 - kinds!memory
;; memory -1: wasm trap: out of bounds memory access
;; error while executing at wasm backtrace:
;;     0:     0xb5 - kinds!memory
;; divide 1 0: wasm trap: integer divide by zero
;; error while executing at wasm backtrace:
;;     0:     0xbf - kinds!divide
;; divide -2147483648 -1: wasm trap: integer overflow
;; error while executing at wasm backtrace:
;;     0:     0xbf - kinds!divide
;; convert nan: wasm trap: invalid conversion to integer
;; error while executing at wasm backtrace:
;;     0:     0xc5 - kinds!convert
;; convert 1e10: wasm trap: integer overflow
;; error while executing at wasm backtrace:
;;     0:     0xc5 - kinds!convert
;; indirect 9: wasm trap: undefined element: out of bounds table access
;; error while executing at wasm backtrace:
;;     0:     0xcb - kinds!indirect
;; indirect 1: wasm trap: uninitialized element
;; error while executing at wasm backtrace:
;;     0:     0xcb - kinds!indirect
;; indirect 2: wasm trap: indirect call type mismatch
;; error while executing at wasm backtrace:
;;     0:     0xcb - kinds!indirect
;; table 9: wasm trap: undefined element: out of bounds table access
;; error while executing at wasm backtrace:
;;     0:     0xd3 - kinds!table
;; copy 65536 1: wasm trap: out of bounds memory access
;; error while executing at wasm backtrace:
;;     0:     0xde - kinds!copy
;; init 3: wasm trap: out of bounds memory access
;; error while executing at wasm backtrace:
;;     0:     0xeb - kinds!init
