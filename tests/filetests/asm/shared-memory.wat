;; A shared memory is found by way of a pointer, even where it is defined. Plain loads of the same place become one, but not
;; across an atomic access; `memory.size` is one.
;; func: twice

(module
  (memory 1 2 shared)
  (func $twice (param i32) (result i32)
    (i32.load (local.get 0))
    (i32.load (local.get 0))
    (drop (memory.size))
    (i32.load (local.get 0))
    i32.add
    i32.add))
