;; A call through a table that nobody can change, in which two functions have its type, compares the index with theirs. Any
;; other index traps, and a table among the code says why.
;; func: call

(module
  (type $t (func (param i32) (result i32)))
  (table 4 4 funcref)
  (func $f (type $t) (local.get 0))
  (func $g (type $t) (i32.mul (local.get 0) (local.get 0)))
  (func $other (result i32) (i32.const 1))
  (elem (i32.const 1) func $f $other $g)
  (func $call (param i32) (result i32)
    (call_indirect (type $t) (i32.const 5) (local.get 0))))

;; ; function 3 `call`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movl %esi, %r9d
;;   cmpl $0x1, %r9d
;;   jz      label4; j label1
;; block1:
;;   cmpl $0x3, %r9d
;;   jz      label3; j label2
;; block3:
;;   movl $0x5, %esi
;;   call    User(userextname1)
;;   jmp     label5
;; block4:
;;   movl $0x5, %esi
;;   call    User(userextname0)
;;   jmp     label5
;; block5:
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block2:
;;   load_ext_name userextname2+0, %rax
;;   movl $0x4, %ecx
;;   cmpq %r9, %rcx
;;   cmovbq %rcx, %r9
;;   movl 4(%rax, %r9, 8), %eax
;;   cmpl $0xffffffff, %eax
;;   jz #trap=user4
;;   cmpl $0xfffffffe, %eax
;;   jz #trap=user5
;;   ud2
;; ; trap at 0x4d: indirect call type mismatch
;; ; trap at 0x52: undefined element: out of bounds table access
;; ; trap at 0x57: uninitialized element
;; ; at 0x19: `g`
;; ; at 0x25: `f`
;; ; at 0x2e: `wootz_table_0`
;; ; at 0x4e: `wootz_trap`
;; ; at 0x53: `wootz_trap`
;; ; at 0x58: `wootz_trap`
