// ChaCha20 with a row of the state in each vector: additions, rotations and shuffles. n times 64 KiB.

#include <stdint.h>
#include <wasm_simd128.h>

static uint32_t stream[16 * 1024];

static v128_t rotate(v128_t x, uint32_t bits) {
    return wasm_v128_or(wasm_i32x4_shl(x, bits), wasm_u32x4_shr(x, 32 - bits));
}

static void block(uint32_t *out, const v128_t start[4]) {
    v128_t a = start[0], b = start[1], c = start[2], d = start[3];
    for (int32_t round = 0; round < 20; round++) {
        a = wasm_i32x4_add(a, b);
        d = rotate(wasm_v128_xor(d, a), 16);
        c = wasm_i32x4_add(c, d);
        b = rotate(wasm_v128_xor(b, c), 12);
        a = wasm_i32x4_add(a, b);
        d = rotate(wasm_v128_xor(d, a), 8);
        c = wasm_i32x4_add(c, d);
        b = rotate(wasm_v128_xor(b, c), 7);
        // Columns become diagonals, and diagonals columns.
        if (round % 2 == 0) {
            b = wasm_i32x4_shuffle(b, b, 1, 2, 3, 0);
            c = wasm_i32x4_shuffle(c, c, 2, 3, 0, 1);
            d = wasm_i32x4_shuffle(d, d, 3, 0, 1, 2);
        } else {
            b = wasm_i32x4_shuffle(b, b, 3, 0, 1, 2);
            c = wasm_i32x4_shuffle(c, c, 2, 3, 0, 1);
            d = wasm_i32x4_shuffle(d, d, 1, 2, 3, 0);
        }
    }
    wasm_v128_store(out, wasm_i32x4_add(a, start[0]));
    wasm_v128_store(out + 4, wasm_i32x4_add(b, start[1]));
    wasm_v128_store(out + 8, wasm_i32x4_add(c, start[2]));
    wasm_v128_store(out + 12, wasm_i32x4_add(d, start[3]));
}

int64_t run(int32_t n) {
    uint64_t sum = 0;
    v128_t state[4] = {
        wasm_i32x4_const(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574),
        wasm_i32x4_const(1, 2, 3, 4),
        wasm_i32x4_const(5, 6, 7, 8),
        wasm_i32x4_const(0, 9, 10, 11),
    };
    for (int32_t round = 0; round < n; round++) {
        for (int32_t i = 0; i < 1024; i++) {
            block(stream + 16 * i, state);
            state[3] = wasm_i32x4_add(state[3], wasm_i32x4_const(1, 0, 0, 0));
        }
        for (int32_t i = 0; i < 16 * 1024; i += 97)
            sum = sum * 31 + stream[i];
    }
    return (int64_t)sum;
}
