;; A call through a table that nobody can change looks at a table among the code, and at nothing in the instance. That says also what
;; cannot be called, and why. Functions that are called by name only do not ask how much stack there is, even if they call.
;; func: call

(module
  (type $t (func (param i32) (result i32)))
  (table 6 6 funcref)
  (func $f (type $t) (local.get 0))
  (func $other (result i32) (i32.const 1))
  (elem (i32.const 1) func $f $other $f $f $f)
  (func $call (param i32) (result i32)
    (call_indirect (type $t) (i32.const 5) (local.get 0))))

;; ; function 2 `call`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movl %esi, %r8d
;;   load_ext_name userextname0+0, %r11
;;   movl $0x6, %eax
;;   cmpq %r8, %rax
;;   cmovbq %rax, %r8
;;   movl 4(%r11, %r8, 8), %eax
;;   testl %eax, %eax
;;   jnz     label2; j label1
;; block1:
;;   movslq (%r11, %r8, 8), %rax
;;   leaq (%r11, %rax), %rax
;;   movl $0x5, %esi
;;   call    *%rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block2:
;;   cmpl $0xffffffff, %eax
;;   jz #trap=user4
;;   cmpl $0xfffffffe, %eax
;;   jz #trap=user5
;;   ud2
;; ; trap at 0x3d: indirect call type mismatch
;; ; trap at 0x42: undefined element: out of bounds table access
;; ; trap at 0x47: uninitialized element
;; ; at 0xa: `wootz_table_0`
;; ; at 0x3e: `wootz_trap`
;; ; at 0x43: `wootz_trap`
;; ; at 0x48: `wootz_trap`
