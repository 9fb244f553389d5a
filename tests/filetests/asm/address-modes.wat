;; A constant offset, and an index, are part of the load instruction.
;; func: offset
;; func: byte

(module
  (memory 1)
  (func $offset (param i32) (result i32) (i32.load offset=12 (local.get 0)))
  (func $byte (param i32) (result i32) (i32.load8_s offset=1000 (local.get 0))))

;; ; function 0 `offset`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movq %rsi, %r8
;;   movq 0x20(%rdi), %rsi
;;   movq %r8, %rdi
;;   movl %edi, %edi
;;   movl 0xc(%rsi, %rdi), %eax
;;   jmp     label1
;; block1:
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0x10: out of bounds memory access
;;
;; ; function 1 `byte`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movq %rsi, %r8
;;   movq 0x20(%rdi), %rsi
;;   movq %r8, %rdi
;;   movl %edi, %edi
;;   movsbq 0x3e8(%rsi, %rdi), %rax
;;   jmp     label1
;; block1:
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0x10: out of bounds memory access
