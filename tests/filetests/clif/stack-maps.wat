;; A reference to a host value is in the frame, where collections find it, during calls that it outlives, and only then.
;; func: keep
;; func: pass

(module
  (import "" "f" (func $f (param externref) (result externref)))
  (func $keep (param externref) (result externref)
    (drop (call $f (local.get 0)))
    (local.get 0))
  (func $pass (param externref) (result externref)
    (call $f (local.get 0))))

;; ; function 1 `keep`
;; function u0:0(i64 vmctx, i32) -> i32 tail {
;;     ss0 = explicit_slot 4, align = 4
;;     region0 = 0 "Constant"
;;     sig0 = (i64 vmctx, i32, i64) -> i32 tail
;;
;;                                 block0(v0: i64, v1: i32):
;;                                     v10 = stack_addr.i64 ss0
;;                                     store notrap aligned v1, v10
;; @0024                               v3 = load.i64 notrap aligned readonly can_move region0 v0+32
;; @0024                               v4 = load.i64 notrap aligned readonly can_move region0 v0+40
;;                                     v8 = stack_addr.i64 ss0
;;                                     v9 = load.i32 notrap aligned v8
;; @0024                               v5 = call_indirect sig0, v3(v4, v9, v0), stack_map=[i32 @ ss0+0]
;;                                     v6 = stack_addr.i64 ss0
;;                                     v7 = load.i32 notrap aligned v6
;; @0029                               jump block1(v7)
;;
;;                                 block1(v2: i32):
;; @0029                               return v2
;; }
;;
;; ; function 2 `pass`
;; function u0:1(i64 vmctx, i32) -> i32 tail {
;;     region0 = 0 "Constant"
;;     sig0 = (i64 vmctx, i32, i64) -> i32 tail
;;
;;                                 block0(v0: i64, v1: i32):
;; @002e                               v3 = load.i64 notrap aligned readonly can_move region0 v0+32
;; @002e                               v4 = load.i64 notrap aligned readonly can_move region0 v0+40
;; @002e                               v5 = call_indirect sig0, v3(v4, v1, v0)
;; @0030                               jump block1(v5)
;;
;;                                 block1(v2: i32):
;; @0030                               return v2
;; }
