;; Functions are called what the name section calls them, or else what they are exported as; equal names become
;; different, as does that of the descriptor, and functions without any name get one that says which they are.

(module
  (func $same (export "a"))
  (func (;1;) (@name "same"))
  (func (;2;) (@name "wootz_module"))
  (func (;3;) (@name ""))
  (func (;4;) (@name "with space and \c3\a9"))
  (func (;5;) (export "exported without a name"))
  (func (;6;)))

;; target x86_64-unknown-linux-gnu with has_cmpxchg16b, has_popcnt, has_sse3, has_sse41, has_sse42, has_ssse3
;; descriptor wootz_module
;; vmctx VmLayout {
;;     shape: VmShape {
;;         imported_functions: 0,
;;         imported_tables: 0,
;;         imported_memories: 0,
;;         imported_globals: 0,
;;         imported_tags: 0,
;;         tables: 0,
;;         memories: 0,
;;         globals: 0,
;;         tags: 0,
;;         funcrefs: 2,
;;         signatures: 1,
;;     },
;;     imported_functions: 32,
;;     imported_tables: 32,
;;     imported_memories: 32,
;;     imported_globals: 32,
;;     imported_tags: 32,
;;     globals: 32,
;;     memories: 32,
;;     tables: 32,
;;     tags: 32,
;;     funcrefs: 32,
;;     signature_ids: 96,
;;     bytes: 112,
;; }
;; same: Function(FuncIndex(0))
;; same.1: Function(FuncIndex(1))
;; wootz_module.2: Function(FuncIndex(2))
;; wasm_function_3: Function(FuncIndex(3))
;; with space and é: Function(FuncIndex(4))
;; exported without a name: Function(FuncIndex(5))
;; wasm_function_6: Function(FuncIndex(6))
;; wootz_entry_0: Trampoline(Entry(SignatureIndex(0)))
;; wootz_trap: Trap
