;; A memory whose accesses are checked does what others do, up to the last byte, also after it has grown.
;; options: reservation=65536 guard=65536
;; invoke: last
;; invoke: grow
;; invoke: last
;; invoke: beyond

(module
  (memory 1 2)
  (func (export "last") (result i32)
    (i32.store8 (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1)) (i32.const 9))
    (i32.load8_u (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1))))
  (func (export "grow") (result i32) (memory.grow (i32.const 1)))
  (func (export "beyond") (result i32) (i32.load8_u offset=4294967295 (i32.mul (memory.size) (i32.const 65536)))))

;; last: 9
;; grow: 1
;; last: 9
;; beyond: wasm trap: out of bounds memory access
;; error while executing at wasm backtrace:
;;     0:     0x67 - <unknown>!<wasm function 2>
