;; Epochs are looked at when the function is entered and in loops, there first with a copy of the deadline.
;; options: epochs=true
;; func: spin

(module (func $spin (loop (br 0))))

;; ; function 0 `spin`
;; function u0:0(i64 vmctx) tail {
;;     region0 = 0 "Constant"
;;     region1 = 3 "Epoch"
;;     sig0 = (i64 vmctx) preserve_all
;;     fn0 = colocated u0:1 sig0
;;
;;                                 block0(v0: i64):
;; @0017                               v1 = load.i64 notrap aligned readonly can_move region0 v0+8
;; @0017                               v2 = load.i64 notrap aligned readonly can_move region0 v1+24
;;                                     v9 -> v2
;;                                     v18 -> v2
;;                                     v19 -> v9
;; @0017                               v3 = load.i64 notrap aligned readonly can_move region0 v0+8
;; @0017                               v4 = load.i64 notrap aligned region1 v3+16
;; @0017                               v5 = load.i64 notrap aligned region1 v2
;; @0017                               v6 = icmp uge v5, v4
;; @0017                               brif v6, block3, block2(v4)
;;
;;                                 block3 cold:
;; @0017                               call fn0(v0)
;; @0017                               v7 = load.i64 notrap aligned readonly can_move region0 v0+8
;; @0017                               v8 = load.i64 notrap aligned region1 v7+16
;; @0017                               jump block2(v8)
;;
;;                                 block2(v20: i64):
;; @0017                               jump block4(v20)
;;
;;                                 block4(v11: i64):
;; @0017                               v10 = load.i64 notrap aligned region1 v9
;; @0017                               v12 = icmp uge v10, v11
;; @0017                               brif v12, block7, block6(v11)
;;
;;                                 block7 cold:
;; @0017                               v13 = load.i64 notrap aligned readonly can_move region0 v0+8
;; @0017                               v14 = load.i64 notrap aligned region1 v13+16
;; @0017                               v15 = icmp.i64 uge v10, v14
;; @0017                               brif v15, block8, block6(v14)
;;
;;                                 block8 cold:
;; @0017                               call fn0(v0)
;; @0017                               v16 = load.i64 notrap aligned readonly can_move region0 v0+8
;; @0017                               v17 = load.i64 notrap aligned region1 v16+16
;; @0017                               jump block6(v17)
;;
;;                                 block6(v21: i64):
;; @0019                               jump block4(v21)
;;
;;                                 block1:
;; @001c                               trap user10
;; }
