// The C library's string functions as programs have them, compiled from C: memcpy, memmove, memset, memcmp, memchr, strlen,
// strcmp, strchr, strstr over short and long pieces; n rounds. Natively they are what the system's library has, which is
// written by hand for wide vectors.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SIZE = 1 << 16 };
static char source[SIZE + 64], target[SIZE + 64];

// Keeps the compiler from knowing a length, by which it would open up a call.
static size_t hidden(size_t value) {
    __asm__ volatile("" : "+r"(value));
    return value;
}

int64_t run(int32_t n) {
    uint32_t seed = 3;
    for (int32_t i = 0; i < SIZE; i++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t dice = seed >> 24;
        source[i] = dice < 12 ? 0 : (char)('a' + dice % 26);
    }
    source[SIZE - 1] = 0;

    uint64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        // Short pieces, as most are.
        for (size_t at = 0; at + 64 < SIZE; at += 48) {
            size_t length = hidden((at * 7 + (size_t)round) & 63);
            memcpy(target + at, source + at, length);
            memset(target + at + length, '.', hidden(8));
            sum += (uint64_t)(memcmp(target + at, source + at, length + 1) > 0);
        }
        // Long ones.
        memmove(target + 64, target, hidden(SIZE - 64));
        memcpy(target, source, hidden(SIZE / 2));
        memset(target + SIZE / 2, round & 127, hidden(SIZE / 4));
        target[SIZE] = 0;

        for (size_t at = 0; at < SIZE;) {
            size_t length = strlen(source + at);
            sum += length;
            if (length > 40) {
                const char *found = strchr(source + at, 'z');
                sum += found ? (uint64_t)(found - source) : 1;
                found = strstr(source + at, "ab");
                sum += found ? (uint64_t)(found - source) : 2;
            }
            const char *other = source + (at * 5 + (size_t)round) % (SIZE - 64);
            sum += (uint64_t)(strcmp(source + at, other) < 0);
            at += length + 1;
        }
        const char *found = memchr(target, '.', hidden(SIZE));
        sum = sum * 31 + (found ? (uint64_t)(found - target) : 0);
    }
    return (int64_t)sum;
}
