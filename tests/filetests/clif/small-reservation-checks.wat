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
;;
;;                                 block0(v0: i64, v1: i32):
;; @0020                               v3 = uextend.i64 v1
;; @0020                               v4 = load.i64 notrap aligned region1 v0+40
;; @0020                               v5 = icmp ugt v3, v4
;; @0020                               v6 = load.i64 notrap aligned region1 v0+32
;; @0020                               v7 = iadd v6, v3
;; @0020                               v8 = iconst.i64 0
;; @0020                               v9 = select_spectre_guard v5, v8, v7  ; v8 = 0
;; @0020                               v10 = load.i64 user2 little region0 v9+16
;; @0023                               jump block1(v10)
;;
;;                                 block1(v2: i64):
;; @0023                               return v2
;; }
