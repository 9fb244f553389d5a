;; A small loop makes four turns for one question about the epoch. The test at the end is of what has been computed.
;; options: epochs=true
;; func: sum

(module
  (memory 1)
  (func $sum (param $at i32) (param $turns i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $again (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))
    (local.get $sum)))

;; ; function 0 `sum`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movq %rsi, %r9
;;   movq 8(%rdi), %rcx
;;   movq 0x10(%rcx), %rax
;;   movq 0x18(%rcx), %rcx
;;   movq (%rcx), %r8
;;   cmpq %rax, %r8
;;   setae %sil
;;   movl $0x400, %ecx
;;   cmpq %rax, %r8
;;   jnb     label2; j label1
;; block1:
;;   jmp     label3
;; block3:
;;   uninit  %rax
;;   xorl %eax, %eax
;;   movq 0x20(%rdi), %rsi
;;   movq %r9, %r8
;;   movl %r8d, %r9d
;;   jmp     label4
;; block4:
;;   movl (%rsi, %r9), %r8d
;;   subl $0x1, %edx
;;   leal (%rax, %r8), %r10d
;;   leal 4(%r9), %r9d
;;   testl %edx, %edx
;;   jz      label5; j label6
;; block5:
;;   jmp     label17
;; block6:
;;   movq %r10, %rax
;;   movl (%rsi, %r9), %r8d
;;   subl $0x1, %edx
;;   leal (%rax, %r8), %r10d
;;   leal 4(%r9), %r9d
;;   testl %edx, %edx
;;   jz      label7; j label8
;; block7:
;;   jmp     label17
;; block8:
;;   movq %r10, %rax
;;   movl (%rsi, %r9), %r8d
;;   subl $0x1, %edx
;;   leal (%rax, %r8), %r10d
;;   leal 4(%r9), %r9d
;;   testl %edx, %edx
;;   jz      label9; j label10
;; block9:
;;   jmp     label17
;; block10:
;;   movq %r10, %rax
;;   movl (%rsi, %r9), %r8d
;;   subl $0x1, %edx
;;   leal (%rax, %r8), %r10d
;;   leal 4(%r9), %r9d
;;   testl %edx, %edx
;;   jz      label11; j label12
;; block11:
;;   jmp     label17
;; block12:
;;   movq %r10, %rax
;;   leal -1(%rcx), %ecx
;;   testl %ecx, %ecx
;;   jnz     label13; j label14
;; block13:
;;   jmp     label4
;; block15:
;;   jmp     label4
;; block17:
;;   jmp     label18
;; block18:
;;   jmp     label19
;; block19:
;;   leal (%rax, %r8), %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block2:
;;   call    User(userextname0)
;;   movzbl %sil, %ecx
;;   jmp     label3
;; block14:
;;   movq 8(%rdi), %rcx
;;   movq 0x10(%rcx), %r8
;;   movq 0x18(%rcx), %rcx
;;   movq (%rcx), %r11
;;   cmpq %r8, %r11
;;   setae %r10b
;;   movl $0x400, %ecx
;;   cmpq %r8, %r11
;;   jnb     label16; j label15
;; block16:
;;   call    User(userextname0)
;;   movzbl %r10b, %ecx
;;   jmp     label4
;; ; trap at 0x37: out of bounds memory access
;; ; trap at 0x4d: out of bounds memory access
;; ; trap at 0x63: out of bounds memory access
;; ; trap at 0x79: out of bounds memory access
;; ; trap at 0x94: out of bounds memory access
;; ; at 0xad: `wootz_epoch_reached`
;; ; at 0xdf: `wootz_epoch_reached`
