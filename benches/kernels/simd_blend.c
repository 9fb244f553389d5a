// Images: n rounds of blending one over another, four pixels at a time: bytes to 16 bits, products, back with rounding.

#include <stdint.h>
#include <wasm_simd128.h>

enum { PIXELS = 64 * 1024 };
static uint32_t over[PIXELS], under[PIXELS];

static v128_t blend(v128_t over, v128_t alpha, v128_t under, v128_t rest) {
    v128_t sum = wasm_i16x8_add(wasm_i16x8_mul(over, alpha), wasm_i16x8_mul(under, rest));
    sum = wasm_i16x8_add(sum, wasm_i16x8_splat(128));
    // Divided by 255.
    return wasm_u16x8_shr(wasm_i16x8_add(sum, wasm_u16x8_shr(sum, 8)), 8);
}

int64_t run(int32_t n) {
    uint32_t seed = 1;
    for (int32_t i = 0; i < PIXELS; i++) {
        over[i] = seed = seed * 1664525 + 1013904223;
        under[i] = seed = seed * 1664525 + 1013904223;
    }
    const v128_t all = wasm_i8x16_splat(-1);
    for (int32_t round = 0; round < n; round++)
        for (int32_t i = 0; i < PIXELS; i += 4) {
            v128_t x = wasm_v128_load(&over[i]), y = wasm_v128_load(&under[(i + 4 * round) % PIXELS]);
            v128_t alpha = wasm_i8x16_shuffle(x, x, 3, 3, 3, 3, 7, 7, 7, 7, 11, 11, 11, 11, 15, 15, 15, 15);
            v128_t rest = wasm_v128_xor(alpha, all);
            v128_t low = blend(wasm_u16x8_extend_low_u8x16(x), wasm_u16x8_extend_low_u8x16(alpha),
                               wasm_u16x8_extend_low_u8x16(y), wasm_u16x8_extend_low_u8x16(rest));
            v128_t high = blend(wasm_u16x8_extend_high_u8x16(x), wasm_u16x8_extend_high_u8x16(alpha),
                                wasm_u16x8_extend_high_u8x16(y), wasm_u16x8_extend_high_u8x16(rest));
            wasm_v128_store(&under[i], wasm_u8x16_narrow_i16x8(low, high));
        }
    uint64_t sum = 0;
    for (int32_t i = 0; i < PIXELS; i++)
        sum = sum * 31 + under[i];
    return (int64_t)sum;
}
