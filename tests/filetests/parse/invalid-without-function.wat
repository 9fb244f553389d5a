;; What is invalid outside of functions has an offset, and no function.

(module
  (memory 1)
  (export "a" (memory 0))
  (export "a" (memory 0)))

;; error: invalid WebAssembly module: duplicate export name `a` already defined (at offset 0x14)
