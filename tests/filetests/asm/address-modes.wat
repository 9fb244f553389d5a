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
;;   movl %esi, %esi
;;   movq 0x20(%rdi), %rdi
;;   movl 0xc(%rdi, %rsi), %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0xa: out of bounds memory access
;;
;; ; function 1 `byte`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movl %esi, %esi
;;   movq 0x20(%rdi), %rdi
;;   movsbq 0x3e8(%rdi, %rsi), %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0xa: out of bounds memory access
