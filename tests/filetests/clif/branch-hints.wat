;; Code that a hint calls unlikely lies behind everything else: as cold blocks, to the end of the block or arm it is in.

(module
  (func $slow (import "" "slow") (param i32) (result i32))
  (func (export "unlikely_branch") (param i32) (result i32)
    (block $rare
      (@metadata.code.branch_hint "\00")
      (br_if $rare (local.get 0))
      (return (i32.const 1)))
    (i32.const 2))
  (func (export "likely_branch") (param i32) (result i32)
    (block $common
      (@metadata.code.branch_hint "\01")
      (br_if $common (local.get 0))
      (if (call $slow (i32.const 1)) (then (return (call $slow (i32.const 2))))))
    (i32.const 2))
  (func (export "unlikely_then") (param i32) (result i32)
    (@metadata.code.branch_hint "\00")
    (if (result i32) (local.get 0)
      (then (if (result i32) (call $slow (i32.const 3)) (then (i32.const 4)) (else (call $slow (i32.const 5)))))
      (else (i32.const 6))))
  (func (export "likely_then") (param i32) (result i32)
    (@metadata.code.branch_hint "\01")
    (if (result i32) (local.get 0)
      (then (i32.const 7))
      (else (if (result i32) (call $slow (i32.const 8)) (then (i32.const 9)) (else (call $slow (i32.const 10))))))))

;; ; function 1 `unlikely_branch`
;; function u0:0(i64 vmctx, i32) -> i32 tail {
;;     gv0 = vmctx
;;     gv1 = load.i64 notrap aligned readonly gv0+8
;;     gv2 = load.i64 notrap aligned readonly gv1
;;     stack_limit = gv2
;;
;;                                 block0(v0: i64, v1: i32):
;; @009f                               brif v1, block4, block3
;;
;;                                 block4 cold:
;; @009f                               jump block2
;;
;;                                 block3:
;; @00a1                               v3 = iconst.i32 1
;; @00a3                               return v3  ; v3 = 1
;;
;;                                 block2:
;; @00a5                               v4 = iconst.i32 2
;; @00a7                               jump block1(v4)  ; v4 = 2
;;
;;                                 block1(v2: i32):
;; @00a7                               return v2
;; }
;;
;; ; function 2 `likely_branch`
;; function u0:1(i64 vmctx, i32) -> i32 tail {
;;     region0 = 0 "Constant"
;;     gv0 = vmctx
;;     gv1 = load.i64 notrap aligned readonly gv0+8
;;     gv2 = load.i64 notrap aligned readonly gv1
;;     sig0 = (i64 vmctx, i32, i64) -> i32 tail
;;     sig1 = (i64 vmctx, i32, i64) -> i32 tail
;;     stack_limit = gv2
;;
;;                                 block0(v0: i64, v1: i32):
;; @00ae                               brif v1, block2, block3
;;
;;                                 block3 cold:
;; @00b0                               v3 = iconst.i32 1
;; @00b2                               v4 = load.i64 notrap aligned readonly can_move region0 v0+32
;; @00b2                               v5 = load.i64 notrap aligned readonly can_move region0 v0+40
;; @00b2                               v6 = call_indirect sig0, v4(v5, v3, v0)  ; v3 = 1
;; @00b4                               brif v6, block4, block5
;;
;;                                 block4 cold:
;; @00b6                               v7 = iconst.i32 2
;; @00b8                               v8 = load.i64 notrap aligned readonly can_move region0 v0+32
;; @00b8                               v9 = load.i64 notrap aligned readonly can_move region0 v0+40
;; @00b8                               v10 = call_indirect sig1, v8(v9, v7, v0)  ; v7 = 2
;; @00ba                               return v10
;;
;;                                 block5 cold:
;; @00bb                               jump block6
;;
;;                                 block6 cold:
;; @00bc                               jump block2
;;
;;                                 block2:
;; @00bd                               v11 = iconst.i32 2
;; @00bf                               jump block1(v11)  ; v11 = 2
;;
;;                                 block1(v2: i32):
;; @00bf                               return v2
;; }
;;
;; ; function 3 `unlikely_then`
;; function u0:2(i64 vmctx, i32) -> i32 tail {
;;     region0 = 0 "Constant"
;;     gv0 = vmctx
;;     gv1 = load.i64 notrap aligned readonly gv0+8
;;     gv2 = load.i64 notrap aligned readonly gv1
;;     sig0 = (i64 vmctx, i32, i64) -> i32 tail
;;     sig1 = (i64 vmctx, i32, i64) -> i32 tail
;;     stack_limit = gv2
;;
;;                                 block0(v0: i64, v1: i32):
;; @00c4                               brif v1, block2, block3
;;
;;                                 block2 cold:
;; @00c6                               v4 = iconst.i32 3
;; @00c8                               v5 = load.i64 notrap aligned readonly can_move region0 v0+32
;; @00c8                               v6 = load.i64 notrap aligned readonly can_move region0 v0+40
;; @00c8                               v7 = call_indirect sig0, v5(v6, v4, v0)  ; v4 = 3
;; @00ca                               brif v7, block5, block6
;;
;;                                 block5 cold:
;; @00cc                               v9 = iconst.i32 4
;; @00ce                               jump block7(v9)  ; v9 = 4
;;
;;                                 block6 cold:
;; @00cf                               v10 = iconst.i32 5
;; @00d1                               v11 = load.i64 notrap aligned readonly can_move region0 v0+32
;; @00d1                               v12 = load.i64 notrap aligned readonly can_move region0 v0+40
;; @00d1                               v13 = call_indirect sig1, v11(v12, v10, v0)  ; v10 = 5
;; @00d3                               jump block7(v13)
;;
;;                                 block7(v8: i32) cold:
;; @00d4                               jump block4(v8)
;;
;;                                 block3:
;; @00d5                               v14 = iconst.i32 6
;; @00d7                               jump block4(v14)  ; v14 = 6
;;
;;                                 block4(v3: i32):
;; @00d8                               jump block1(v3)
;;
;;                                 block1(v2: i32):
;; @00d8                               return v2
;; }
;;
;; ; function 4 `likely_then`
;; function u0:3(i64 vmctx, i32) -> i32 tail {
;;     region0 = 0 "Constant"
;;     gv0 = vmctx
;;     gv1 = load.i64 notrap aligned readonly gv0+8
;;     gv2 = load.i64 notrap aligned readonly gv1
;;     sig0 = (i64 vmctx, i32, i64) -> i32 tail
;;     sig1 = (i64 vmctx, i32, i64) -> i32 tail
;;     stack_limit = gv2
;;
;;                                 block0(v0: i64, v1: i32):
;; @00dd                               brif v1, block2, block3
;;
;;                                 block2:
;; @00df                               v4 = iconst.i32 7
;; @00e1                               jump block4(v4)  ; v4 = 7
;;
;;                                 block3 cold:
;; @00e2                               v5 = iconst.i32 8
;; @00e4                               v6 = load.i64 notrap aligned readonly can_move region0 v0+32
;; @00e4                               v7 = load.i64 notrap aligned readonly can_move region0 v0+40
;; @00e4                               v8 = call_indirect sig0, v6(v7, v5, v0)  ; v5 = 8
;; @00e6                               brif v8, block5, block6
;;
;;                                 block5 cold:
;; @00e8                               v10 = iconst.i32 9
;; @00ea                               jump block7(v10)  ; v10 = 9
;;
;;                                 block6 cold:
;; @00eb                               v11 = iconst.i32 10
;; @00ed                               v12 = load.i64 notrap aligned readonly can_move region0 v0+32
;; @00ed                               v13 = load.i64 notrap aligned readonly can_move region0 v0+40
;; @00ed                               v14 = call_indirect sig1, v12(v13, v11, v0)  ; v11 = 10
;; @00ef                               jump block7(v14)
;;
;;                                 block7(v9: i32) cold:
;; @00f0                               jump block4(v9)
;;
;;                                 block4(v3: i32):
;; @00f1                               jump block1(v3)
;;
;;                                 block1(v2: i32):
;; @00f1                               return v2
;; }
;;
;; ; trampoline `wootz_entry_0`
;; function u0:4(i64, i64, i64) -> i8 system_v {
;;     sig0 = (i64 vmctx, i32, i64) -> i32 tail
;;
;; block0(v0: i64, v1: i64, v2: i64):
;;     v3 = load.i32 notrap aligned v2
;;     v4 = iconst.i64 0
;;     jump block1
;;
;; block1:
;;     v5 = load.i64 notrap aligned v0+8
;;     v6 = get_frame_pointer.i64
;;     v7 = get_stack_pointer.i64
;;     v8 = get_exception_handler_address.i64 block1, 0
;;     store notrap aligned v6, v5+48
;;     store notrap aligned v7, v5+56
;;     store notrap aligned v8, v5+64
;;     try_call_indirect.i64 v1(v0, v3, v4), sig0, block2(ret0), [ default: block3 ]  ; v4 = 0
;;
;; block2(v9: i32):
;;     store notrap aligned v9, v2
;;     v10 = iconst.i8 1
;;     return v10  ; v10 = 1
;;
;; block3:
;;     v11 = iconst.i8 0
;;     return v11  ; v11 = 0
;; }
;;
;; ; trampoline `wootz_exit_0`
;; function u0:5(i64 vmctx, i32, i64) -> i32 tail {
;;     ss0 = explicit_slot 8, align = 8
;;     ss1 = explicit_slot 16, align = 16
;;     sig0 = (i64, i64, i64, i64) -> i8 system_v
;;     sig1 = (i64) system_v
;;
;; block0(v0: i64, v1: i32, v2: i64):
;;     v3 = load.i64 notrap aligned v0+8
;;     v4 = get_frame_pointer.i64
;;     v5 = load.i64 notrap aligned v4
;;     v6 = get_return_address.i64
;;     store notrap aligned v5, v3+32
;;     store notrap aligned v6, v3+40
;;     v7 = stack_addr.i64 ss0
;;     store notrap v0, v7
;;     v8 = stack_addr.i64 ss1
;;     store notrap aligned v1, v8
;;     v9 = load.i64 notrap aligned v0+32
;;     v10 = iconst.i64 1
;;     v11 = call_indirect sig0, v9(v0, v2, v8, v10)  ; v10 = 1
;;     brif v11, block1, block2
;;
;; block2 cold:
;;     v12 = stack_addr.i64 ss0
;;     v13 = load.i64 notrap v12
;;     v14 = load.i64 notrap aligned v13+16
;;     v15 = load.i64 notrap aligned v14
;;     call_indirect sig1, v15(v13)
;;     trap user250
;;
;; block1:
;;     v16 = load.i32 notrap aligned v8
;;     return v16
;; }
;;
;; ; trampoline `wootz_trap`: a jump to the address in `wootz_trap_cell`
