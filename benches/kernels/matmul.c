// Floating-point inner loops: n products of 256 by 256 matrices of f64, each feeding the next.

#include <stdint.h>

enum { SIZE = 256 };
static double a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];

int64_t run(int32_t n) {
    for (int32_t i = 0; i < SIZE; i++)
        for (int32_t j = 0; j < SIZE; j++) {
            a[i][j] = (double)((i * 7 + j) % 17) / 8;
            b[i][j] = (double)((i + j * 5) % 23) - 11;
        }
    for (int32_t round = 0; round < n; round++) {
        for (int32_t i = 0; i < SIZE; i++)
            for (int32_t j = 0; j < SIZE; j++)
                c[i][j] = 0;
        for (int32_t i = 0; i < SIZE; i++)
            for (int32_t k = 0; k < SIZE; k++)
                for (int32_t j = 0; j < SIZE; j++)
                    c[i][j] += a[i][k] * b[k][j];
        // Kept small, or the numbers would grow without end.
        for (int32_t i = 0; i < SIZE; i++)
            for (int32_t j = 0; j < SIZE; j++)
                b[i][j] = c[i][j] / 256 + (double)((i ^ j) % 3);
    }
    double sum = 0;
    for (int32_t i = 0; i < SIZE; i++)
        for (int32_t j = 0; j < SIZE; j++)
            sum += b[i][j] * (j % 5);
    return (int64_t)(sum * 1000);
}
