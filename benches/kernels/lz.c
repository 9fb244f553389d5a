// Compression and decompression: matches found by a table of hashes and chains, written as tokens of literals and copies; n
// times over 256 KiB of made-up text.

#include <stdint.h>

enum { LENGTH = 1 << 18, TABLE = 1 << 14, WINDOW = 1 << 15, SHORTEST = 4, TRIES = 8 };
static uint8_t plain[LENGTH], packed[LENGTH + LENGTH / 8], again[LENGTH];
static int32_t newest[TABLE], older[WINDOW];

static uint32_t load(const uint8_t *at) {
    uint32_t value;
    __builtin_memcpy(&value, at, 4);
    return value;
}

static uint32_t hash_of(uint32_t value) { return value * 2654435761u >> 18; }

// A number below 15 in a half of a byte, or the rest of it in bytes of up to 255.
static uint8_t *put_rest(uint8_t *out, int32_t number) {
    for (number -= 15; number >= 255; number -= 255)
        *out++ = 255;
    *out++ = (uint8_t)number;
    return out;
}

static int32_t compress(void) {
    for (int32_t i = 0; i < TABLE; i++)
        newest[i] = -1;
    uint8_t *out = packed;
    int32_t at = 0, start = 0;
    while (at < LENGTH - 8) {
        uint32_t hash = hash_of(load(plain + at));
        int32_t longest = 0, from = 0, candidate = newest[hash];
        for (int tries = TRIES; tries > 0 && candidate >= 0 && at - candidate < WINDOW; tries--) {
            if (load(plain + candidate) == load(plain + at)) {
                int32_t length = SHORTEST;
                while (at + length < LENGTH && plain[candidate + length] == plain[at + length])
                    length++;
                if (length > longest) {
                    longest = length;
                    from = candidate;
                }
            }
            candidate = older[candidate % WINDOW];
        }
        older[at % WINDOW] = newest[hash];
        newest[hash] = at;
        if (longest < SHORTEST) {
            at++;
            continue;
        }
        int32_t literals = at - start, extra = longest - SHORTEST;
        *out++ = (uint8_t)((literals < 15 ? literals : 15) << 4 | (extra < 15 ? extra : 15));
        if (literals >= 15)
            out = put_rest(out, literals);
        for (int32_t i = 0; i < literals; i++)
            *out++ = plain[start + i];
        int32_t distance = at - from;
        *out++ = (uint8_t)distance;
        *out++ = (uint8_t)(distance >> 8);
        if (extra >= 15)
            out = put_rest(out, extra);
        at += longest;
        start = at;
    }
    // The last token is of literals alone.
    int32_t literals = LENGTH - start;
    *out++ = (uint8_t)((literals < 15 ? literals : 15) << 4);
    if (literals >= 15)
        out = put_rest(out, literals);
    for (int32_t i = 0; i < literals; i++)
        *out++ = plain[start + i];
    return (int32_t)(out - packed);
}

static const uint8_t *take_rest(const uint8_t *in, int32_t *number) {
    uint8_t byte;
    do
        *number += byte = *in++;
    while (byte == 255);
    return in;
}

static int32_t decompress(int32_t length) {
    const uint8_t *in = packed, *end = packed + length;
    uint8_t *out = again, *last = again + LENGTH;
    while (in < end) {
        uint8_t token = *in++;
        int32_t literals = token >> 4, extra = token & 15;
        if (literals == 15)
            in = take_rest(in, &literals);
        if (literals > last - out)
            return -1;
        for (int32_t i = 0; i < literals; i++)
            *out++ = *in++;
        if (in >= end)
            break;
        int32_t distance = in[0] | in[1] << 8;
        in += 2;
        if (extra == 15)
            in = take_rest(in, &extra);
        if (distance == 0 || distance > out - again || extra + SHORTEST > last - out)
            return -1;
        const uint8_t *from = out - distance;
        for (int32_t i = 0; i < extra + SHORTEST; i++)
            *out++ = *from++;
    }
    return (int32_t)(out - again);
}

int64_t run(int32_t n) {
    // Words of a small language, the common ones more often.
    uint32_t seed = 11;
    for (int32_t at = 0; at < LENGTH;) {
        seed = seed * 1664525 + 1013904223;
        uint32_t word = (seed >> 20) * (seed >> 21) >> 13, length = 2 + word % 9;
        for (uint32_t i = 0; i < length && at < LENGTH; i++)
            plain[at++] = (uint8_t)('a' + (word * (i * 7 + 3) >> 2) % 26);
        if (at < LENGTH)
            plain[at++] = seed % 64 == 0 ? '\n' : ' ';
    }

    uint64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        plain[round % LENGTH] ^= 1;
        int32_t length = compress();
        if (decompress(length) != LENGTH)
            return -1;
        for (int32_t i = 0; i < LENGTH; i++)
            if (again[i] != plain[i])
                return -2;
        sum = sum * 31 + (uint64_t)length;
    }
    return (int64_t)sum;
}
