// 64-bit rotations and additions: SHA-512 over n kilobytes, in a chain of digests.

#include <stdint.h>

static uint64_t K[80];
static uint64_t start[8];

static uint64_t rotate(uint64_t x, int by) { return x >> by | x << (64 - by); }

// The largest x with x^power <= p * 2^(64 * power), modulo 2^64: the first 64 bits of the fraction of a root. Newton would
// need more bits than there are, so it goes bit by bit over numbers of six words of 32 bits.
static uint64_t fraction_of_root(uint32_t p, int power) {
    uint32_t root[3] = {0};
    for (int bit = 67; bit >= 0; bit--) {
        root[bit / 32] |= 1u << bit % 32;
        uint32_t product[10] = {1};
        for (int factor = 0; factor < power; factor++) {
            uint32_t next[10] = {0};
            for (int i = 0; i < 7; i++) {
                uint64_t carry = 0;
                for (int j = 0; j < 3; j++) {
                    carry += (uint64_t)product[i] * root[j] + next[i + j];
                    next[i + j] = (uint32_t)carry;
                    carry >>= 32;
                }
                next[i + 3] += (uint32_t)carry;
            }
            for (int i = 0; i < 10; i++)
                product[i] = next[i];
        }
        // Too large if it is p * 2^(64 * power) at least: roots of primes are never whole.
        int words = power * 2;
        if (product[words + 1] || product[words + 2] || product[words] >= p)
            root[bit / 32] &= ~(1u << bit % 32);
    }
    return (uint64_t)root[1] << 32 | root[0];
}

static void make_constants(void) {
    int found = 0;
    for (uint32_t p = 2; found < 80; p++) {
        int prime = 1;
        for (uint32_t d = 2; d * d <= p; d++)
            prime &= p % d != 0;
        if (!prime)
            continue;
        if (found < 8)
            start[found] = fraction_of_root(p, 2);
        K[found++] = fraction_of_root(p, 3);
    }
}

static void compress(uint64_t state[8], const uint64_t block[16]) {
    uint64_t w[80];
    for (int i = 0; i < 16; i++)
        w[i] = block[i];
    for (int i = 16; i < 80; i++) {
        uint64_t s0 = rotate(w[i - 15], 1) ^ rotate(w[i - 15], 8) ^ w[i - 15] >> 7;
        uint64_t s1 = rotate(w[i - 2], 19) ^ rotate(w[i - 2], 61) ^ w[i - 2] >> 6;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint64_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 80; i++) {
        uint64_t t1 = h + (rotate(e, 14) ^ rotate(e, 18) ^ rotate(e, 41)) + ((e & f) ^ (~e & g)) + K[i] + w[i];
        uint64_t t2 = (rotate(a, 28) ^ rotate(a, 34) ^ rotate(a, 39)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

int64_t run(int32_t n) {
    make_constants();
    // The digest of nothing begins with cf83e1357eefb8bd.
    uint64_t state[8], block[16] = {1ull << 63};
    for (int i = 0; i < 8; i++)
        state[i] = start[i];
    compress(state, block);
    if (state[0] != 0xcf83e1357eefb8bdu)
        return -1;

    for (int32_t i = 0; i < n * 8; i++) {
        for (int j = 0; j < 16; j++)
            block[j] = state[j & 7] + (uint64_t)(i * 16 + j);
        compress(state, block);
    }
    return (int64_t)(state[0] ^ state[7]);
}
