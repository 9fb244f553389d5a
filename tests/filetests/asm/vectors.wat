;; What vectors become on the oldest processors: one instruction where there is one, lanes seen through casts, minima
;; found, indices that are surely below 16 not prepared for the lookup, rotations by bytes as shuffles, branches on flags.
;; options: cpu=x86-64-v2
;; func: scale
;; func: equal
;; func: pmin
;; func: select
;; func: lookup
;; func: rotate
;; func: dot
;; func: branch
;; func: madd

(module
  (memory 1)
  (func $scale (param $at i32) (param $by f32)
    (v128.store (local.get $at)
      (f32x4.mul (f32x4.splat (local.get $by)) (v128.load offset=16 (local.get $at)))))
  ;; Multiplications load what is at odd addresses by a way of their own, comparisons do not.
  (func $equal (param $at i32) (result v128)
    (f32x4.eq (v128.load (local.get $at)) (v128.load offset=16 (local.get $at))))
  (func $pmin (param v128 v128) (result v128)
    (f32x4.pmin (local.get 0) (local.get 1)))
  (func $select (param v128 v128 v128) (result v128)
    (v128.bitselect (local.get 0) (local.get 1) (i16x8.gt_s (local.get 2) (local.get 1))))
  (func $lookup (param v128 v128) (result v128)
    (v128.and
      (i8x16.swizzle (local.get 0) (i8x16.shr_u (local.get 1) (i32.const 4)))
      (i8x16.swizzle (local.get 1) (local.get 0))))
  (func $rotate (param v128 v128) (result v128) (local v128)
    (local.set 2 (i32x4.add (local.get 0) (local.get 1)))
    (v128.or
      (i32x4.shl (local.get 2) (i32.const 8))
      (i32x4.shr_u (local.get 2) (i32.const 24))))
  (func $dot (param v128 v128) (result v128)
    (i32x4.add (i32x4.dot_i16x8_s (local.get 0) (local.get 1)) (local.get 1)))
  (func $branch (param v128 v128) (result i32)
    (if (v128.any_true (v128.xor (local.get 0) (local.get 1))) (then (return (i32.const 1))))
    (if (i32.eqz (i8x16.all_true (local.get 1))) (then (return (i32.const 2))))
    (i8x16.bitmask (local.get 0)))
  (func $madd (param v128 v128 v128) (result v128)
    (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2))))

;; ; function 0 `scale`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movl %esi, %r8d
;;   movq 0x20(%rdi), %r9
;;   shufps $0x0, %xmm0, %xmm0
;;   movdqu 0x10(%r9, %r8), %xmm7
;;   mulps %xmm7, %xmm0
;;   movups %xmm0, (%r9, %r8)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0xf: out of bounds memory access
;; ; trap at 0x18: out of bounds memory access
;;
;; ; function 1 `equal`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movl %esi, %r9d
;;   movq 0x20(%rdi), %r8
;;   movups (%r8, %r9), %xmm0
;;   movups 0x10(%r8, %r9), %xmm7
;;   cmpeqps %xmm7, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0xb: out of bounds memory access
;; ; trap at 0x10: out of bounds memory access
;;
;; ; function 2 `pmin`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movdqa %xmm0, %xmm4
;;   movdqa %xmm1, %xmm0
;;   minps %xmm4, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; ; function 3 `select`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movdqa %xmm0, %xmm6
;;   movdqa %xmm2, %xmm0
;;   pcmpgtw %xmm1, %xmm0
;;   movdqa %xmm6, %xmm7
;;   movdqa %xmm1, %xmm5
;;   pblendvb %xmm0, %xmm7, %xmm5
;;   movdqa %xmm5, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; ; function 4 `lookup`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movdqa %xmm1, %xmm2
;;   psrlw $0x4, %xmm2
;;   pand (%rip), %xmm2
;;   movdqa %xmm0, %xmm3
;;   pshufb %xmm2, %xmm0
;;   movdqa %xmm3, %xmm2
;;   paddusb (%rip), %xmm2
;;   pshufb %xmm2, %xmm1
;;   pand %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; ; function 5 `rotate`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   paddd %xmm1, %xmm0
;;   pshufb (%rip), %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; ; function 6 `dot`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   pmaddwd %xmm1, %xmm0
;;   paddd %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; ; function 7 `branch`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movdqa %xmm0, %xmm2
;;   pxor %xmm1, %xmm2
;;   ptest %xmm2, %xmm2
;;   jnz     label4; j label1
;; block1:
;;   uninit  %xmm2
;;   pxor %xmm2, %xmm2
;;   pcmpeqb %xmm2, %xmm1
;;   ptest %xmm1, %xmm1
;;   jnz     label3; j label2
;; block2:
;;   pmovmskb %xmm0, %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block3:
;;   movl $0x2, %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block4:
;;   movl $0x1, %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; ; function 8 `madd`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   mulps %xmm1, %xmm0
;;   addps %xmm2, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
