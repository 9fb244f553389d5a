;; Code that is never reached is not translated, and the blocks around it stay balanced.
;; func: f

(module
  (func $f (param i32) (result i32)
    (block $out (result i32)
      (br $out (i32.const 1))
      (loop (result i32) (if (result i32) (i32.const 1) (then (i32.const 2)) (else (unreachable)))))))

;; ; function 0 `f`
;; function u0:0(i64 vmctx, i32) -> i32 tail {
;;                                 block0(v0: i64, v1: i32):
;; @001b                               v4 = iconst.i32 1
;; @001d                               jump block2(v4)  ; v4 = 1
;;
;;                                 block2(v3: i32):
;; @002c                               jump block1(v3)
;;
;;                                 block1(v2: i32):
;; @002c                               return v2
;; }
