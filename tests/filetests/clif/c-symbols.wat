;; What is behind the C symbols of exports: arguments to values, a call through the handle, results to where C code wants them,
;; but only if it ended well. Vectors travel by address; what is no function is looked up, unless the handle is null.
;; options: prefix=plugin
;; func: plugin_every_x2Dtype
;; func: plugin_memory

(module
  (memory (export "memory") 1)
  (func (export "every-type") (param i32 v128 externref) (result f64 v128)
    (f64.const 1) (local.get 1)))

;; ; trampoline `plugin_every_x2Dtype`
;; function u0:7(i64, i32, i64, i64, i64, i64) -> i64 system_v {
;;     ss0 = explicit_slot 48, align = 16
;;     sig0 = (i64, i64, i64, i64) -> i64 system_v
;;
;; block0(v0: i64, v1: i32, v2: i64, v3: i64, v4: i64, v5: i64):
;;     v6 = stack_addr.i64 ss0
;;     store notrap v1, v6
;;     v7 = load.i64 notrap v2
;;     store notrap v7, v6+16
;;     v8 = load.i64 notrap v2+8
;;     store notrap v8, v6+24
;;     store notrap v3, v6+32
;;     v9 = load.i64 notrap aligned v0
;;     v10 = iconst.i64 1
;;     v11 = iconst.i64 3
;;     v12 = call_indirect sig0, v9(v0, v10, v6, v11)  ; v10 = 1, v11 = 3
;;     brif v12, block1, block2
;;
;; block1 cold:
;;     return v12
;;
;; block2:
;;     v13 = load.f64 notrap v6
;;     store notrap v13, v4
;;     v14 = load.i64 notrap v6+16
;;     store notrap v14, v5
;;     v15 = load.i64 notrap v6+24
;;     store notrap v15, v5+8
;;     return v12
;; }
;;
;; ; trampoline `plugin_memory`
;; function u0:6(i64) -> i64 system_v {
;;     sig0 = (i64, i64) -> i64 system_v
;;
;; block0(v0: i64):
;;     brif v0, block1, block2
;;
;; block2 cold:
;;     v1 = iconst.i64 0
;;     return v1  ; v1 = 0
;;
;; block1:
;;     v2 = load.i64 notrap aligned v0+8
;;     v3 = iconst.i64 0
;;     v4 = call_indirect sig0, v2(v0, v3)  ; v3 = 0
;;     return v4
;; }
