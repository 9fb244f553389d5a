;; A table of one function type needs no comparison of types: what it holds fits, or is null.
;; func: call

(module
  (type $t (func (result i32)))
  (table $table (export "table") 4 4 (ref null $t))
  (func $call (param i32) (result i32) (call_indirect $table (type $t) (local.get 0))))

;; ; function 0 `call`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movl %esi, %ecx
;;   uninit  %rax
;;   xorq %rax, %rax
;;   movq 0x20(%rdi), %rdx
;;   movq %rdi, %rsi
;;   leaq (%rdx, %rcx, 8), %r11
;;   cmpq $0x4, %rcx
;;   cmovaeq %rax, %r11
;;   movq (%r11), %rax
;;   movq (%rax), %rcx
;;   movq 8(%rax), %rdi
;;   call    *%rcx
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0x1c: undefined element: out of bounds table access
;; ; trap at 0x1f: uninitialized element
