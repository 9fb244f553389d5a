;; A memory that is too small: both types are shown.
;; provide: env (memory (export "memory") 1)

(module (import "env" "memory" (memory 2 10)))

;; incompatible import type for `env::memory`
;;
;; Caused by:
;;     memory types incompatible: expected memory limits (min: 2, max: 10) doesn't match provided memory limits (min: 1, max: none): the module imports `(memory 2 10)`, and was given `(memory 1)`
