// Byte comparisons: counts needles in a text of a million letters, n rounds, by two methods that must agree:
// the plain one and Horspool's, which skips.

#include <stdint.h>

enum { LENGTH = 1000000, NEEDLES = 4 };
static char text[LENGTH];

static int matches(const char *at, const char *needle, int32_t length) {
    for (int32_t i = 0; i < length; i++)
        if (at[i] != needle[i])
            return 0;
    return 1;
}

static int32_t plain(const char *needle, int32_t length) {
    int32_t found = 0;
    for (int32_t i = 0; i + length <= LENGTH; i++)
        found += matches(text + i, needle, length);
    return found;
}

static int32_t horspool(const char *needle, int32_t length) {
    int32_t skip[256], found = 0;
    for (int i = 0; i < 256; i++)
        skip[i] = length;
    for (int32_t i = 0; i < length - 1; i++)
        skip[(uint8_t)needle[i]] = length - 1 - i;
    for (int32_t i = 0; i + length <= LENGTH; i += skip[(uint8_t)text[i + length - 1]])
        found += matches(text + i, needle, length);
    return found;
}

int64_t run(int32_t n) {
    static const char *const needles[NEEDLES] = {"abba", "cabacb", "ddcbaabcdd", "e"};
    static const int32_t lengths[NEEDLES] = {4, 6, 10, 1};
    uint32_t seed = 99;
    for (int32_t i = 0; i < LENGTH; i++) {
        seed = seed * 1664525 + 1013904223;
        text[i] = (char)("aabbccdde"[(seed >> 16) % 9]);
    }

    int64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        for (int i = 0; i < NEEDLES; i++) {
            int32_t a = plain(needles[i], lengths[i]), b = horspool(needles[i], lengths[i]);
            if (a != b)
                return -1;
            sum += (int64_t)a * (i + 1);
        }
        text[(round * 7919) % LENGTH] = 'a';
    }
    return sum;
}
