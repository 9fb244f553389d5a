;; An indirect call checks the index, null, and the signature, each with a trap of its own, and calls nothing else.
;; func: call

(module
  (type $t (func (param i32) (result i32)))
  (table (export "table") 4 4 funcref)
  (func $f (type $t) (local.get 0))
  (elem (i32.const 0) func $f)
  (func $call (param i32) (result i32)
    (call_indirect (type $t) (i32.const 5) (local.get 0))))

;; ; function 1 `call`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movl %esi, %ecx
;;   uninit  %rax
;;   xorq %rax, %rax
;;   movq 0x20(%rdi), %rdx
;;   leaq (%rdx, %rcx, 8), %rdx
;;   cmpq $0x4, %rcx
;;   cmovaeq %rax, %rdx
;;   movq (%rdx), %rax
;;   movl 0x18(%rax), %ecx
;;   cmpl 0x50(%rdi), %ecx
;;   movq %rdi, %rdx
;;   jnz #trap=user6
;;   movq (%rax), %rcx
;;   movq 8(%rax), %rdi
;;   movl $0x5, %esi
;;   call    *%rcx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0x19: undefined element: out of bounds table access
;; ; trap at 0x1c: uninitialized element
;; ; trap at 0x37: indirect call type mismatch
;; ; at 0x38: `wootz_trap`
