;; A proposal that is not supported is named in the message.
;; options: feature=-simd

(module
  (func (param v128) (result v128) (local.get 0)))

;; error: invalid WebAssembly module: SIMD support is not enabled (at offset 0xb)
