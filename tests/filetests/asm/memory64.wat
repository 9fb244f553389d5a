;; A 64-bit memory of any size is compared with its size once for all accesses at small offsets; the guard catches what
;; ends behind. One with a maximum within the reservation is compared with that, which needs no load, and its base is
;; constant.
;; func: growing
;; func: bounded

(module
  (memory i64 1)
  (memory i64 1 100)
  (func $growing (param i64) (result i64)
    (i64.add (i64.load (local.get 0)) (i64.load offset=8 (local.get 0))))
  (func $bounded (param i64) (result i64)
    (i64.add (i64.load 1 (local.get 0)) (i64.load 1 offset=8 (local.get 0)))))

;; ; function 0 `growing`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movq 0x28(%rdi), %r10
;;   movq 0x20(%rdi), %rax
;;   uninit  %r11
;;   xorq %r11, %r11
;;   leaq (%rax, %rsi), %r9
;;   cmpq %r10, %rsi
;;   cmovaq %r11, %r9
;;   movq (%r9), %rax
;;   addq 8(%r9), %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0x1a: out of bounds memory access
;; ; trap at 0x1d: out of bounds memory access
;;
;; ; function 1 `bounded`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   uninit  %r9
;;   xorq %r9, %r9
;;   movq 0x30(%rdi), %r10
;;   leaq (%r10, %rsi), %r8
;;   cmpq $0x640000, %rsi
;;   cmovaq %r9, %r8
;;   movq (%r8), %rax
;;   addq 8(%r8), %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0x1a: out of bounds memory access
;; ; trap at 0x1d: out of bounds memory access
