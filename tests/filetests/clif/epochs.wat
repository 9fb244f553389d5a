;; Epochs are looked at when the function is entered and when loops begin again, first with a copy of the deadline.
;; options: epochs=true no-opt=loop-epochs
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
;;                                     v12 -> v2
;;                                     v21 -> v2
;; @0017                               v3 = load.i64 notrap aligned readonly can_move region0 v0+8
;; @0017                               v4 = load.i64 notrap aligned region1 v3+16
;; @0017                               v5 = load.i64 notrap aligned region1 v2
;; @0017                               v6 = icmp uge v5, v4
;; @0017                               brif v6, block3, block2(v4)
;;
;;                                 block3 cold:
;; @0017                               v7 = load.i64 notrap aligned readonly can_move region0 v0+8
;; @0017                               v8 = load.i64 notrap aligned region1 v7+16
;; @0017                               v9 = icmp.i64 uge v5, v8
;; @0017                               brif v9, block4, block2(v8)
;;
;;                                 block4 cold:
;; @0017                               call fn0(v0)
;; @0017                               v10 = load.i64 notrap aligned readonly can_move region0 v0+8
;; @0017                               v11 = load.i64 notrap aligned region1 v10+16
;; @0017                               jump block2(v11)
;;
;;                                 block2(v22: i64):
;; @0017                               jump block5(v22)
;;
;;                                 block5(v14: i64):
;; @0019                               jump block7
;;
;;                                 block7:
;; @0017                               v13 = load.i64 notrap aligned region1 v12
;; @0017                               v15 = icmp uge v13, v14
;; @0017                               brif v15, block8, block5(v14)
;;
;;                                 block8 cold:
;; @0017                               v16 = load.i64 notrap aligned readonly can_move region0 v0+8
;; @0017                               v17 = load.i64 notrap aligned region1 v16+16
;; @0017                               v18 = icmp.i64 uge v13, v17
;; @0017                               brif v18, block9, block5(v17)
;;
;;                                 block9 cold:
;; @0017                               call fn0(v0)
;; @0017                               v19 = load.i64 notrap aligned readonly can_move region0 v0+8
;; @0017                               v20 = load.i64 notrap aligned region1 v19+16
;; @0017                               jump block5(v20)
;;
;;                                 block1:
;; @001c                               trap user10
;; }
