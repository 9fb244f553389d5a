// Text from UTF-8 to UTF-16 and back, checked, with capital letters made small on the way: branches on classes of bytes; n times
// over 128 KiB in four scripts.

#include <stdint.h>

enum { LENGTH = 1 << 17 };
static uint8_t text[LENGTH + 4], back[2 * LENGTH];
static uint16_t units[LENGTH + 4];

static uint8_t *encode(uint8_t *out, uint32_t c) {
    if (c < 0x80) {
        *out++ = (uint8_t)c;
    } else if (c < 0x800) {
        *out++ = (uint8_t)(0xc0 | c >> 6);
        *out++ = (uint8_t)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *out++ = (uint8_t)(0xe0 | c >> 12);
        *out++ = (uint8_t)(0x80 | (c >> 6 & 63));
        *out++ = (uint8_t)(0x80 | (c & 63));
    } else {
        *out++ = (uint8_t)(0xf0 | c >> 18);
        *out++ = (uint8_t)(0x80 | (c >> 12 & 63));
        *out++ = (uint8_t)(0x80 | (c >> 6 & 63));
        *out++ = (uint8_t)(0x80 | (c & 63));
    }
    return out;
}

static int continues(uint8_t byte) { return (byte & 0xc0) == 0x80; }

// A code point, or one that stands for what cannot be read.
static const uint8_t *decode(const uint8_t *at, const uint8_t *end, uint32_t *c) {
    uint8_t first = *at++;
    if (first < 0x80) {
        *c = first;
        return at;
    }
    *c = 0xfffd;
    if (first < 0xc2)
        return at;
    if (first < 0xe0) {
        if (at >= end || !continues(at[0]))
            return at;
        *c = (uint32_t)(first & 31) << 6 | (at[0] & 63);
        return at + 1;
    }
    if (first < 0xf0) {
        if (at + 1 >= end || !continues(at[0]) || !continues(at[1]))
            return at;
        uint32_t value = (uint32_t)(first & 15) << 12 | (uint32_t)(at[0] & 63) << 6 | (at[1] & 63);
        if (value < 0x800 || (value >= 0xd800 && value < 0xe000))
            return at;
        *c = value;
        return at + 2;
    }
    if (first < 0xf5) {
        if (at + 2 >= end || !continues(at[0]) || !continues(at[1]) || !continues(at[2]))
            return at;
        uint32_t value =
            (uint32_t)(first & 7) << 18 | (uint32_t)(at[0] & 63) << 12 | (uint32_t)(at[1] & 63) << 6 | (at[2] & 63);
        if (value < 0x10000 || value > 0x10ffff)
            return at;
        *c = value;
        return at + 3;
    }
    return at;
}

static uint32_t small(uint32_t c) {
    if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9))
        return c + 32;
    if (c >= 0x410 && c <= 0x42f)
        return c + 32;
    return c;
}

int64_t run(int32_t n) {
    uint32_t seed = 53, script = 0;
    uint8_t *out = text;
    while (out < text + LENGTH - 4) {
        seed = seed * 1664525 + 1013904223;
        uint32_t dice = seed >> 20;
        if (dice % 16 == 0) {
            *out++ = ' ';
            script = dice >> 4 & 7;
        } else if (dice == 1) {
            *out++ = (uint8_t)(seed >> 8); // Perhaps not a character at all.
        } else if (script < 4) {
            *out++ = (uint8_t)((dice & 64 ? 'A' : 'a') + dice % 26);
        } else if (script < 6) {
            out = encode(out, 0x410 + dice % 64);
        } else if (script < 7) {
            out = encode(out, 0x4e00 + dice);
        } else {
            out = encode(out, dice & 32 ? 0x1f600 + dice % 64 : 0xc0 + dice % 63);
        }
    }
    const uint8_t *end = out;

    uint64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        uint16_t *unit = units;
        for (const uint8_t *at = text; at < end;) {
            uint32_t c;
            at = decode(at, end, &c);
            c = small(c);
            if (c >= 0x10000) {
                *unit++ = (uint16_t)(0xd800 + ((c - 0x10000) >> 10));
                *unit++ = (uint16_t)(0xdc00 + (c & 0x3ff));
            } else {
                *unit++ = (uint16_t)c;
            }
        }
        uint8_t *to = back;
        for (const uint16_t *at = units; at < unit; at++) {
            uint32_t c = *at;
            if (c >= 0xd800 && c < 0xdc00)
                c = 0x10000 + ((c - 0xd800) << 10) + (*++at - 0xdc00u);
            to = encode(to, c);
        }
        sum = sum * 31 + (uint64_t)(to - back) + (uint64_t)(unit - units) + back[(round * 101) % LENGTH];
    }
    return (int64_t)sum;
}
