;; Host values in locals, tables and globals, while somebody collects those that nobody needs.
(module $references
  (import "host" "collect" (func $collect))
  (import "host" "make" (func $make (param i32) (result externref)))
  (table $table 2 externref)
  (global $global (mut externref) (ref.null extern))
  (func (export "keep") (param externref) (result externref externref externref externref)
    (local $made externref)
    (local.set $made (call $make (i32.const 1)))
    (table.set $table (i32.const 1) (call $make (i32.const 2)))
    (global.set $global (call $make (i32.const 3)))
    (drop (call $make (i32.const 4)))
    (call $collect)
    (local.get 0) (local.get $made) (table.get $table (i32.const 1)) (global.get $global)))
