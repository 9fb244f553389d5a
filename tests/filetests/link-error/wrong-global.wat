;; A global that cannot be changed, where one is wanted that can: both types are shown.
;; provide: env (global (export "g") i32 (i32.const 1))

(module (import "env" "g" (global (mut i32))))

;; incompatible import type for `env::g`
;;
;; Caused by:
;;     global types incompatible: expected mutable global, found immutable global: the module imports `(global (mut i32))`, and was given `(global i32)`
