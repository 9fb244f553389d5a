;; A signature has an entry trampoline if the host can get hold of such a function, an exit trampoline if the host can
;; provide one, and each only once.

(module
  (import "env" "f" (func (param i32)))
  (func (export "g") (param i32))
  (func (export "h") (param i32))
  (func (param i64)))

;; target x86_64-unknown-linux-gnu with has_cmpxchg16b, has_popcnt, has_sse3, has_sse41, has_sse42, has_ssse3
;; descriptor wootz_module
;; vmctx VmLayout {
;;     shape: VmShape {
;;         imported_functions: 1,
;;         imported_tables: 0,
;;         imported_memories: 0,
;;         imported_globals: 0,
;;         imported_tags: 0,
;;         tables: 0,
;;         memories: 0,
;;         globals: 0,
;;         tags: 0,
;;         funcrefs: 2,
;;         signatures: 2,
;;     },
;;     imported_functions: 32,
;;     imported_tables: 48,
;;     imported_memories: 48,
;;     imported_globals: 48,
;;     imported_tags: 48,
;;     globals: 48,
;;     memories: 48,
;;     tables: 48,
;;     tags: 48,
;;     funcrefs: 48,
;;     signature_ids: 112,
;;     bytes: 128,
;; }
;; g: Function(FuncIndex(1))
;; h: Function(FuncIndex(2))
;; wasm_function_3: Function(FuncIndex(3))
;; wootz_entry_0: Trampoline(Entry(SignatureIndex(0)))
;; wootz_exit_0: Trampoline(Exit(SignatureIndex(0)))
;; wootz_trap: Trap
