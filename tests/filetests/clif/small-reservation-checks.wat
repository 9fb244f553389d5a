;; With a reservation smaller than what an address can reach, each access is checked, and guarded against speculation.
;; options: reservation=65536 guard=65536
;; func: load

(module
  (memory 1)
  (func $load (param i32) (result i64) (i64.load offset=16 (local.get 0))))

;; ; function 0 `load`
;; function u0:0(i64 vmctx, i32) -> i64 tail {
;;     region0 = 7 "Memory(Some(0))"
;;     region1 = 1 "Bounds"
;;     gv0 = vmctx
;;     gv1 = load.i64 notrap aligned readonly gv0+8
;;     gv2 = load.i64 notrap aligned readonly gv1
;;     stack_limit = gv2
;;
;;                                 block0(v0: i64, v1: i32):
;; @0020                               v3 = load.i64 notrap aligned region1 v0+32
;; @0020                               v4 = uextend.i64 v1
;; @0020                               v5 = load.i64 notrap aligned region1 v0+40
;; @0020                               v6 = iconst.i64 24
;; @0020                               v7 = iadd v4, v6  ; v6 = 24
;; @0020                               v8 = icmp ugt v7, v5
;; @0020                               v9 = iadd v3, v4
;; @0020                               v10 = iconst.i64 16
;; @0020                               v11 = iadd v9, v10  ; v10 = 16
;; @0020                               v12 = iconst.i64 0
;; @0020                               v13 = select_spectre_guard v8, v12, v11  ; v12 = 0
;; @0020                               v14 = load.i64 user2 little region0 v13
;; @0023                               jump block1(v14)
;;
;;                                 block1(v2: i64):
;; @0023                               return v2
;; }
