;; What is no table goes where a table would lead to: at both ends of a run, at the last bit, and behind the end.
;; invoke: few 0
;; invoke: few 2
;; invoke: few 3
;; invoke: few 4
;; invoke: few -1
;; invoke: bits 0
;; invoke: bits 1
;; invoke: bits 62
;; invoke: bits 63
;; invoke: bits 64
;; invoke: bits 65
;; invoke: bits -1
;; invoke: constants

(module
  (memory 1)
  (func (export "few") (param i32) (result i32)
    block block block
      (br_table 0 0 0 1 2 (local.get 0))
    end (return (i32.const 10))
    end (return (i32.const 20))
    end (i32.const 30))
  (func (export "bits") (param i32) (result i32)
    block block
      (br_table 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1
                0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 1 0 1 (local.get 0))
    end (return (i32.const 10))
    end (i32.const 20))
  (func (export "constants") (result i64)
    (i64.store (i32.const 0) (i64.const -1))
    (i32.store8 (i32.const 1) (i32.const 0x17f))
    (i64.store16 (i32.const 3) (i64.const 0x38001))
    (i64.load (i32.const 0))))

;; few 0: 10
;; few 2: 10
;; few 3: 20
;; few 4: 30
;; few -1: 30
;; bits 0: 10
;; bits 1: 20
;; bits 62: 20
;; bits 63: 10
;; bits 64: 20
;; bits 65: 20
;; bits -1: 20
;; constants: -549722292225
