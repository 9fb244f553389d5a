;; Every instruction carries the offset of the wasm operator that it comes from.
;; func: divide

(module
  (func $divide (param i32 i32) (result i32)
    (i32.div_s (local.get 0) (local.get 1))))

;; ; function 0 `divide`
;; function u0:0(i64 vmctx, i32, i32) -> i32 tail {
;;                                 block0(v0: i64, v1: i32, v2: i32):
;; @001e                               v4 = sdiv v1, v2
;; @001f                               jump block1(v4)
;;
;;                                 block1(v3: i32):
;; @001f                               return v3
;; }
