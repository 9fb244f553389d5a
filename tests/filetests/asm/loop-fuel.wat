;; A loop whose turns can be counted charges fuel once: what its turns cost is compared in front of it, and the turn asks for nothing. Where
;; there is less fuel, it goes through the loop that asks each time, which is out of line.
;; options: fuel=true
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
;;   movq 8(%rdi), %rcx
;;   movq 8(%rcx), %rax
;;   leaq 1(%rax), %r8
;;   testq %r8, %r8
;;   jnl     label2; j label1
;; block1:
;;   jmp     label3
;; block3:
;;   uninit  %rax
;;   xorl %eax, %eax
;;   movq 0x20(%rdi), %r10
;;   movl %esi, %r9d
;;   jmp     label4
;; block4:
;;   leal -1(%rdx), %esi
;;   imulq $0xe, %rsi, %rsi
;;   leaq (%r8, %rsi), %r11
;;   leaq 0xe(%r8, %rsi), %rsi
;;   testq %r11, %r11
;;   jl      label5; j label6
;; block5:
;;   jmp     label13
;; block12:
;;   jmp     label16
;; block13:
;;   movl (%r10, %r9), %edi
;;   leal (%rax, %rdi), %eax
;;   subl $0x1, %edx
;;   leal 4(%r9), %r9d
;;   testl %edx, %edx
;;   jnz     label14; j label15
;; block14:
;;   jmp     label13
;; block15:
;;   movq %rsi, %r8
;;   jmp     label16
;; block16:
;;   leaq 1(%r8), %rsi
;;   movq %rsi, 8(%rcx)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block2:
;;   movq %r8, 8(%rcx)
;;   call    User(userextname0)
;;   movq 8(%rcx), %r8
;;   jmp     label3
;; block6:
;;   jmp     label7
;; block7:
;;   testq %r8, %r8
;;   jnl     label9; j label8
;; block8:
;;   jmp     label10
;; block9:
;;   movq %r8, 8(%rcx)
;;   call    User(userextname0)
;;   movq 8(%rcx), %r8
;;   jmp     label10
;; block10:
;;   movl (%r10, %r9), %esi
;;   subl $0x1, %edx
;;   leaq 0xe(%r8), %r8
;;   leal (%rax, %rsi), %eax
;;   leal 4(%r9), %r9d
;;   testl %edx, %edx
;;   jnz     label11; j label12
;; block11:
;;   jmp     label7
;; ; trap at 0x40: out of bounds memory access
;; ; trap at 0x7f: out of bounds memory access
;; ; at 0x63: `wootz_out_of_fuel`
;; ; at 0x77: `wootz_out_of_fuel`
