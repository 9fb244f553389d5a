;; What the outer loop counts does not go round in the inner loop, which does not change it: there is one branch for each, and no move for
;; the counter.
;; func: plain

(module
  (func $plain (param i32) (local $i i32) (local $j i32)
    (loop $outer
      (local.set $j (local.get 0))
      (loop $inner
        (br_if $inner (local.tee $j (i32.sub (local.get $j) (local.get $i)))))
      (br_if $outer (local.tee $i (i32.add (local.get $i) (i32.const 3)))))))

;; ; function 0 `plain`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   uninit  %rdx
;;   xorl %edx, %edx
;;   jmp     label1
;; block1:
;;   movq %rsi, %r9
;;   jmp     label2
;; block2:
;;   subl %edx, %r9d
;;   testl %r9d, %r9d
;;   jnz     label3; j label4
;; block3:
;;   jmp     label2
;; block4:
;;   leal 3(%rdx), %edx
;;   testl %edx, %edx
;;   jnz     label5; j label6
;; block5:
;;   jmp     label1
;; block6:
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
