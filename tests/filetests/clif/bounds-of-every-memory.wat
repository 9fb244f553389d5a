;; How each kind of memory is checked: not at all, against the size with the guard behind, exactly, exactly without going
;; below zero, with a sum that may wrap around, and never inside.
;; options: feature=custom-page-sizes
;; func: guarded
;; func: far
;; func: exact
;; func: above_minimum
;; func: wraps
;; func: never

(module
  (memory $guarded 1)
  (memory $wide i64 1)
  (memory $small 100 (pagesize 1))
  (memory $small_wide i64 100 (pagesize 1))
  (func $guarded (param i32) (result i32) (i32.load $guarded offset=100 (local.get 0)))
  (func $far (param i64) (result i32) (i32.load $wide offset=5000 (local.get 0)))
  (func $exact (param i32) (result i32) (i32.load8_u $small (local.get 0)))
  (func $above_minimum (param i64) (result i32) (i32.load $small_wide offset=50 (local.get 0)))
  (func $wraps (param i64) (result i32) (i32.load $small_wide offset=1000 (local.get 0)))
  (func $never (param i64) (result i32) (i32.load $wide offset=0xffffffffffffffff (local.get 0))))

;; ; function 0 `guarded`
;; function u0:0(i64 vmctx, i32) -> i32 tail {
;;     region0 = 7 "Memory(Some(0))"
;;     region1 = 0 "Constant"
;;
;;                                 block0(v0: i64, v1: i32):
;; @0032                               v3 = uextend.i64 v1
;; @0032                               v4 = load.i64 notrap aligned readonly can_move region1 v0+32
;; @0032                               v5 = iadd v4, v3
;; @0032                               v6 = load.i32 user2 little region0 v5+100
;; @0035                               jump block1(v6)
;;
;;                                 block1(v2: i32):
;; @0035                               return v2
;; }
;;
;; ; function 1 `far`
;; function u0:1(i64 vmctx, i64) -> i32 tail {
;;     region0 = 10 "Memory(Some(1))"
;;     region1 = 1 "Bounds"
;;
;;                                 block0(v0: i64, v1: i64):
;; @003a                               v3 = load.i64 notrap aligned region1 v0+56
;; @003a                               v4 = icmp ugt v1, v3
;; @003a                               v5 = load.i64 notrap aligned region1 v0+48
;; @003a                               v6 = iadd v5, v1
;; @003a                               v7 = iconst.i64 5000
;; @003a                               v8 = iadd v6, v7  ; v7 = 5000
;; @003a                               v9 = iconst.i64 0
;; @003a                               v10 = select_spectre_guard v4, v9, v8  ; v9 = 0
;; @003a                               v11 = load.i32 user2 little region0 v10
;; @003f                               jump block1(v11)
;;
;;                                 block1(v2: i32):
;; @003f                               return v2
;; }
;;
;; ; function 2 `exact`
;; function u0:2(i64 vmctx, i32) -> i32 tail {
;;     region0 = 13 "Memory(Some(2))"
;;     region1 = 1 "Bounds"
;;
;;                                 block0(v0: i64, v1: i32):
;; @0044                               v3 = uextend.i64 v1
;; @0044                               v4 = load.i64 notrap aligned region1 v0+72
;; @0044                               v5 = icmp uge v3, v4
;; @0044                               v6 = load.i64 notrap aligned region1 v0+64
;; @0044                               v7 = iadd v6, v3
;; @0044                               v8 = iconst.i64 0
;; @0044                               v9 = select_spectre_guard v5, v8, v7  ; v8 = 0
;; @0044                               v10 = uload8.i32 user2 little region0 v9
;; @0048                               jump block1(v10)
;;
;;                                 block1(v2: i32):
;; @0048                               return v2
;; }
;;
;; ; function 3 `above_minimum`
;; function u0:3(i64 vmctx, i64) -> i32 tail {
;;     region0 = 16 "Memory(Some(3))"
;;     region1 = 1 "Bounds"
;;
;;                                 block0(v0: i64, v1: i64):
;; @004d                               v3 = load.i64 notrap aligned region1 v0+88
;; @004d                               v4 = iconst.i64 54
;; @004d                               v5 = isub v3, v4  ; v4 = 54
;; @004d                               v6 = icmp ugt v1, v5
;; @004d                               v7 = load.i64 notrap aligned region1 v0+80
;; @004d                               v8 = iadd v7, v1
;; @004d                               v9 = iconst.i64 0
;; @004d                               v10 = select_spectre_guard v6, v9, v8  ; v9 = 0
;; @004d                               v11 = load.i32 user2 little region0 v10+50
;; @0051                               jump block1(v11)
;;
;;                                 block1(v2: i32):
;; @0051                               return v2
;; }
;;
;; ; function 4 `wraps`
;; function u0:4(i64 vmctx, i64) -> i32 tail {
;;     region0 = 16 "Memory(Some(3))"
;;     region1 = 1 "Bounds"
;;
;;                                 block0(v0: i64, v1: i64):
;; @0056                               v3 = load.i64 notrap aligned region1 v0+88
;; @0056                               v4 = iconst.i64 1004
;; @0056                               v5 = uadd_overflow_trap v1, v4, user2  ; v4 = 1004
;; @0056                               v6 = icmp ugt v5, v3
;; @0056                               v7 = load.i64 notrap aligned region1 v0+80
;; @0056                               v8 = iadd v7, v1
;; @0056                               v9 = iconst.i64 0
;; @0056                               v10 = select_spectre_guard v6, v9, v8  ; v9 = 0
;; @0056                               v11 = load.i32 user2 little region0 v10+1000
;; @005b                               jump block1(v11)
;;
;;                                 block1(v2: i32):
;; @005b                               return v2
;; }
;;
;; ; function 5 `never`
;; function u0:5(i64 vmctx, i64) -> i32 tail {
;;     region0 = 10 "Memory(Some(1))"
;;
;;                                 block0(v0: i64, v1: i64):
;; @0060                               v3 = iconst.i64 0
;; @0060                               v4 = load.i32 user2 little region0 v3  ; v3 = 0
;; @006d                               jump block1(v4)
;;
;;                                 block1(v2: i32):
;; @006d                               return v2
;; }
