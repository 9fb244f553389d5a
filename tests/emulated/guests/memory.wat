;; Memory with images, one of which begins in the middle of a page, and globals of all types.
(module $memory
  (memory (export "memory") 2 5)
  (data (i32.const 0) "the first page")
  (data (i32.const 65530) "across two pages")
  (global (export "i64") (mut i64) (i64.const 0x0102030405060708))
  (global (export "f64") (mut f64) (f64.const -0.5))
  (global (export "v128") (mut v128) (v128.const i32x4 1 2 3 4))
  (func (export "put") (param i32 i64) (i64.store (local.get 0) (local.get 1)))
  (func (export "get") (param i32) (result i64) (i64.load (local.get 0)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
