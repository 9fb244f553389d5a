// 64-bit integer inner loops: powers of an n by n matrix modulo 2^64, by row times column; n at most 260.

#include <stdint.h>

// Rows are no power of two apart: columns would lie in a few sets of the cache, and nothing but that would be measured.
enum { MAX = 260, POWERS = 48 };
static uint64_t a[MAX][MAX], b[MAX][MAX], c[MAX][MAX];

int64_t run(int32_t n) {
    if (n > MAX)
        n = MAX;
    for (int32_t i = 0; i < n; i++)
        for (int32_t j = 0; j < n; j++) {
            a[i][j] = (uint64_t)(i * 31 + j * 17 + 1) * 0x9e3779b97f4a7c15u;
            b[i][j] = i == j;
        }
    for (int power = 0; power < POWERS; power++) {
        for (int32_t i = 0; i < n; i++)
            for (int32_t j = 0; j < n; j++) {
                uint64_t sum = 0;
                for (int32_t k = 0; k < n; k++)
                    sum += a[i][k] * b[k][j];
                c[i][j] = sum;
            }
        for (int32_t i = 0; i < n; i++)
            for (int32_t j = 0; j < n; j++)
                b[i][j] = c[i][j] + (uint64_t)(i ^ j);
    }
    uint64_t sum = 0;
    for (int32_t i = 0; i < n; i++)
        for (int32_t j = 0; j < n; j++)
            sum = sum * 31 + b[i][j];
    return (int64_t)sum;
}
