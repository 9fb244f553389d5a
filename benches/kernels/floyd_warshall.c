// The shortest ways between all pairs: n rounds of Floyd and Warshall's three loops over 160 by 160 distances.

#include <stdint.h>

enum { SIZE = 160, FAR = 1 << 29 };
static int32_t distance[SIZE][SIZE];

int64_t run(int32_t n) {
    uint32_t seed = 13;
    uint64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        for (int32_t i = 0; i < SIZE; i++)
            for (int32_t j = 0; j < SIZE; j++) {
                seed = seed * 1664525 + 1013904223;
                distance[i][j] = i == j ? 0 : seed >> 28 < 3 ? (int32_t)(seed >> 8 & 1023) + 1 : FAR;
            }
        for (int32_t k = 0; k < SIZE; k++)
            for (int32_t i = 0; i < SIZE; i++) {
                int32_t first = distance[i][k];
                for (int32_t j = 0; j < SIZE; j++) {
                    int32_t through = first + distance[k][j];
                    if (through < distance[i][j])
                        distance[i][j] = through;
                }
            }
        for (int32_t i = 0; i < SIZE; i++)
            for (int32_t j = 0; j < SIZE; j++)
                sum = sum * 31 + (uint32_t)distance[i][j];
    }
    return (int64_t)sum;
}
