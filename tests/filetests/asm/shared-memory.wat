;; A shared memory is found by way of a pointer, even where it is defined. Plain loads of the same place become one, but not
;; across an atomic access; `memory.size` is one.
;; func: twice

(module
  (memory 1 2 shared)
  (func $twice (param i32) (result i32)
    (i32.load (local.get 0))
    (i32.load (local.get 0))
    (drop (memory.size))
    (i32.load (local.get 0))
    i32.add
    i32.add))

;; ; function 0 `twice`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movl %esi, %r9d
;;   movq 0x20(%rdi), %r11
;;   movq (%r11), %r10
;;   movl (%r10, %r9), %eax
;;   movq 8(%r11), %r11
;;   movq %rax, %r11
;;   addl (%r10, %r9), %r11d
;;   leal (%rax, %r11), %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0xe: out of bounds memory access
;; ; trap at 0x19: out of bounds memory access
