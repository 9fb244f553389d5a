;; A trap in a module without debug information stops at the text's line.
;;
;; builds: O0 O0+speed
;; run flags: --invoke run
;;
;; > break begin
;; > run
;; > traps
;; > in divide
;; > at crash
;; none> args by = 0
;; > bt divide run ...
;; gdb> exits 134

(module
  (func $divide (param $by i32) (result i32)
    i32.const 7
    local.get $by
    i32.div_s) ;; @crash
  (func $run (export "run") (result i32)
    i32.const 0 ;; @begin
    call $divide))
