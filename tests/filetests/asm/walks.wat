;; What a loop accesses in each turn, at a counter and something else, is found from an address that is made in front of it: a turn that would
;; wrap around comes behind one that traps. The counter has 64 bits, and is asked for its lower half.
;; options: no-opt=scans
;; func: sum

(module
  (memory 1 1)
  (func $sum (param $at i32) (param $from i32) (param $to i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (i32.load (i32.add (local.get $at) (i32.shl (local.get $from) (i32.const 2))))))
      (br_if $again (i32.ne (local.tee $from (i32.add (local.get $from) (i32.const 1))) (local.get $to))))
    (local.get $sum)))

;; ; function 0 `sum`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movq %rsi, %r8
;;   movl %edx, %esi
;;   uninit  %rax
;;   xorl %eax, %eax
;;   movq 0x20(%rdi), %rdx
;;   movq %r8, %rdi
;;   leal (%rdi, %rsi, 4), %edi
;;   leaq (%rdx, %rdi), %rdx
;;   movq %rsi, %rdi
;;   shlq $0x2, %rdi
;;   subq %rdi, %rdx
;;   jmp     label1
;; block1:
;;   movl (%rdx, %rsi, 4), %edi
;;   leal (%rax, %rdi), %eax
;;   leaq 1(%rsi), %rsi
;;   cmpl %ecx, %esi
;;   jnz     label2; j label3
;; block2:
;;   jmp     label1
;; block3:
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0x22: out of bounds memory access
