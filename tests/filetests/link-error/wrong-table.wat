;; A table of other elements: both types are shown.
;; provide: env (table (export "t") 1 externref)

(module (import "env" "t" (table 1 funcref)))

;; incompatible import type for `env::t`
;;
;; Caused by:
;;     table types incompatible: expected table of type `funcref`, found table of type `externref`: the module imports `(table 1 funcref)`, and was given `(table 1 externref)`
