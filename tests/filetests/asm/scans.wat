;; A loop that looks for something looks at sixteen bytes at a time, behind its first turn, as long as they are in one page. What is found is
;; found again by the turn that finds it.
;; func: length

(module
  (memory 1)
  (func $length (param $at i32) (result i32)
    (loop $again
      (if (i32.load8_u (local.get $at))
        (then
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $again))))
    (local.get $at)))

;; ; function 0 `length`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movq 0x20(%rdi), %rcx
;;   movl %esi, %eax
;;   jmp     label1
;; block1:
;;   movzbq (%rcx, %rax), %rdx
;;   testl %edx, %edx
;;   jnz     label3; j label2
;; block2:
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block3:
;;   leal 1(%rax), %eax
;;   jmp     label4
;; block4:
;;   movzbq (%rcx, %rax), %rdx
;;   testl %edx, %edx
;;   jnz     label6; j label5
;; block5:
;;   jmp     label1
;; block6:
;;   leal 1(%rax), %eax
;;   jmp     label7
;; block7:
;;   uninit  %xmm0
;;   pxor %xmm0, %xmm0
;;   jmp     label8
;; block8:
;;   leaq (%rcx, %rax), %rdx
;;   andq $0xfff, %rdx
;;   cmpq $0xff0, %rdx
;;   jbe     label10; j label9
;; block9:
;;   jmp     label1
;; block10:
;;   movdqu (%rcx, %rax), %xmm1
;;   pcmpeqb %xmm0, %xmm1
;;   pmovmskb %xmm1, %edx
;;   testl %edx, %edx
;;   jnz     label13; j label11
;; block11:
;;   jmp     label12
;; block12:
;;   leal 0x10(%rax), %eax
;;   jmp     label8
;; block13:
;;   movl $0x20, %esi
;;   bsfl %edx, %edx
;;   cmovel %esi, %edx
;;   leal (%rax, %rdx), %eax
;;   jmp     label1
;; ; trap at 0xa: out of bounds memory access
;; ; trap at 0x17: out of bounds memory access
;; ; trap at 0x53: out of bounds memory access
