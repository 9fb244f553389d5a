;; A function of the host's, called by a start function and an exported one.
(module
  (import "env" "step" (func $step (result i32)))
  (import "env" "step" (func $step-again (result i32)))
  (global $count (mut i32) (i32.const 0))
  (func $start (global.set $count (call $step)))
  (start $start)
  (func (export "next") (result i32)
    (global.set $count (i32.add (global.get $count) (call $step-again)))
    (global.get $count)))
