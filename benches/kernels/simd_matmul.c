// Products of matrices of f32 in blocks of 4 by 8: one lane times a vector, into eight sums.

#include <stdint.h>
#include <wasm_simd128.h>

enum { SIZE = 256 };
static float a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];

static void multiply(void) {
    for (int32_t i = 0; i < SIZE; i += 4)
        for (int32_t j = 0; j < SIZE; j += 8) {
            v128_t sums[4][2] = {0};
            for (int32_t k = 0; k < SIZE; k++) {
                v128_t left = wasm_v128_load(&b[k][j]), right = wasm_v128_load(&b[k][j + 4]);
                for (int32_t row = 0; row < 4; row++) {
                    v128_t factor = wasm_v128_load32_splat(&a[i + row][k]);
                    sums[row][0] = wasm_f32x4_add(sums[row][0], wasm_f32x4_mul(factor, left));
                    sums[row][1] = wasm_f32x4_add(sums[row][1], wasm_f32x4_mul(factor, right));
                }
            }
            for (int32_t row = 0; row < 4; row++) {
                wasm_v128_store(&c[i + row][j], sums[row][0]);
                wasm_v128_store(&c[i + row][j + 4], sums[row][1]);
            }
        }
}

int64_t run(int32_t n) {
    for (int32_t i = 0; i < SIZE; i++)
        for (int32_t j = 0; j < SIZE; j++) {
            a[i][j] = (float)((i * 7 + j) % 17) / 8;
            b[i][j] = (float)((i + j * 5) % 23) - 11;
        }
    for (int32_t round = 0; round < n; round++) {
        multiply();
        // Kept small, or the numbers would grow without end.
        for (int32_t i = 0; i < SIZE; i++)
            for (int32_t j = 0; j < SIZE; j++)
                b[i][j] = c[i][j] / 256 + (float)((i ^ j) % 3);
    }
    double sum = 0;
    for (int32_t i = 0; i < SIZE; i++)
        for (int32_t j = 0; j < SIZE; j++)
            sum += b[i][j] * (j % 5);
    return (int64_t)(sum * 1000);
}
