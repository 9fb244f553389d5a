;; After a trap, the instance can be called again, and what was done before the trap is done.
;; invoke: half 5
;; invoke: get

(module $m
  (global $g (mut i32) (i32.const 0))
  (func $half (export "half") (param i32) (global.set $g (local.get 0)) (unreachable))
  (func $get (export "get") (result i32) (global.get $g)))

;; half 5: wasm trap: wasm `unreachable` instruction executed
;; error while executing at wasm backtrace:
;;     0:     0x39 - m!half
;; get: 5
