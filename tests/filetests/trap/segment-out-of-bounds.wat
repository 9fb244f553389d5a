;; An active segment that does not fit is a trap of instantiation.

(module
  (memory 1)
  (data (i32.const 65534) "abc"))

;; instantiation: wasm trap: out of bounds memory access
