;; An invalid body is refused with the validator's words, the offset, and the function's index and name.

(module
  (func $fine)
  (func $broken (result i32) (i64.const 1)))

;; error: invalid WebAssembly module: type mismatch: expected i32, found i64 (at offset 0x21, in function 1 `broken`)
