;; The inner loop over a memory has nothing but the load, the additions, and one branch: the memory's base is read once.
;; func: sum

(module
  (memory 1)
  (func $sum (param $at i32) (param $end i32) (result i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (local.get $sum)))

;; ; function 0 `sum`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   uninit  %rax
;;   xorl %eax, %eax
;;   movq 0x20(%rdi), %rcx
;;   movl %esi, %r8d
;;   jmp     label1
;; block1:
;;   movl (%rcx, %r8), %esi
;;   leal (%rax, %rsi), %eax
;;   leal 4(%r8), %r8d
;;   cmpl %edx, %r8d
;;   jb      label2; j label3
;; block2:
;;   jmp     label1
;; block3:
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0xd: out of bounds memory access
