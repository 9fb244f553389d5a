// Numbers of many words: products of 64 by 64 bits with carries, by rows and by Karatsuba's way, and remainders by a small
// number; n rounds over numbers of 128 words.

#include <stdint.h>

enum { WORDS = 128, BY_ROWS = 24 };
typedef unsigned __int128 wide;

static uint64_t multiply_add(uint64_t *out, const uint64_t *a, int length, uint64_t by) {
    uint64_t carry = 0;
    for (int i = 0; i < length; i++) {
        wide t = (wide)a[i] * by + out[i] + carry;
        out[i] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
    return carry;
}

static uint64_t add(uint64_t *out, const uint64_t *a, const uint64_t *b, int length) {
    uint64_t carry = 0;
    for (int i = 0; i < length; i++) {
        wide t = (wide)a[i] + b[i] + carry;
        out[i] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
    return carry;
}

static uint64_t subtract(uint64_t *out, const uint64_t *a, const uint64_t *b, int length) {
    uint64_t borrow = 0;
    for (int i = 0; i < length; i++) {
        wide t = (wide)a[i] - b[i] - borrow;
        out[i] = (uint64_t)t;
        borrow = (uint64_t)(t >> 64) & 1;
    }
    return borrow;
}

static void by_rows(uint64_t *out, const uint64_t *a, const uint64_t *b, int length) {
    for (int i = 0; i < length; i++)
        out[i] = 0;
    for (int i = 0; i < length; i++)
        out[length + i] = multiply_add(out + i, b, length, a[i]);
}

// Of two halves each; `scratch` has room for four times the length.
static void multiply(uint64_t *out, const uint64_t *a, const uint64_t *b, int length, uint64_t *scratch) {
    if (length <= BY_ROWS) {
        by_rows(out, a, b, length);
        return;
    }
    int half = length / 2;
    uint64_t *sums = scratch, *middle = scratch + length, *rest = scratch + 2 * length;
    multiply(out, a, b, half, rest);
    multiply(out + length, a + half, b + half, half, rest);
    uint64_t carry_a = add(sums, a, a + half, half), carry_b = add(sums + half, b, b + half, half);
    multiply(middle, sums, sums + half, half, rest);
    // (2^k * carry_a + sum_a) * (2^k * carry_b + sum_b), of which the middle has the last product only.
    uint64_t top = carry_a & carry_b;
    if (carry_a)
        top += add(middle + half, middle + half, sums + half, half);
    if (carry_b)
        top += add(middle + half, middle + half, sums, half);
    top -= subtract(middle, middle, out, length);
    top -= subtract(middle, middle, out + length, length);
    top += add(out + half, out + half, middle, length);
    for (int i = half + length; top && i < 2 * length; i++) {
        out[i] += top;
        top = out[i] < top;
    }
}

static uint64_t remainder_of(const uint64_t *a, int length, uint32_t by) {
    uint64_t rest = 0;
    for (int i = length - 1; i >= 0; i--) {
        rest = (rest << 32 | a[i] >> 32) % by;
        rest = (rest << 32 | (uint32_t)a[i]) % by;
    }
    return rest;
}

static uint64_t a[WORDS], b[WORDS], product[2 * WORDS], check[2 * WORDS], scratch[4 * WORDS];

int64_t run(int32_t n) {
    uint64_t seed = 1, sum = 0;
    for (int i = 0; i < WORDS; i++) {
        a[i] = seed = seed * 6364136223846793005u + 1442695040888963407u;
        b[i] = seed = seed * 6364136223846793005u + 1442695040888963407u;
    }
    for (int32_t round = 0; round < n; round++) {
        multiply(product, a, b, WORDS, scratch);
        if (round % 64 == 0) {
            by_rows(check, a, b, WORDS);
            for (int i = 0; i < 2 * WORDS; i++)
                if (check[i] != product[i])
                    return -1;
        }
        const uint32_t by = 998244353;
        uint64_t rest = remainder_of(product, 2 * WORDS, by);
        if (rest != remainder_of(a, WORDS, by) * remainder_of(b, WORDS, by) % by)
            return -2;
        sum = sum * 31 + rest;
        for (int i = 0; i < WORDS; i++) {
            a[i] = product[i + WORDS / 2] ^ (uint64_t)round;
            b[i] ^= product[i];
        }
    }
    return (int64_t)sum;
}
