;; A module in text format without debug information of its own: its lines are the text's, its variables the wasm's.
;;
;; builds: O0
;; run flags: --invoke run
;;
;; > break call
;; > run
;; > at call
;; > in run
;; > step
;; > in double
;; > args number = 20
;; > locals result = 0
;; > break set
;; > continue
;; > at set
;; > bt double run ...
;; > args number = 20
;; > next
;; > locals result = 40
;; > finish
;; > in run
;; > exits 0

(module
  (func $double (param $number i32) (result i32)
    (local $result i32)
    local.get $number
    i32.const 2
    i32.mul
    local.set $result ;; @set
    local.get $result
    i32.const 1
    i32.add)
  (func $run (export "run") (result i32)
    i32.const 20
    call $double)) ;; @call
