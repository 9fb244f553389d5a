;; An access to a 32-bit memory with the usual reservation is one load: no bounds check, in a loop or elsewhere.
;; func: sum

(module
  (memory 1)
  (func $sum (param $at i32) (param $end i32) (result i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (local.get $sum)))

;; ; function 0 `sum`
;; function u0:0(i64 vmctx, i32, i32) -> i32 tail {
;;     region0 = 7 "Memory(Some(0))"
;;     region1 = 0 "Constant"
;;
;;                                 block0(v0: i64, v1: i32, v2: i32):
;;                                     v14 -> v2
;;                                     v4 = iconst.i32 0
;; @0021                               jump block2(v4, v1)  ; v4 = 0
;;
;;                                 block2(v5: i32, v6: i32):
;; @0027                               v7 = uextend.i64 v6
;; @0027                               v8 = load.i64 notrap aligned readonly can_move region1 v0+32
;; @0027                               v9 = iadd v8, v7
;; @0027                               v10 = load.i32 user2 little region0 v9
;; @002a                               v11 = iadd v5, v10
;; @002f                               v12 = iconst.i32 4
;; @0031                               v13 = iadd v6, v12  ; v12 = 4
;; @0038                               v15 = icmp ult v13, v14
;; @0038                               v16 = uextend.i32 v15
;; @0039                               brif v16, block2(v11, v13), block4
;;
;;                                 block4:
;; @003b                               jump block3
;;
;;                                 block3:
;; @003e                               jump block1(v11)
;;
;;                                 block1(v3: i32):
;; @003e                               return v3
;; }
