;; All calls share the memory for results that are too many for registers: the frame does not grow with each of them.
;; func: calls

(module
  (func $five (result i64 i64 i64 i64 i64)
    (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5))
  (func $six (result i64 i64 i64 i64 i64 i64)
    (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6))
  (func (export "calls") (result i64)
    (call $five) drop drop drop drop
    (call $six) drop drop drop drop drop
    (call $five) drop drop drop drop
    (i64.add) (i64.add)))

;; ; function 2 `calls`
;; function u0:2(i64 vmctx) -> i64 tail {
;;     ss0 = explicit_slot 96, align = 16
;;     gv0 = vmctx
;;     gv1 = load.i64 notrap aligned readonly gv0+8
;;     gv2 = load.i64 notrap aligned readonly gv1
;;     sig0 = (i64 vmctx, i64) tail
;;     sig1 = (i64 vmctx, i64) tail
;;     fn0 = colocated u0:0 sig0
;;     fn1 = colocated u0:1 sig1
;;     stack_limit = gv2
;;
;;                                 block0(v0: i64):
;; @0052                               v2 = stack_addr.i64 ss0
;; @0052                               call fn0(v0, v2)
;; @0052                               v3 = load.i64 notrap aligned v2
;; @0052                               v4 = load.i64 notrap aligned v2+16
;; @0052                               v5 = load.i64 notrap aligned v2+32
;; @0052                               v6 = load.i64 notrap aligned v2+48
;; @0052                               v7 = load.i64 notrap aligned v2+64
;; @0058                               v8 = stack_addr.i64 ss0
;; @0058                               call fn1(v0, v8)
;; @0058                               v9 = load.i64 notrap aligned v8
;; @0058                               v10 = load.i64 notrap aligned v8+16
;; @0058                               v11 = load.i64 notrap aligned v8+32
;; @0058                               v12 = load.i64 notrap aligned v8+48
;; @0058                               v13 = load.i64 notrap aligned v8+64
;; @0058                               v14 = load.i64 notrap aligned v8+80
;; @005f                               v15 = stack_addr.i64 ss0
;; @005f                               call fn0(v0, v15)
;; @005f                               v16 = load.i64 notrap aligned v15
;; @005f                               v17 = load.i64 notrap aligned v15+16
;; @005f                               v18 = load.i64 notrap aligned v15+32
;; @005f                               v19 = load.i64 notrap aligned v15+48
;; @005f                               v20 = load.i64 notrap aligned v15+64
;; @0065                               v21 = iadd v9, v16
;; @0066                               v22 = iadd v3, v21
;; @0067                               jump block1(v22)
;;
;;                                 block1(v1: i64):
;; @0067                               return v1
;; }
