;; Rules of a shop, which change more often than the program does.
(module $prices
  ;; What the shop has to tell: the price of an article in cents, and what to do with a message.
  (import "shop" "price" (func $price (param $article i32) (result i64)))
  (import "shop" "say" (func $say (param $address i32) (param $bytes i32)))

  (memory (export "memory") 1)
  (data (i32.const 0) "ten or more: a tenth off")
  (global $sold (export "sold") (mut i32) (i32.const 0))

  ;; What so many of an article cost: in cents, and the part of it that is given away.
  (func (export "total") (param $article i32) (param $count i32) (result i64 i64)
    (local $full i64)
    (local $off i64)
    (local.set $full
      (i64.mul (call $price (local.get $article)) (i64.extend_i32_u (local.get $count))))
    (if (i32.ge_u (local.get $count) (i32.const 10))
      (then
        (call $say (i32.const 0) (i32.const 24))
        (local.set $off (i64.div_u (local.get $full) (i64.const 10)))))
    (global.set $sold (i32.add (global.get $sold) (local.get $count)))
    (i64.sub (local.get $full) (local.get $off))
    (local.get $off)))
