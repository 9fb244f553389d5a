;; Vectors have the lanes of their operators on the operand stack, and bytes everywhere else; a load has the lanes of its
;; first use, and constants those of each.
;; func: lanes

(module
  (memory 1)
  (global $g (mut v128) (v128.const i64x2 1 2))
  (func $lanes (param $at i32) (param $x v128) (result v128) (local $y v128)
    (global.set $g (f32x4.add (v128.load (local.get $at)) (v128.const f32x4 1 2 3 4)))
    (local.set $y (i32x4.add (local.get $x) (v128.const i32x4 1 2 3 4)))
    (block $out (result v128)
      (br_if $out (i32x4.mul (local.get $y) (local.get $x)) (local.get $at))
      (drop)
      (select (i32x4.neg (local.get $y)) (i16x8.neg (local.get $x)) (local.get $at)))))

;; ; function 0 `lanes`
;; function u0:0(i64 vmctx, i32, i8x16) -> i8x16 tail {
;;     region0 = 7 "Memory(Some(0))"
;;     region1 = 0 "Constant"
;;     region2 = 9 "Global(Some(0))"
;;     const0 = 0x00000000000000000000000000000000
;;     const1 = 0x4080000040400000400000003f800000
;;     const2 = 0x00000004000000030000000200000001
;;
;;                                 block0(v0: i64, v1: i32, v2: i8x16):
;;                                     v4 = vconst.i8x16 const0
;; @003b                               v5 = uextend.i64 v1
;; @003b                               v6 = load.i64 notrap aligned readonly can_move region1 v0+48
;; @003b                               v7 = iadd v6, v5
;; @003b                               v11 = load.f32x4 user2 little region0 v7
;; @003f                               v9 = vconst.i8x16 const1
;; @0051                               v10 = vconst.f32x4 const1
;; @0051                               v12 = fadd v11, v10  ; v10 = const1
;; @0054                               v13 = bitcast.i8x16 little v12
;; @0054                               store notrap aligned little region2 v13, v0+32
;; @0058                               v14 = vconst.i8x16 const2
;; @006a                               v15 = vconst.i32x4 const2
;; @006a                               v16 = bitcast.i32x4 little v2
;; @006a                               v17 = iadd v16, v15  ; v15 = const2
;; @006d                               v18 = bitcast.i8x16 little v17
;; @0075                               v20 = bitcast.i32x4 little v2
;; @0075                               v21 = imul v17, v20
;; @007a                               v22 = bitcast.i8x16 little v21
;; @007a                               brif v1, block2(v22), block3
;;
;;                                 block3:
;; @007f                               v23 = ineg.i32x4 v17
;; @0084                               v24 = bitcast.i16x8 little v2
;; @0084                               v25 = ineg v24
;; @0089                               v26 = bitcast.i8x16 little v23
;; @0089                               v27 = bitcast.i8x16 little v25
;; @0089                               v28 = select v1, v26, v27
;; @008a                               jump block2(v28)
;;
;;                                 block2(v19: i8x16):
;; @008b                               jump block1(v19)
;;
;;                                 block1(v3: i8x16):
;; @008b                               return v3
;; }
