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
;;   movl %esi, %eax
;;   testl $0x3, %eax
;;   jnz #trap=user3
;;   movq 0x20(%rdi), %rcx
;;   movq (%rcx), %rcx
;;   lock addl %edx, 4(%rcx, %rax)
;;   lock orb %dl, (%rcx, %rax)
;;   movq %rdx, %rsi
;;   xchgl %esi, (%rcx, %rax)
;;   leal 2(%rax), %esi
;;   testl $0x3, %esi
;;   jnz #trap=user3
;;   lock xaddl %edx, 6(%rcx, %rax)
;;   testl $0x1, %eax
;;   jnz #trap=user3
;;   movzwq (%rcx, %rax), %rax
;;   movzwl %ax, %eax
;;   leal (%rdx, %rax), %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0x11: out of bounds memory access
;; ; trap at 0x16: out of bounds memory access
;; ; trap at 0x1d: out of bounds memory access
;; ; trap at 0x29: out of bounds memory access
;; ; trap at 0x33: out of bounds memory access
;; ; trap at 0x3e: unaligned atomic
;; ; trap at 0x43: unaligned atomic
;; ; trap at 0x48: unaligned atomic
;; ; at 0x3f: `wootz_trap`
;; ; at 0x44: `wootz_trap`
;; ; at 0x49: `wootz_trap`
