;; Globals that never change are constants: those that are immutable, what they were computed from, and those that nobody sets.
;; func: sum

(module
  (global $base i32 (i32.const 1024))
  (global $end i32 (i32.add (global.get $base) (i32.const 16)))
  (global $never_set (mut i32) (i32.const 3))
  (global $scale f64 (f64.const 0.5))
  (global $set (mut i32) (i32.const 5))
  (func (export "change") (global.set $set (i32.const 6)))
  (func $sum (result i32 f64)
    (i32.add (i32.mul (global.get $end) (global.get $never_set)) (global.get $set))
    (global.get $scale)))

;; ; function 1 `sum`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movl $0xc30, %eax
;;   addl 0x60(%rdi), %eax
;;   movabsq $0x3fe0000000000000, %rsi
;;   movq %rsi, %xmm0
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
