;; A missing import is named, with the type that is wanted.

(module (import "env" "log" (func (param i32 i32))))

;; unknown import: `env::log` has not been defined; the module expects (func (param i32 i32))
