// Adler-32, n times over 64 KiB: sums of bytes and of weighted bytes by widening additions and dot products.

#include <stdint.h>
#include <wasm_simd128.h>

enum { SIZE = 64 * 1024, MODULUS = 65521, CHUNK = 2048 };
static uint8_t data[SIZE];

static uint32_t total(v128_t x) {
    return (uint32_t)wasm_i32x4_extract_lane(x, 0) + (uint32_t)wasm_i32x4_extract_lane(x, 1) +
           (uint32_t)wasm_i32x4_extract_lane(x, 2) + (uint32_t)wasm_i32x4_extract_lane(x, 3);
}

static uint32_t adler32(uint32_t a, uint32_t b) {
    const v128_t high = wasm_i16x8_const(16, 15, 14, 13, 12, 11, 10, 9), low = wasm_i16x8_const(8, 7, 6, 5, 4, 3, 2, 1);
    for (int32_t start = 0; start < SIZE; start += CHUNK) {
        v128_t sums = wasm_i32x4_splat(0), before = sums, weighted = sums;
        for (int32_t i = start; i < start + CHUNK; i += 16) {
            v128_t bytes = wasm_v128_load(data + i);
            before = wasm_i32x4_add(before, sums);
            sums = wasm_i32x4_add(sums, wasm_u32x4_extadd_pairwise_u16x8(wasm_u16x8_extadd_pairwise_u8x16(bytes)));
            weighted = wasm_i32x4_add(weighted, wasm_i32x4_dot_i16x8(wasm_u16x8_extend_low_u8x16(bytes), high));
            weighted = wasm_i32x4_add(weighted, wasm_i32x4_dot_i16x8(wasm_u16x8_extend_high_u8x16(bytes), low));
        }
        b = (b + a * CHUNK + total(before) * 16 + total(weighted)) % MODULUS;
        a = (a + total(sums)) % MODULUS;
    }
    return b << 16 | a;
}

int64_t run(int32_t n) {
    uint32_t seed = 1;
    for (int32_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
    uint64_t sum = 0;
    for (int32_t round = 0; round < n; round++)
        sum = sum * 31 + adler32(1 + (uint32_t)round % MODULUS, 0);
    return (int64_t)sum;
}
