;; A function calls another of the same module directly, with the same vmctx.
;; options: no-opt=inlining
;; func: caller

(module
  (func $callee (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))
  (func $caller (param i32) (result i32)
    (i32.add (call $callee (local.get 0)) (call $callee (i32.const 3)))))

;; ; function 1 `caller`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 16 }
;;   subq $0x10, %rsp
;;   movq %r12, (%rsp)
;;   unwind SaveReg { clobber_offset: 0, reg: p12i }
;;   movq %r13, 8(%rsp)
;;   unwind SaveReg { clobber_offset: 8, reg: p13i }
;; block0:
;;   movq %rdi, %r12
;;   call    User(userextname0)
;;   movq %rax, %r13
;;   movl $0x3, %esi
;;   movq %r12, %rdi
;;   call    User(userextname0)
;;   movq %r13, %rcx
;;   leal (%rcx, %rax), %eax
;;   movq (%rsp), %r12
;;   movq 8(%rsp), %r13
;;   addq $0x10, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; at 0x14: `callee`
;; ; at 0x24: `callee`
