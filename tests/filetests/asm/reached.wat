;; Accesses behind an address that is accessed, before or after them, add the distance themselves; but not from one behind a store, as in
;; `stored`, where it would be seen which of them traps.
;; func: unrolled
;; func: stored

(module
  (memory 1 100)
  (func $unrolled (param $p i32) (result i32)
    (i32.add
      (i32.sub
        (i32.load (i32.add (local.get $p) (i32.const 12)))
        (i32.load (i32.add (local.get $p) (i32.const 8))))
      (i32.sub (i32.load (i32.add (local.get $p) (i32.const 4))) (i32.load (local.get $p)))))
  (func $stored (param $p i32) (param $q i32) (result i32) (local $one i32)
    (local.set $one (i32.load (i32.add (local.get $p) (i32.const 12))))
    (i32.store (local.get $q) (i32.const 1))
    (i32.sub (local.get $one) (i32.load (local.get $p)))))

;; ; function 0 `unrolled`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movl %esi, %r9d
;;   movq 0x20(%rdi), %r10
;;   movl 0xc(%r10, %r9), %r8d
;;   subl 8(%r10, %r9), %r8d
;;   movl 4(%r10, %r9), %r11d
;;   subl (%r10, %r9), %r11d
;;   leal (%r8, %r11), %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0xb: out of bounds memory access
;; ; trap at 0x10: out of bounds memory access
;; ; trap at 0x15: out of bounds memory access
;; ; trap at 0x1a: out of bounds memory access
;;
;; ; function 1 `stored`
;;   pushq %rbp
;;   unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;   movq %rsp, %rbp
;;   unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;; block0:
;;   movl %esi, %r9d
;;   movl %edx, %r11d
;;   movq 0x20(%rdi), %r10
;;   leal 0xc(%r9), %eax
;;   movl (%r10, %rax), %eax
;;   movl $0x1, (%r10, %r11)
;;   subl (%r10, %r9), %eax
;;   movq %rbp, %rsp
;;   popq %rbp
;;   retq
;; ; trap at 0x12: out of bounds memory access
;; ; trap at 0x16: out of bounds memory access
;; ; trap at 0x1e: out of bounds memory access
