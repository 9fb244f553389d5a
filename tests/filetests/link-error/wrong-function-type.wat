;; A function of another type: both types are shown.
;; provide: env (func (export "log") (param i64))

(module (import "env" "log" (func (param i32 i32) (result f32))))

;; incompatible import type for `env::log`
;;
;; Caused by:
;;     types incompatible: expected type `(func (param i32 i32) (result f32))`, found type `(func (param i64))`
