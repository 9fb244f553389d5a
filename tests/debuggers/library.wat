;; What application.wat imports.
(module $library
  (memory (export "memory") 2)
  (global (export "counter") (mut i64) (i64.const -5))
  (data (i32.const 64) "from the library\00"))
