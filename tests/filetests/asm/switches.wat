;; Tables of branches with few targets are comparisons, those with two targets a look at a bit, and others tables. Constants of one
;; or two bytes are stored without a register.
;; func: few
;; func: bits
;; func: constants

(module
  (memory 1)
  (func $few (param i32) (result i32)
    block block block
      (br_table 0 0 0 1 2 (local.get 0))
    end (return (i32.const 10))
    end (return (i32.const 20))
    end (i32.const 30))
  (func $bits (param i32) (result i32)
    block block
      (br_table 0 1 0 1 0 0 1 0 1 (local.get 0))
    end (return (i32.const 10))
    end (i32.const 20))
  (func $constants (param i32)
    (i32.store8 (local.get 0) (i32.const 0x1ff))
    (i64.store16 offset=2 (local.get 0) (i64.const -1))))

;; ; function 0 `few`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   cmpl $0x3, %esi
;;   jb      label4; j label1
;; block1:
;;   cmpl $0x4, %esi
;;   jb      label3; j label2
;; block2:
;;   movl $0x1e, %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block3:
;;   movl $0x14, %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block4:
;;   movl $0xa, %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; ; function 1 `bits`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   cmpl $0x8, %esi
;;   movq %rsi, %rcx
;;   jnb     label1; j label2
;; block1:
;;   jmp     label5
;; block2:
;;   movl $0xb5, %edi
;;   shrq %cl, %rdi
;;   testq $0x1, %rdi
;;   jnz     label4; j label3
;; block3:
;;   jmp     label5
;; block4:
;;   movl $0xa, %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block5:
;;   movl $0x14, %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;;
;; ; function 2 `constants`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movl %esi, %esi
;;   movq 0x20(%rdi), %rdi
;;   movb $0xff, (%rdi, %rsi)
;;   movw $0xffff, 2(%rdi, %rsi)
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0xa: out of bounds memory access
;; ; trap at 0xe: out of bounds memory access
