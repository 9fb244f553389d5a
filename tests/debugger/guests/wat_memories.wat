;; Several memories, with and without names, and of 64 bits; and globals.
;;
;; builds: O0 O0+speed
;; run flags: --invoke run
;;
;; > break stored
;; > run
;; > global memory[16] = 'A'
;; > global scratch[20] = 'B'
;; > global memory2[24] = 'C'
;; > global memory3[28] = 'D'
;; > global count = 3
;; > global global1 = 4
;; > exits 0

(module
  (memory 1)
  (memory $scratch 1 2)
  (memory i64 1)
  (memory $memory 1)
  (global $count (mut i32) (i32.const 3))
  (global (mut i64) (i64.const 4))
  (func $run (export "run") (result i32)
    (i32.store8 (i32.const 16) (i32.const 65))
    (i32.store8 $scratch (i32.const 20) (i32.const 66))
    (i32.store8 2 (i64.const 24) (i32.const 67))
    (i32.store8 3 (i32.const 28) (i32.const 68))
    (global.set $count (i32.add (global.get $count) (i32.const 1))) ;; @stored
    (i32.load8_u $scratch (i32.const 20))))
