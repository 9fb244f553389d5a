// 64-bit rotations with 25 live values: the permutation Keccak-f[1600], n thousand times.

#include <stdint.h>

static uint64_t rotate(uint64_t x, int by) { return by ? x << by | x >> (64 - by) : x; }

static const int rotation[25] = {0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14};
static uint64_t constants[24];

// The round constants come from a shift register of 8 bits.
static void make_constants(void) {
    uint8_t shift = 1;
    for (int round = 0; round < 24; round++) {
        constants[round] = 0;
        for (int j = 0; j < 7; j++) {
            if (shift & 1)
                constants[round] |= 1ull << ((1 << j) - 1);
            shift = (uint8_t)(shift << 1 ^ (shift & 0x80 ? 0x71 : 0));
        }
    }
}

static void permute(uint64_t a[25]) {
    for (int round = 0; round < 24; round++) {
        uint64_t c[5], b[25];
        for (int x = 0; x < 5; x++)
            c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
        for (int x = 0; x < 5; x++) {
            uint64_t d = c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1);
            for (int y = 0; y < 5; y++)
                a[x + 5 * y] ^= d;
        }
        for (int x = 0; x < 5; x++)
            for (int y = 0; y < 5; y++)
                b[y + 5 * ((2 * x + 3 * y) % 5)] = rotate(a[x + 5 * y], rotation[x + 5 * y]);
        for (int y = 0; y < 25; y += 5)
            for (int x = 0; x < 5; x++)
                a[x + y] = b[x + y] ^ (~b[(x + 1) % 5 + y] & b[(x + 2) % 5 + y]);
        a[0] ^= constants[round];
    }
}

int64_t run(int32_t n) {
    make_constants();
    uint64_t state[25] = {0};
    for (int32_t i = 0; i < n * 1000; i++)
        permute(state);
    return (int64_t)state[0];
}
