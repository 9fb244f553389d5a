;; Active segments with constant offsets become images, which are mapped: those that are near each other one together. What
;; has an offset that is known only at run time, or is passive, stays a segment.

(module
  (import "env" "base" (global $base i32))
  (memory 200)
  (data (i32.const 100) "first")
  (data (i32.const 5000) "second")
  (data (i32.const 12000000) "far")
  (data (global.get $base) "dynamic")
  (data "passive"))

;; target x86_64-unknown-linux-gnu with has_cmpxchg16b, has_popcnt, has_sse3, has_sse41, has_sse42, has_ssse3
;; descriptor wootz_module
;; vmctx VmLayout {
;;     shape: VmShape {
;;         imported_functions: 0,
;;         imported_tables: 0,
;;         imported_memories: 0,
;;         imported_globals: 1,
;;         imported_tags: 0,
;;         tables: 0,
;;         memories: 1,
;;         globals: 0,
;;         tags: 0,
;;         funcrefs: 0,
;;         signatures: 0,
;;     },
;;     imported_functions: 32,
;;     imported_tables: 32,
;;     imported_memories: 32,
;;     imported_globals: 32,
;;     imported_tags: 40,
;;     globals: 48,
;;     memories: 48,
;;     tables: 64,
;;     tags: 64,
;;     funcrefs: 64,
;;     signature_ids: 64,
;;     bytes: 64,
;; }
;; memory 0: (memory 200) Guarded { reservation: 4294967296, guard: 33554432 }
;; image of memory 0: 8192 bytes at 0x0
;; image of memory 0: 4096 bytes at 0xb71000
;; data segment 0: in an image
;; data segment 1: in an image
;; data segment 2: in an image
;; data segment 3: a segment
;; data segment 4: a segment
;; wootz_memory_grow: Trampoline(Builtin(memory_grow))
;; wootz_memory_copy: Trampoline(Builtin(memory_copy))
;; wootz_memory_fill: Trampoline(Builtin(memory_fill))
;; wootz_memory_init: Trampoline(Builtin(memory_init))
;; wootz_data_drop: Trampoline(Builtin(data_drop))
;; wootz_trap: Trap
