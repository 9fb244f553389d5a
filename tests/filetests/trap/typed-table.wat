;; Null in a table of one function type is found when it is called, and an index outside as in any table.
;; invoke: null
;; invoke: outside
;; invoke: by_reference

(module
  (type $t (func (result i32)))
  (table $table 4 4 (ref null $t))
  (elem (table $table) (i32.const 1) (ref null $t) (ref.func $one))
  (func $one (type $t) (i32.const 1))
  (func (export "null") (result i32)
    (i32.add (call_indirect $table (type $t) (i32.const 1)) (call_indirect $table (type $t) (i32.const 2))))
  (func (export "outside") (result i32) (call_indirect $table (type $t) (i32.const 4)))
  (func (export "by_reference") (result i32) (call_ref $t (table.get $table (i32.const 0)))))

;; null: wasm trap: uninitialized element
;; error while executing at wasm backtrace:
;;     0:     0x60 - <unknown>!<wasm function 1>
;; outside: wasm trap: undefined element: out of bounds table access
;; error while executing at wasm backtrace:
;;     0:     0x69 - <unknown>!<wasm function 2>
;; by_reference: wasm trap: null reference
;; error while executing at wasm backtrace:
;;     0:     0x73 - <unknown>!<wasm function 3>
