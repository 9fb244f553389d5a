;; What stays the same in a loop is added to the memory's address in front of it, and constants by the access, where sums of 32 bits do
;; not wrap around: the counter is known to be less than 400, and the row less than 65536. In `unknown` it may be anything.
;; options: no-opt=walks
;; func: known
;; func: unknown

(module
  (memory 1)
  (func $known (param $row i32) (result i32) (local $i i32) (local $sum i32)
    (local.set $row (i32.and (local.get $row) (i32.const 0xff00)))
    (loop $again
      (local.set $sum (i32.add (local.get $sum)
        (i32.add
          (i32.load (i32.add (i32.add (local.get $row) (local.get $i)) (i32.const 1000)))
          (i32.load (i32.add (local.get $row) (i32.add (local.get $i) (i32.const 2000)))))))
      (local.set $i (i32.add (local.get $i) (i32.const 4)))
      (br_if $again (i32.ne (local.get $i) (i32.const 400))))
    (local.get $sum))
  (func $unknown (param $row i32) (result i32) (local $i i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum)
        (i32.add
          (i32.load (i32.add (i32.add (local.get $row) (local.get $i)) (i32.const 1000)))
          (i32.load (i32.add (local.get $row) (i32.add (local.get $i) (i32.const 2000)))))))
      (local.set $i (i32.add (local.get $i) (i32.const 4)))
      (br_if $again (i32.ne (local.get $i) (i32.const 400))))
    (local.get $sum)))

;; ; function 0 `known`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   uninit  %rax
;;   xorl %eax, %eax
;;   movq 0x20(%rdi), %rcx
;;   andl $0xff00, %esi
;;   leaq (%rcx, %rsi), %rcx
;;   uninit  %r9
;;   xorq %r9, %r9
;;   jmp     label1
;; block1:
;;   movl 0x3e8(%rcx, %r9), %edx
;;   movl 0x7d0(%rcx, %r9), %esi
;;   leal (%rdx, %rsi), %edx
;;   leal (%rax, %rdx), %eax
;;   leal 4(%r9), %r9d
;;   cmpl $0x190, %r9d
;;   jnz     label2; j label3
;; block2:
;;   jmp     label1
;; block3:
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0x16: out of bounds memory access
;; ; trap at 0x1e: out of bounds memory access
;;
;; ; function 1 `unknown`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   uninit  %rax
;;   xorl %eax, %eax
;;   movq 0x20(%rdi), %rcx
;;   movq %rax, %r8
;;   jmp     label1
;; block1:
;;   leal 0x3e8(%rsi, %r8), %edx
;;   movl (%rcx, %rdx), %edx
;;   leal 0x7d0(%rsi, %r8), %edi
;;   movl (%rcx, %rdi), %edi
;;   leal (%rdx, %rdi), %edx
;;   leal (%rax, %rdx), %eax
;;   leal 4(%r8), %r8d
;;   cmpl $0x190, %r8d
;;   jnz     label2; j label3
;; block2:
;;   jmp     label1
;; block3:
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0x15: out of bounds memory access
;; ; trap at 0x20: out of bounds memory access
