;; Sums of two words: that the lower one has overflowed is what the processor knows from adding it, so the upper one is added with carry;
;; differences likewise. (`other` asks about another number than those that were added.)
;; func: add
;; func: subtract
;; func: other

(module
  (func $add (param i64 i64 i64 i64) (result i64 i64) (local $sum i64)
    (local.set $sum (i64.add (local.get 0) (local.get 2)))
    (local.get $sum)
    (i64.add
      (i64.add (local.get 1) (local.get 3))
      (i64.extend_i32_u (i64.lt_u (local.get $sum) (local.get 2)))))
  (func $subtract (param i64 i64 i64 i64) (result i64 i64)
    (i64.sub (local.get 0) (local.get 2))
    (i64.sub
      (i64.sub (local.get 1) (local.get 3))
      (i64.extend_i32_u (i64.gt_u (local.get 2) (local.get 0)))))
  (func $other (param i64 i64 i64 i64) (result i64)
    (i64.add
      (local.get 1)
      (i64.extend_i32_u (i64.lt_u (i64.add (local.get 0) (local.get 2)) (local.get 3))))))

;; ; function 0 `add`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movq %rcx, %r9
;;   leaq (%rdx, %r8), %rcx
;;   movq %r9, %r10
;;   leaq (%rsi, %r10), %rax
;;   addq %r10, %rsi
;;   adcq $0x0, %rcx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; ; function 1 `subtract`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   subq %r8, %rdx
;;   movq %rsi, %rax
;;   subq %rcx, %rax
;;   subq %rcx, %rsi
;;   movq %rdx, %rcx
;;   sbbq $0x0, %rcx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; ; function 2 `other`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   leaq (%rsi, %rcx), %r9
;;   cmpq %r8, %r9
;;   setb %r9b
;;   movzbq %r9b, %r9
;;   leaq (%rdx, %r9), %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
