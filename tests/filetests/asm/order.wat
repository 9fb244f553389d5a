;; What is made of two values that nothing else needs is computed as soon as both are there, so that few registers are needed at a time; and
;; that where it is shared, in `shared`, is where it was. The loads lie behind each other, so one of them has the address.
;; func: products
;; func: shared

(module
  (memory 1)
  (func $products (param $p i32) (param $q i32) (result i64)
    (i64.add
      (i64.add
        (i64.mul (i64.load offset=8 (local.get $p)) (i64.load offset=8 (local.get $q)))
        (i64.mul (i64.load offset=16 (local.get $p)) (i64.load offset=16 (local.get $q))))
      (i64.add
        (i64.mul (i64.load offset=24 (local.get $p)) (i64.load offset=24 (local.get $q)))
        (i64.mul (i64.load offset=32 (local.get $p)) (i64.load offset=32 (local.get $q))))))
  (func $shared (param $p i32) (param $q i32) (result i64) (local $one i64) (local $other i64)
    (local.set $one (i64.load (local.get $p)))
    (local.set $other (i64.load (local.get $q)))
    (i64.store offset=8 (local.get $p) (local.get $one))
    (i64.store offset=8 (local.get $q) (local.get $other))
    (i64.add (local.get $one) (local.get $other))))

;; ; function 0 `products`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movl %edx, %eax
;;   movl %esi, %edx
;;   movq 0x20(%rdi), %rcx
;;   movq 8(%rcx, %rdx), %rsi
;;   imulq 8(%rcx, %rax), %rsi
;;   movq 0x10(%rcx, %rdx), %rdi
;;   imulq 0x10(%rcx, %rax), %rdi
;;   leaq (%rsi, %rdi), %rsi
;;   movq 0x18(%rcx, %rdx), %rdi
;;   imulq 0x18(%rcx, %rax), %rdi
;;   movq 0x20(%rcx, %rdx), %rdx
;;   imulq 0x20(%rcx, %rax), %rdx
;;   leaq (%rdi, %rdx), %rax
;;   leaq (%rsi, %rax), %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0xc: out of bounds memory access
;; ; trap at 0x11: out of bounds memory access
;; ; trap at 0x17: out of bounds memory access
;; ; trap at 0x1c: out of bounds memory access
;; ; trap at 0x25: out of bounds memory access
;; ; trap at 0x2a: out of bounds memory access
;; ; trap at 0x30: out of bounds memory access
;; ; trap at 0x35: out of bounds memory access
;;
;; ; function 1 `shared`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movl %edx, %r9d
;;   movl %esi, %r10d
;;   movq 0x20(%rdi), %r11
;;   movq (%r11, %r10), %rax
;;   movq (%r11, %r9), %rcx
;;   movq %rax, 8(%r11, %r10)
;;   movq %rcx, 8(%r11, %r9)
;;   leaq (%rax, %rcx), %rax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0xe: out of bounds memory access
;; ; trap at 0x12: out of bounds memory access
;; ; trap at 0x16: out of bounds memory access
;; ; trap at 0x1b: out of bounds memory access
