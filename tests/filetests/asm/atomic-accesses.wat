;; Results that nobody wants take no `xadd`, no loop and no extension; stores are exchanges, without a fence.
;; func: all

(module
  (memory 1 1 shared)
  (func $all (param $at i32) (param $value i32) (result i32)
    (drop (i32.atomic.rmw.add offset=4 (local.get $at) (local.get $value)))
    (drop (i32.atomic.rmw8.or_u (local.get $at) (local.get $value)))
    (i32.atomic.store (local.get $at) (local.get $value))
    (i32.add
      (i32.atomic.rmw.add offset=6 (local.get $at) (local.get $value))
      (i32.atomic.load16_u (local.get $at)))))

;; ; function 0 `all`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   testl $0x3, %esi
;;   jnz #trap=user3
;;   movq 0x20(%rdi), %rax
;;   movq (%rax), %rax
;;   movl %esi, %ecx
;;   lock addl %edx, 4(%rax, %rcx)
;;   lock orb %dl, (%rax, %rcx)
;;   movq %rdx, %rdi
;;   xchgl %edi, (%rax, %rcx)
;;   leal 2(%rsi), %edi
;;   testl $0x3, %edi
;;   jnz #trap=user3
;;   lock xaddl %edx, 6(%rax, %rcx)
;;   testl $0x1, %esi
;;   jnz #trap=user3
;;   movzwq (%rax, %rcx), %rax
;;   jmp     label1
;; block1:
;;   movzwl %ax, %eax
;;   leal (%rdx, %rax), %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0x19: out of bounds memory access
;; ; trap at 0x1e: out of bounds memory access
;; ; trap at 0x25: out of bounds memory access
;; ; trap at 0x37: out of bounds memory access
;; ; trap at 0x49: out of bounds memory access
;; ; trap at 0x58: unaligned atomic
;; ; trap at 0x5a: unaligned atomic
;; ; trap at 0x5c: unaligned atomic
