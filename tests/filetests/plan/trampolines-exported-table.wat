;; Into a table that others see they may put functions of the host, of each type: exit trampolines for all.

(module
  (type $called (func (param i64)))
  (table (export "table") funcref (elem $f))
  (func $f (param i64))
  (func (export "g") (param i32)
    (call_indirect (type $called) (i64.const 1) (local.get 0))))

;; target x86_64-unknown-linux-gnu with has_cmpxchg16b, has_popcnt, has_sse3, has_sse41, has_sse42, has_ssse3
;; descriptor wootz_module
;; vmctx VmLayout {
;;     shape: VmShape {
;;         imported_functions: 0,
;;         imported_tables: 0,
;;         imported_memories: 0,
;;         imported_globals: 0,
;;         imported_tags: 0,
;;         tables: 1,
;;         memories: 0,
;;         globals: 0,
;;         tags: 0,
;;         funcrefs: 2,
;;         signatures: 2,
;;     },
;;     imported_functions: 32,
;;     imported_tables: 32,
;;     imported_memories: 32,
;;     imported_globals: 32,
;;     imported_tags: 32,
;;     globals: 32,
;;     memories: 32,
;;     tables: 32,
;;     tags: 48,
;;     funcrefs: 48,
;;     signature_ids: 112,
;;     bytes: 128,
;; }
;; f: Function(FuncIndex(0))
;; g: Function(FuncIndex(1))
;; wootz_entry_0: Trampoline(Entry(SignatureIndex(0)))
;; wootz_exit_0: Trampoline(Exit(SignatureIndex(0)))
;; wootz_entry_1: Trampoline(Entry(SignatureIndex(1)))
;; wootz_exit_1: Trampoline(Exit(SignatureIndex(1)))
;; wootz_table_grow: Trampoline(Builtin(table_grow))
;; wootz_table_fill: Trampoline(Builtin(table_fill))
;; wootz_table_copy: Trampoline(Builtin(table_copy))
;; wootz_table_init: Trampoline(Builtin(table_init))
;; wootz_elem_drop: Trampoline(Builtin(elem_drop))
;; wootz_trap: Trap
