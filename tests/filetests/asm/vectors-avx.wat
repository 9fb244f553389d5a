;; The same on newer processors: loads are operands, registers need not be copied, multiplication and addition are one
;; instruction.
;; options: cpu=x86-64-v3
;; func: scale
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
;;   movl %esi, %r9d
;;   movq 0x20(%rdi), %r8
;;   vbroadcastss %xmm0, %xmm7
;;   vmulps 0x10(%r8, %r9), %xmm7, %xmm7
;;   vmovups %xmm7, (%r8, %r9)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0x10: out of bounds memory access
;; ; trap at 0x17: out of bounds memory access
;;
;; ; function 1 `pmin`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   vminps %xmm0, %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; ; function 2 `select`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   vpcmpgtw %xmm1, %xmm2, %xmm5
;;   vpblendvb %xmm5, %xmm0, %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; ; function 3 `lookup`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   vpsrlw $0x4, %xmm1, %xmm7
;;   vpand (%rip), %xmm7, %xmm2
;;   vpshufb %xmm2, %xmm0, %xmm2
;;   vpaddusb (%rip), %xmm0, %xmm7
;;   vpshufb %xmm7, %xmm1, %xmm0
;;   vpand %xmm0, %xmm2, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; ; function 4 `rotate`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   vpaddd %xmm1, %xmm0, %xmm4
;;   vpshufb (%rip), %xmm4, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; ; function 5 `dot`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   vpmaddwd %xmm1, %xmm0, %xmm4
;;   vpaddd %xmm1, %xmm4, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; ; function 6 `branch`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   vpxor %xmm1, %xmm0, %xmm2
;;   vptest %xmm2, %xmm2
;;   jnz     label4; j label1
;; block1:
;;   uninit  %xmm2
;;   vpxor %xmm2, %xmm2, %xmm2
;;   vpcmpeqb %xmm2, %xmm1, %xmm1
;;   vptest %xmm1, %xmm1
;;   jnz     label3; j label2
;; block2:
;;   vpmovmskb %xmm0, %eax
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
;; ; function 7 `madd`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   vfmadd213ps %xmm2, %xmm1, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
