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
;;   movl %esi, %r10d
;;   movq 0x20(%rdi), %rax
;;   movq (%rax), %rcx
;;   movl (%rcx, %r10), %r11d
;;   movq 8(%rax), %rax
;;   movl (%rcx, %r10), %r10d
;;   jmp     label1
;; block1:
;;   leal (%r11, %r10), %eax
;;   leal (%r11, %rax), %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0xe: out of bounds memory access
;; ; trap at 0x16: out of bounds memory access
