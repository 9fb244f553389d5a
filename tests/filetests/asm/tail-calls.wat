;; A tail call leaves no frame behind: it jumps. Within a module the callee is known; elsewhere its code and vmctx are loaded.

(module
  (type $count (func (param i64 i64) (result i64)))
  (import "env" "out" (func $out (type $count)))
  (table (export "table") 1 1 funcref)
  (func $even (type $count)
    (if (result i64) (i64.eqz (local.get 0))
      (then (local.get 1))
      (else (return_call $odd (i64.sub (local.get 0) (i64.const 1)) (local.get 1)))))
  (func $odd (type $count)
    (return_call $even (local.get 0) (i64.add (local.get 1) (i64.const 1))))
  (func $leave (type $count)
    (return_call $out (local.get 1) (local.get 0)))
  (func $through_table (type $count)
    (return_call_indirect (type $count) (local.get 0) (local.get 1) (i32.const 0)))
  (func $by_reference (param i64 (ref null $count)) (result i64)
    (return_call_ref $count (local.get 0) (local.get 0) (local.get 1))))

;; ; function 1 `even`
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
;;   testq %rsi, %rsi
;;   jz      label2; j label1
;; block1:
;;   subq $0x1, %rsi
;;   return_call_known User(userextname0) (0) tmp=%r11 %rdi=%rdi %rsi=%rsi %rdx=%rdx
;; block2:
;;   movq %rdx, %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0x28: call stack exhausted
;; ; at 0x1f: `odd`
;; ; at 0x29: `wootz_trap`
;;
;; ; function 2 `odd`
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
;;   leaq 1(%rdx), %rdx
;;   return_call_known User(userextname0) (0) tmp=%r11 %rdi=%rdi %rsi=%rsi %rdx=%rdx
;; ; trap at 0x1e: call stack exhausted
;; ; at 0x1a: `even`
;; ; at 0x1f: `wootz_trap`
;;
;; ; function 3 `leave`
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
;;   movq 0x20(%rdi), %r10
;;   movq %rdi, %r11
;;   movq 0x28(%r11), %rdi
;;   movq %rdx, %rax
;;   movq %rsi, %rdx
;;   movq %rax, %rsi
;;   movq %r11, %rcx
;;   return_call_unknown %r10 (0) tmp=%r11 %rdi=%rdi %rsi=%rsi %rdx=%rdx %rcx=%rcx
;; ; trap at 0x2f: call stack exhausted
;; ; at 0x30: `wootz_trap`
;;
;; ; function 4 `through_table`
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
;;   movq 0x30(%rdi), %r9
;;   movq (%r9), %r9
;;   movl 0x18(%r9), %r10d
;;   cmpl 0x40(%rdi), %r10d
;;   movq %rdi, %rcx
;;   jnz #trap=user6
;;   movq (%r9), %r10
;;   movq 8(%r9), %rdi
;;   return_call_unknown %r10 (0) tmp=%r11 %rdi=%rdi %rsi=%rsi %rdx=%rdx %rcx=%rcx
;; ; trap at 0x18: undefined element: out of bounds table access
;; ; trap at 0x1b: uninitialized element
;; ; trap at 0x33: call stack exhausted
;; ; trap at 0x38: indirect call type mismatch
;; ; at 0x34: `wootz_trap`
;; ; at 0x39: `wootz_trap`
;;
;; ; function 5 `by_reference`
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
;;   movq %rdi, %rcx
;;   movq (%rdx), %r10
;;   movq 8(%rdx), %rdi
;;   movq %rsi, %rdx
;;   return_call_unknown %r10 (0) tmp=%r11 %rdi=%rdi %rsi=%rsi %rdx=%rdx %rcx=%rcx
;; ; trap at 0x17: null reference
;; ; trap at 0x25: call stack exhausted
;; ; at 0x26: `wootz_trap`
;;
;; ; trampoline `wootz_exit_0`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   subq $0x30, %rsp
;; block0:
;;   movq %rcx, %r8
;;   movq %rdx, %rcx
;;   movq 8(%rdi), %rax
;;   movq    %rbp, %rdx
;;   movq (%rdx), %rdx
;;   movq %rdx, 0x20(%rax)
;;   movq    %rbp, %rdx
;;   movq 8(%rdx), %rdx
;;   movq %rdx, 0x28(%rax)
;;   movq %rdi, <offset:1>+(%rsp)
;;   leaq <offset:1>+0x10(%rsp), %rdx
;;   movq %rsi, <offset:1>+0x10(%rsp)
;;   movq %rcx, %rax
;;   movq %rax, <offset:1>+0x20(%rsp)
;;   movq 0x20(%rdi), %rax
;;   movl $0x2, %ecx
;;   movq %r8, %rsi
;;   call    *%rax
;;   testb %al, %al
;;   jnz     label2; j label1
;; block2:
;;   movq <offset:1>+0x10(%rsp), %rax
;;   addq $0x30, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block1:
;;   movq <offset:1>+(%rsp), %rdi
;;   movq 0x10(%rdi), %rax
;;   movq (%rax), %rax
;;   call    *%rax
;;   ud2
;;
;; ; trampoline `wootz_exit_1`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   subq $0x30, %rsp
;; block0:
;;   movq %rcx, %r8
;;   movq %rdx, %rcx
;;   movq 8(%rdi), %rax
;;   movq    %rbp, %rdx
;;   movq (%rdx), %rdx
;;   movq %rdx, 0x20(%rax)
;;   movq    %rbp, %rdx
;;   movq 8(%rdx), %rdx
;;   movq %rdx, 0x28(%rax)
;;   movq %rdi, <offset:1>+(%rsp)
;;   leaq <offset:1>+0x10(%rsp), %rdx
;;   movq %rsi, <offset:1>+0x10(%rsp)
;;   movq %rcx, %rax
;;   movq %rax, <offset:1>+0x20(%rsp)
;;   movq 0x20(%rdi), %rax
;;   movl $0x2, %ecx
;;   movq %r8, %rsi
;;   call    *%rax
;;   testb %al, %al
;;   jnz     label2; j label1
;; block2:
;;   movq <offset:1>+0x10(%rsp), %rax
;;   addq $0x30, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block1:
;;   movq <offset:1>+(%rsp), %rdi
;;   movq 0x10(%rdi), %rax
;;   movq (%rax), %rax
;;   call    *%rax
;;   ud2
;;
;; ; trampoline `wootz_table_grow`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   subq $0x10, %rsp
;; block0:
;;   movq 8(%rdi), %rax
;;   movq    %rbp, %r8
;;   movq (%r8), %r8
;;   movq %r8, 0x20(%rax)
;;   movq    %rbp, %r8
;;   movq 8(%r8), %r8
;;   movq %r8, 0x28(%rax)
;;   movq %rdi, <offset:1>+(%rsp)
;;   movq 0x10(%rdi), %rax
;;   movq 0x30(%rax), %rax
;;   call    *%rax
;;   cmpq (%rip), %rax
;;   jnz     label2; j label1
;; block2:
;;   addq $0x10, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block1:
;;   movq <offset:1>+(%rsp), %rdi
;;   movq 0x10(%rdi), %rax
;;   movq (%rax), %rax
;;   call    *%rax
;;   ud2
;;
;; ; trampoline `wootz_table_fill`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   subq $0x10, %rsp
;; block0:
;;   movq 8(%rdi), %rax
;;   movq    %rbp, %r9
;;   movq (%r9), %r9
;;   movq %r9, 0x20(%rax)
;;   movq    %rbp, %r9
;;   movq 8(%r9), %r9
;;   movq %r9, 0x28(%rax)
;;   movq %rdi, <offset:1>+(%rsp)
;;   movq 0x10(%rdi), %rax
;;   movq 0x38(%rax), %rax
;;   call    *%rax
;;   testb %al, %al
;;   jnz     label2; j label1
;; block2:
;;   addq $0x10, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block1:
;;   movq <offset:1>+(%rsp), %rdi
;;   movq 0x10(%rdi), %rax
;;   movq (%rax), %rax
;;   call    *%rax
;;   ud2
;;
;; ; trampoline `wootz_table_copy`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   subq $0x10, %rsp
;; block0:
;;   movq 8(%rdi), %rax
;;   movq    %rbp, %r10
;;   movq (%r10), %r10
;;   movq %r10, 0x20(%rax)
;;   movq    %rbp, %r10
;;   movq 8(%r10), %r10
;;   movq %r10, 0x28(%rax)
;;   movq %rdi, <offset:1>+(%rsp)
;;   movq 0x10(%rdi), %rax
;;   movq 0x40(%rax), %rax
;;   call    *%rax
;;   testb %al, %al
;;   jnz     label2; j label1
;; block2:
;;   addq $0x10, %rsp
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; block1:
;;   movq <offset:1>+(%rsp), %rdi
;;   movq 0x10(%rdi), %rax
;;   movq (%rax), %rax
;;   call    *%rax
;;   ud2
;;
;; ; trampoline `wootz_trap`: a jump to the address in `wootz_trap_cell`
