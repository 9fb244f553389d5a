;; A call through a table that nobody can change, in which two functions have its type, compares the index with theirs. Any
;; other index traps, and a table among the code says why. The one that calls nothing is in the place of its call.
;; func: call

(module
  (type $t (func (param i32) (result i32)))
  (table 4 4 funcref)
  (func $f (type $t) (local.get 0))
  (func $g (type $t) (i32.mul (local.get 0) (call $other)))
  (func $other (result i32) (i32.const 1))
  (elem (i32.const 1) func $f $other $g)
  (func $call (param i32) (result i32)
    (call_indirect (type $t) (i32.const 5) (local.get 0))))

;; ; function 3 `call`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   movq 8(%rdi), %r10
;;   movq (%r10), %r10
;;   addq $0x10, %r10
;;   cmpq %rsp, %r10
;;   jnbe #trap=stk_ovf
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movl %esi, %r8d
;;   cmpl $0x1, %r8d
;;   jz      label4; j label1
;; block1:
;;   cmpl $0x3, %r8d
;;   jz      label3; j label2
;; block3:
;;   movl $0x5, %esi
;;   call    User(userextname0)
;;   jmp     label5
;; block4:
;;   movl $0x5, %eax
;;   jmp     label5
;; block5:
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block2:
;;   load_ext_name userextname1+0, %rax
;;   movl $0x4, %ecx
;;   cmpq %r8, %rcx
;;   cmovbq %rcx, %r8
;;   movl 4(%rax, %r8, 8), %eax
;;   cmpl $0xffffffff, %eax
;;   jz #trap=user4
;;   cmpl $0xfffffffe, %eax
;;   jz #trap=user5
;;   ud2
;; ; trap at 0x58: indirect call type mismatch
;; ; trap at 0x5d: call stack exhausted
;; ; trap at 0x62: undefined element: out of bounds table access
;; ; trap at 0x67: uninitialized element
;; ; at 0x29: `g`
;; ; at 0x39: `wootz_table_0`
;; ; at 0x59: `wootz_trap`
;; ; at 0x5e: `wootz_trap`
;; ; at 0x63: `wootz_trap`
;; ; at 0x68: `wootz_trap`
