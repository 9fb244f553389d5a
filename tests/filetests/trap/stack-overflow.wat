;; Endless recursion is a trap, and the backtrace ends after the frames that the configuration wants.
;; invoke: forever 1

(module
  (func $forever (export "forever") (param i32) (result i32)
    (i32.add (call $forever (local.get 0)) (i32.const 1))))

;; forever 1: wasm trap: call stack exhausted
;; error while executing at wasm backtrace:
;;     0:     0x28 - <unknown>!forever
;;     1:     0x28 - <unknown>!forever
;;     2:     0x28 - <unknown>!forever
;;     3:     0x28 - <unknown>!forever
;;     4:     0x28 - <unknown>!forever
;;     5:     0x28 - <unknown>!forever
;;     6:     0x28 - <unknown>!forever
;;     7:     0x28 - <unknown>!forever
;;     8:     0x28 - <unknown>!forever
;;     9:     0x28 - <unknown>!forever
;;    10:     0x28 - <unknown>!forever
;;    11:     0x28 - <unknown>!forever
;;    12:     0x28 - <unknown>!forever
;;    13:     0x28 - <unknown>!forever
;;    14:     0x28 - <unknown>!forever
;;    15:     0x28 - <unknown>!forever
;;    16:     0x28 - <unknown>!forever
;;    17:     0x28 - <unknown>!forever
;;    18:     0x28 - <unknown>!forever
;;    19:     0x28 - <unknown>!forever
