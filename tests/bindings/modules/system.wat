;; A program that uses WASI, and functions of its host.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "env" "exclamations" (func $exclamations (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\08\00\00\00\06\00\00\00hello!")
  (func (export "_start")
    (local $left i32)
    (local.set $left (call $exclamations))
    (loop $again
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))
