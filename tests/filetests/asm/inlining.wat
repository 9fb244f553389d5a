;; A small function is translated where it is called, what it has loaded is extended by the load, and each turn of a loop counts with one
;; register.
;; func: sum

(module
  (memory 1)
  (func $next (param i32) (result i32) (i32.load (local.get 0)))
  (func $sum (param $at i32) (result i32) (local $sum i32) (local $i i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (i32.load offset=4 (local.tee $at (call $next (local.get $at))))))
      (i32.ne (local.get $i) (i32.const 8))
      (local.set $i (i32.add (local.get $i) (i32.const 2)))
      (br_if $again))
    (local.get $sum)))

;; ; function 1 `sum`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   uninit  %rax
;;   xorl %eax, %eax
;;   movq 0x20(%rdi), %rcx
;;   movl %esi, %edi
;;   movq %rax, %r10
;;   jmp     label1
;; block1:
;;   movl (%rcx, %rdi), %edi
;;   movl 4(%rcx, %rdi), %edx
;;   leal (%rax, %rdx), %eax
;;   leal 2(%r10), %r10d
;;   cmpl $0xa, %r10d
;;   jnz     label2; j label3
;; block2:
;;   jmp     label1
;; block3:
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0xf: out of bounds memory access
;; ; trap at 0x12: out of bounds memory access
