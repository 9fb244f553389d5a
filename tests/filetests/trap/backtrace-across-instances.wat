;; A backtrace leads through functions of several modules, and names each; functions without a name have their index.
;; provide: env (func $inner (export "inner") (unreachable))
;; invoke: outer

(module $main
  (import "env" "inner" (func $inner))
  (func (;1;) (call $inner) (nop))
  (func $outer (export "outer") (call 1) (nop)))

;; outer: wasm trap: wasm `unreachable` instruction executed
;; error while executing at wasm backtrace:
;;     0:     0x22 - <unknown>!inner
;;     1:     0x32 - main!<wasm function 1>
;;     2:     0x38 - main!outer
