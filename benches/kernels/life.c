// The game of life on a ring of 256 by 256 bytes: sums of eight neighbours and a look into a table; n generations.

#include <stdint.h>

enum { SIZE = 256 };
static uint8_t boards[2][SIZE][SIZE];

int64_t run(int32_t n) {
    static const uint8_t next[2][9] = {{0, 0, 0, 1, 0, 0, 0, 0, 0}, {0, 0, 1, 1, 0, 0, 0, 0, 0}};
    uint32_t seed = 47;
    for (int32_t y = 0; y < SIZE; y++)
        for (int32_t x = 0; x < SIZE; x++) {
            seed = seed * 1664525 + 1013904223;
            boards[0][y][x] = seed >> 30 == 0;
        }
    for (int32_t round = 0; round < n; round++) {
        uint8_t (*from)[SIZE] = boards[round % 2], (*to)[SIZE] = boards[1 - round % 2];
        for (int32_t y = 0; y < SIZE; y++) {
            const uint8_t *above = from[(y - 1) & (SIZE - 1)], *here = from[y], *below = from[(y + 1) & (SIZE - 1)];
            for (int32_t x = 0; x < SIZE; x++) {
                int32_t left = (x - 1) & (SIZE - 1), right = (x + 1) & (SIZE - 1);
                int32_t around = above[left] + above[x] + above[right] + here[left] + here[right] + below[left] + below[x] +
                                 below[right];
                to[y][x] = next[here[x]][around];
            }
        }
    }
    uint64_t sum = 0;
    for (int32_t y = 0; y < SIZE; y++)
        for (int32_t x = 0; x < SIZE; x++)
            sum = sum * 3 + boards[n % 2][y][x];
    return (int64_t)sum;
}
