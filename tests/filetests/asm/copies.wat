;; A loop that copies copies sixteen bytes at a time, if as many turns are left, nothing is loaded that they have stored, and all is in one
;; page each. Where it cannot be done, it is tried again at the next multiple of sixteen.
;; func: copy

(module
  (memory 1)
  (func $copy (param $from i32) (param $to i32) (param $bytes i32)
    (loop $again
      (i32.store8 (local.get $to) (i32.load8_u (local.get $from)))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))
      (local.set $to (i32.add (local.get $to) (i32.const 1)))
      (br_if $again (local.tee $bytes (i32.sub (local.get $bytes) (i32.const 1)))))))

;; ; function 0 `copy`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movq 0x20(%rdi), %rax
;;   movl %edx, %edx
;;   movl %esi, %esi
;;   jmp     label1
;; block1:
;;   jmp     label2
;; block2:
;;   leal -1(%rcx), %edi
;;   cmpl $0x10, %edi
;;   jnb     label4; j label3
;; block3:
;;   jmp     label6
;; block4:
;;   leaq (%rax, %rdx), %r8
;;   leaq (%rax, %rsi), %rdi
;;   movq %r8, %r9
;;   subq %rdi, %r9
;;   leaq -1(%r9), %r9
;;   cmpq $0xf, %r9
;;   jnb     label9; j label5
;; block5:
;;   jmp     label6
;; block6:
;;   movzbq (%rax, %rsi), %rdi
;;   movb %dil, (%rax, %rdx)
;;   subl $0x1, %ecx
;;   leal 1(%rdx), %edx
;;   leal 1(%rsi), %esi
;;   testl %ecx, %ecx
;;   jnz     label7; j label8
;; block7:
;;   jmp     label6
;; block8:
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block9:
;;   andq $0xfff, %r8
;;   leaq 0xf(%r8), %r8
;;   andq $0xfff, %rdi
;;   leaq 0xf(%rdi), %r9
;;   orq %r8, %r9
;;   movl $0x10, %edi
;;   testq $0x1000, %r9
;;   jz      label14; j label10
;; block13:
;;   jmp     label2
;; block14:
;;   movdqu (%rax, %rsi), %xmm2
;;   movdqu %xmm2, (%rax, %rdx)
;;   leal 0x10(%rdx), %edx
;;   leal 0x10(%rsi), %esi
;;   leal -0x10(%rcx), %ecx
;;   jmp     label2
;; block10:
;;   jmp     label11
;; block11:
;;   movzbq (%rax, %rsi), %r8
;;   movb %r8b, (%rax, %rdx)
;;   leal 1(%rdx), %edx
;;   leal 1(%rsi), %esi
;;   leal -1(%rcx), %ecx
;;   leal -1(%rdi), %edi
;;   testl %edi, %edi
;;   jnz     label12; j label13
;; block12:
;;   jmp     label11
;; ; trap at 0x40: out of bounds memory access
;; ; trap at 0x44: out of bounds memory access
;; ; trap at 0x7d: out of bounds memory access
;; ; trap at 0x81: out of bounds memory access
;; ; trap at 0x90: out of bounds memory access
;; ; trap at 0x95: out of bounds memory access
