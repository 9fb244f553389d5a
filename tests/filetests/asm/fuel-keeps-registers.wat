;; The question whether there is fuel left costs a test and a jump: the call behind it makes no value leave its register.
;; options: fuel=true no-opt=loop-fuel
;; func: sum

(module
  (memory 1)
  (func $sum (param $at i32) (param $end i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $again (i32.lt_u (local.get $at) (local.get $end))))
    (local.get $sum)))

;; ; function 0 `sum`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movq %rsi, %r8
;;   movq 8(%rdi), %rcx
;;   movq 8(%rcx), %rax
;;   leaq 1(%rax), %r11
;;   testq %r11, %r11
;;   jnl     label2; j label1
;; block1:
;;   jmp     label3
;; block3:
;;   uninit  %rax
;;   xorl %eax, %eax
;;   movq 0x20(%rdi), %rsi
;;   movl %r8d, %r8d
;;   jmp     label4
;; block4:
;;   testq %r11, %r11
;;   jnl     label6; j label5
;; block5:
;;   jmp     label7
;; block7:
;;   movl (%rsi, %r8), %r9d
;;   leal 4(%r8), %r8d
;;   leaq 0xd(%r11), %r11
;;   leal (%rax, %r9), %eax
;;   cmpl %edx, %r8d
;;   jb      label8; j label9
;; block8:
;;   jmp     label4
;; block9:
;;   leaq 1(%r11), %rdx
;;   movq %rdx, 8(%rcx)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block2:
;;   movq %r11, 8(%rcx)
;;   call    User(userextname0)
;;   movq 8(%rcx), %r11
;;   jmp     label3
;; block6:
;;   movq %r11, 8(%rcx)
;;   call    User(userextname0)
;;   movq 8(%rcx), %r11
;;   jmp     label7
;; ; trap at 0x26: out of bounds memory access
;; ; at 0x49: `wootz_out_of_fuel`
;; ; at 0x64: `wootz_out_of_fuel`
