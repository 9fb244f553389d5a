// The Mandelbrot set, two points at a time: f64 arithmetic, comparisons, and a branch on whether any lane is left.

#include <stdint.h>
#include <wasm_simd128.h>

int64_t run(int32_t n) {
    const v128_t four = wasm_f64x2_splat(4), one = wasm_i64x2_splat(1);
    int64_t sum = 0;
    for (int32_t y = 0; y < n; y++)
        for (int32_t x = 0; x < n; x += 2) {
            v128_t cr = wasm_f64x2_make(3.0 * x / n - 2, 3.0 * (x + 1) / n - 2), ci = wasm_f64x2_splat(2.0 * y / n - 1);
            v128_t zr = wasm_f64x2_splat(0), zi = zr, count = zr;
            for (int32_t i = 0; i < 100; i++) {
                v128_t rr = wasm_f64x2_mul(zr, zr), ii = wasm_f64x2_mul(zi, zi);
                v128_t inside = wasm_f64x2_le(wasm_f64x2_add(rr, ii), four);
                if (!wasm_v128_any_true(inside))
                    break;
                count = wasm_i64x2_add(count, wasm_v128_and(inside, one));
                v128_t ri = wasm_f64x2_mul(zr, zi);
                zr = wasm_f64x2_add(wasm_f64x2_sub(rr, ii), cr);
                zi = wasm_f64x2_add(wasm_f64x2_add(ri, ri), ci);
            }
            sum += wasm_i64x2_extract_lane(count, 0) + 3 * wasm_i64x2_extract_lane(count, 1);
        }
    return sum;
}
