;; One name with several types: more than a linker can say.
(module
  (type $unary (func (param i32) (result i32)))
  (import "env" "show" (func $show-i32 (param i32) (result i32)))
  (import "env" "show" (func $show-i64 (param i64) (result i32)))
  (import "env" "show" (func $show-again (param i32) (result i32)))
  (import "env" "show" (func $show-func (param (ref null $unary)) (result i32)))
  (import "env" "show" (global $show i32))
  (func (export "run") (result i32)
    (i32.add
      (i32.add (call $show-i32 (i32.const 1)) (call $show-i64 (i64.const 2)))
      (i32.add
        (i32.add (call $show-again (i32.const 3)) (call $show-func (ref.null $unary)))
        (global.get $show)))))
