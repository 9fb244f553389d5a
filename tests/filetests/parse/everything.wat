;; Everything that a module of version 2 can define arrives with its index, type and name.

(module $everything
  (import "env" "f" (func $imported (param i32) (result i64)))
  (import "env" "g" (global $base i32))
  (table $t 2 10 funcref)
  (memory $m 1 2)
  (global $counter (mut i64) (i64.const 7))
  (export "run" (func $run))
  (export "memory" (memory $m))
  (start $begin)
  (elem $active (table $t) (i32.const 0) func $run $begin)
  (elem $declared declare func $imported)
  (data $active (i32.const 8) "hello")
  (data $passive "world")
  (func $begin)
  (func $run (param f32) (result f64) (f64.promote_f32 (local.get 0))))

;; module everything
;; signature 0: (func (param i32) (result i64))
;; signature 1: (func)
;; signature 2: (func (param f32) (result f64))
;; import env::f: Function(FuncIndex(0))
;; import env::g: Global(GlobalIndex(0))
;; function 0: signature 0, imported  imported
;; function 1: signature 1, 0x6f..0x71  begin
;; function 2: signature 2, 0x72..0x77  run
;; table 0: (table 2 10 funcref)
;; memory 0: (memory 1 2)
;; global 0: (global i32)
;; global 1: (global (mut i64))
;; export run: Function(FuncIndex(2), SignatureIndex(2), FuncRefIndex(0))
;; export memory: Memory(MemoryIndex(0))
;; element segment 0: funcref Active { target: TableIndex(0), offset: ConstExpr { ops: [I32Const(0)] } } Functions(Range { offset: 0, bytes: 8 })
;; element segment 1: funcref Declared Functions(Range { offset: 8, bytes: 4 })
;; data segment 0: 5 bytes, Active { target: MemoryIndex(0), offset: ConstExpr { ops: [I32Const(8)] } }
;; data segment 1: 5 bytes, Passive
