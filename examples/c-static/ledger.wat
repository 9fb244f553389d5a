;; What a list of articles costs. The list is in memory, 8 bytes an entry: the article, and how many of it.
(module $ledger
  (import "shop" "price" (func $price (param $article i32) (result f64)))
  (memory (export "memory") 1)
  (func $entry (param $at i32) (result f64)
    (f64.mul
      (call $price (i32.load (local.get $at)))
      (f64.convert_i32_u (i32.load offset=4 (local.get $at)))))
  (func $total (export "total") (param $at i32) (param $count i32) (result f64)
    (local $sum f64)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $sum (f64.add (local.get $sum) (call $entry (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (local.get $sum)))
