// 32-bit rotations and additions: SHA-256 over n kilobytes, in a chain of digests.

#include <stdint.h>

static uint32_t K[64];
static const uint32_t START[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static uint32_t rotate(uint32_t x, int by) { return x >> by | x << (32 - by); }

// The round constants: the first 32 bits of the fractions of the cube roots of the first 64 primes.
static void make_constants(void) {
    int found = 0;
    for (uint32_t p = 2; found < 64; p++) {
        int prime = 1;
        for (uint32_t d = 2; d * d <= p; d++)
            prime &= p % d != 0;
        if (!prime)
            continue;
        // The largest r with r^3 <= p * 2^96, bit by bit; 128 bits suffice, as r < 2^35.
        uint64_t r = 0;
        for (int bit = 34; bit >= 0; bit--) {
            uint64_t next = r | 1ull << bit;
            unsigned __int128 cube = (unsigned __int128)next * next * next;
            if (cube <= (unsigned __int128)p << 96)
                r = next;
        }
        K[found++] = (uint32_t)r;
    }
}

static void compress(uint32_t state[8], const uint32_t block[16]) {
    uint32_t w[64];
    for (int i = 0; i < 16; i++)
        w[i] = block[i];
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i];
        uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

int64_t run(int32_t n) {
    make_constants();
    uint32_t state[8], block[16];
    for (int i = 0; i < 8; i++)
        state[i] = START[i];
    for (int32_t i = 0; i < n * 16; i++) {
        for (int j = 0; j < 16; j++)
            block[j] = state[j & 7] + (uint32_t)(i * 16 + j);
        compress(state, block);
    }
    return (int64_t)((uint64_t)state[0] << 32 | state[7]);
}
