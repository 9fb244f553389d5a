;; A thing of another kind: both are named.
;; provide: env (memory (export "log") 1)

(module (import "env" "log" (func (param i32))))

;; incompatible import type for `env::log`
;;
;; Caused by:
;;     expected func, but found memory: the module imports `(func (param i32))`, and was given `(memory 1)`
