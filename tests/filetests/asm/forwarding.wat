;; What was stored a moment ago is not loaded again, though other stores beside it lie between; and what lies behind an address that was
;; accessed is accessed without an addition of its own.
;; func: pair
;; func: behind

(module
  (memory 1)
  (func $pair (param $sp i32) (param i64 i64) (result i64)
    (i64.store offset=8 (local.get $sp) (local.get 1))
    (i64.store offset=16 (local.get $sp) (local.get 2))
    (i64.add (i64.load offset=8 (local.get $sp)) (i64.load offset=16 (local.get $sp))))
  (func $behind (param $p i32) (result i32)
    (i32.add
      (i32.load (local.get $p))
      (i32.load (i32.add (local.get $p) (i32.const 4))))))

;; ; function 0 `pair`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movl %esi, %r9d
;;   movq 0x20(%rdi), %r8
;;   movq %rdx, 8(%r8, %r9)
;;   movq %rcx, 0x10(%r8, %r9)
;;   leaq (%rdx, %rcx), %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0xb: out of bounds memory access
;; ; trap at 0x10: out of bounds memory access
;;
;; ; function 1 `behind`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movl %esi, %esi
;;   movq 0x20(%rdi), %rdi
;;   movl (%rdi, %rsi), %eax
;;   addl 4(%rdi, %rsi), %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0xa: out of bounds memory access
;; ; trap at 0xd: out of bounds memory access
