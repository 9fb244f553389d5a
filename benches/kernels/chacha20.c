// Sixteen live words of 32 bits: the stream of ChaCha20, a byte of text at a time, n times over 64 KiB.

#include <stdint.h>

enum { LENGTH = 1 << 16 };
static uint8_t text[LENGTH];

static uint32_t rotate(uint32_t x, int by) { return x << by | x >> (32 - by); }

#define QUARTER(a, b, c, d)                \
    a += b, d = rotate(d ^ a, 16);         \
    c += d, b = rotate(b ^ c, 12);         \
    a += b, d = rotate(d ^ a, 8);          \
    c += d, b = rotate(b ^ c, 7)

static void block(uint32_t out[16], const uint32_t in[16]) {
    uint32_t x0 = in[0], x1 = in[1], x2 = in[2], x3 = in[3], x4 = in[4], x5 = in[5], x6 = in[6], x7 = in[7];
    uint32_t x8 = in[8], x9 = in[9], x10 = in[10], x11 = in[11], x12 = in[12], x13 = in[13], x14 = in[14], x15 = in[15];
    for (int round = 0; round < 10; round++) {
        QUARTER(x0, x4, x8, x12);
        QUARTER(x1, x5, x9, x13);
        QUARTER(x2, x6, x10, x14);
        QUARTER(x3, x7, x11, x15);
        QUARTER(x0, x5, x10, x15);
        QUARTER(x1, x6, x11, x12);
        QUARTER(x2, x7, x8, x13);
        QUARTER(x3, x4, x9, x14);
    }
    const uint32_t x[16] = {x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15};
    for (int i = 0; i < 16; i++)
        out[i] = x[i] + in[i];
}

int64_t run(int32_t n) {
    uint32_t state[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, stream[16];
    // The stream of a key and a nonce of zeros begins with 76 b8 e0 ad.
    block(stream, state);
    if (stream[0] != 0xade0b876u)
        return -1;

    for (uint32_t i = 4; i < 16; i++)
        state[i] = i * 0x01010101u;
    for (int32_t i = 0; i < LENGTH; i++)
        text[i] = (uint8_t)i;
    for (int32_t round = 0; round < n; round++)
        for (int32_t at = 0; at < LENGTH; at += 64) {
            state[12]++;
            block(stream, state);
            for (int32_t i = 0; i < 64; i++)
                text[at + i] ^= (uint8_t)(stream[i / 4] >> i % 4 * 8);
        }
    uint64_t sum = 0;
    for (int32_t i = 0; i < LENGTH; i++)
        sum = sum * 31 + text[i];
    return (int64_t)sum;
}
