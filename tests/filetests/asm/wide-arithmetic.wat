;; Sums of 128 bits are an addition and one with carry; wide products are one instruction.
;; options: feature=wide-arithmetic
;; func: add
;; func: sub
;; func: multiply

(module
  (func $add (param i64 i64 i64 i64) (result i64 i64)
    (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func $sub (param i64 i64 i64 i64) (result i64 i64)
    (i64.sub128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func $multiply (param i64 i64) (result i64 i64 i64 i64)
    (i64.mul_wide_s (local.get 0) (local.get 1))
    (i64.mul_wide_u (local.get 0) (local.get 1))))

;; ; function 0 `add`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movq %rsi, %rax
;;   addq %rcx, %rax
;;   movq %rdx, %rcx
;;   adcq %r8, %rcx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; ; function 1 `sub`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movq %rsi, %rax
;;   subq %rcx, %rax
;;   movq %rdx, %rcx
;;   sbbq %r8, %rcx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; ; function 2 `multiply`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movq %rdx, %rcx
;;   movq %rsi, %rax
;;   imulq %rcx ;; implicit: %rax, %rdx
;;   movq %rcx, %rdi
;;   movq %rdx, %rcx
;;   movq %rdi, %rdx
;;   movq %rax, %rdi
;;   movq %rsi, %rax
;;   movq %rdi, %rsi
;;   mulq %rdx ;; implicit: %rax, %rdx
;;   movq %rax, %rdi
;;   movq %rsi, %rax
;;   movq %rdx, %rsi
;;   movq %rdi, %rdx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
