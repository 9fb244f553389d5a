// Table look-ups in one long dependency: CRC-32 of n megabytes, a megabyte at a time.

#include <stdint.h>

enum { LENGTH = 1 << 20 };
static uint8_t bytes[LENGTH];
static uint32_t table[256];

int64_t run(int32_t n) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
        table[i] = crc;
    }
    for (uint32_t i = 0; i < LENGTH; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 24);

    uint32_t crc = 0xffffffffu;
    for (int32_t round = 0; round < n; round++)
        for (uint32_t i = 0; i < LENGTH; i++)
            crc = table[(crc ^ bytes[i]) & 255] ^ crc >> 8;
    return (int64_t)(crc ^ 0xffffffffu);
}
