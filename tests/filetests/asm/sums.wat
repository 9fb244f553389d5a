;; Where a loop is left, what is needed of its pointer is a sum with a constant: it continues the sum that goes round, so that the pointer
;; has one register, and no turn of the loop moves it.
;; options: no-opt=scans
;; func: behind_zero

(module
  (memory 1)
  (func $behind_zero (param $at i32) (result i32)
    (loop $again
      (br_if $again
        (i32.load8_u (local.get $at))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))))
    (i32.add (local.get $at) (i32.const 5))))

;; ; function 0 `behind_zero`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movq 0x20(%rdi), %r9
;;   movl %esi, %esi
;;   jmp     label1
;; block1:
;;   movzbq (%r9, %rsi), %r10
;;   leal 1(%rsi), %esi
;;   testl %r10d, %r10d
;;   jnz     label2; j label3
;; block2:
;;   jmp     label1
;; block3:
;;   leal 5(%rsi), %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0xa: out of bounds memory access
