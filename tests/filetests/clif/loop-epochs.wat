;; Loops count turns until they look at the epoch: where another turn begins, and with several ways back in front of the first as well. Behind
;; a call that may go anywhere, the next question looks.
;; options: epochs=true
;; func: loops

(module
  (import "" "host" (func $host))
  (func $loops (param $turns i32)
    (loop $one
      (br_if $one (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))
    (loop $two
      (call $host)
      (br_if $two (local.get $turns))
      (br_if $two (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))))

;; ; function 1 `loops`
;; function u0:0(i64 vmctx, i32) tail {
;;     region0 = 3 "Epoch"
;;     region1 = 0 "Constant"
;;     sig0 = (i64 vmctx) preserve_all
;;     sig1 = (i64 vmctx, i64) tail
;;     fn0 = colocated u0:2 sig0
;;
;;                                 block0(v0: i64, v1: i32):
;;                                     v22 -> v1
;; @0026                               v2 = load.i64 notrap aligned region0 v0+8
;; @0026                               v3 = load.i64 notrap aligned region0 v2+16
;; @0026                               v4 = load.i64 notrap aligned region0 v2+24
;; @0026                               v5 = load.i64 notrap aligned region0 v4
;; @0026                               v6 = iconst.i32 1024
;; @0026                               v7 = icmp uge v5, v3
;; @0026                               brif v7, block3, block2(v6)  ; v6 = 1024
;;
;;                                 block3 cold:
;; @0026                               call fn0(v0)
;; @0026                               v8 = uextend.i32 v7
;; @0026                               jump block2(v8)
;;
;;                                 block2(v23: i32):
;; @0026                               jump block4(v1, v23)
;;
;;                                 block4(v9: i32, v12: i32):
;; @002a                               v10 = iconst.i32 1
;; @002c                               v11 = isub v9, v10  ; v10 = 1
;; @002f                               brif v11, block6, block7
;;
;;                                 block7:
;; @0031                               jump block5
;;
;;                                 block6:
;; @0026                               v13 = iconst.i32 -1
;; @0026                               v14 = iadd.i32 v12, v13  ; v13 = -1
;; @0026                               brif v14, block4(v11, v14), block8
;;
;;                                 block8 cold:
;; @0026                               v15 = load.i64 notrap aligned region0 v0+8
;; @0026                               v16 = load.i64 notrap aligned region0 v15+16
;; @0026                               v17 = load.i64 notrap aligned region0 v15+24
;; @0026                               v18 = load.i64 notrap aligned region0 v17
;; @0026                               v19 = iconst.i32 1024
;; @0026                               v20 = icmp uge v18, v16
;; @0026                               brif v20, block9, block4(v11, v19)  ; v19 = 1024
;;
;;                                 block9 cold:
;; @0026                               call fn0(v0)
;; @0026                               v21 = uextend.i32 v20
;; @0026                               jump block4(v11, v21)
;;
;;                                 block5:
;; @0032                               jump block12(v12, v11)
;;
;;                                 block10:
;; @0034                               v24 = load.i64 notrap aligned readonly can_move region1 v0+32
;; @0034                               v25 = load.i64 notrap aligned readonly can_move region1 v0+40
;; @0034                               call_indirect sig1, v24(v25, v0)
;; @0034                               v26 = iconst.i32 1
;; @0038                               brif.i32 v27, block12(v26, v27), block13  ; v26 = 1
;;
;;                                 block13:
;; @003c                               v28 = iconst.i32 1
;; @003e                               v29 = isub.i32 v27, v28  ; v28 = 1
;; @0041                               brif v29, block12(v26, v29), block14  ; v26 = 1
;;
;;                                 block14:
;; @0043                               jump block11
;;
;;                                 block12(v30: i32, v40: i32):
;;                                     v27 -> v40
;; @0032                               v31 = iconst.i32 -1
;; @0032                               v32 = iadd v30, v31  ; v31 = -1
;; @0032                               brif v32, block10, block15
;;
;;                                 block15 cold:
;; @0032                               v33 = load.i64 notrap aligned region0 v0+8
;; @0032                               v34 = load.i64 notrap aligned region0 v33+16
;; @0032                               v35 = load.i64 notrap aligned region0 v33+24
;; @0032                               v36 = load.i64 notrap aligned region0 v35
;; @0032                               v37 = iconst.i32 1024
;; @0032                               v38 = icmp uge v36, v34
;; @0032                               brif v38, block16, block10
;;
;;                                 block16 cold:
;; @0032                               call fn0(v0)
;; @0032                               v39 = uextend.i32 v38
;; @0032                               jump block10
;;
;;                                 block11:
;; @0044                               jump block1
;;
;;                                 block1:
;; @0044                               return
;; }
