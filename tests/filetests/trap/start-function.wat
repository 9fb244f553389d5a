;; A start function that traps makes instantiation fail, with a backtrace.

(module $starting
  (func $begin (unreachable))
  (start $begin))

;; instantiation: wasm trap: wasm `unreachable` instruction executed
;; error while executing at wasm backtrace:
;;     0:     0x1a - starting!begin
