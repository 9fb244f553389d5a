// Loops over arrays of f32 that the compiler makes vectors of: n rounds of y += a * x, then of the sum of products.

#include <stdint.h>

enum { SIZE = 8192 };
static float x[SIZE], y[SIZE];

int64_t run(int32_t n) {
    for (int32_t i = 0; i < SIZE; i++) {
        x[i] = (float)(i % 13) / 16 - 0.375f;
        y[i] = (float)(i % 7) / 8;
    }
    double sum = 0;
    for (int32_t round = 0; round < n; round++) {
        float a = 0.5f - (float)(round % 3) / 2;
        for (int32_t i = 0; i < SIZE; i++)
            y[i] = y[i] * 0.75f + a * x[i];
        // Addition in another order is another sum, so the order of vectors is written down.
        float parts[8] = {0};
        for (int32_t i = 0; i < SIZE; i += 8)
            for (int32_t lane = 0; lane < 8; lane++)
                parts[lane] += x[i + lane] * y[i + lane];
        for (int32_t lane = 0; lane < 8; lane++)
            sum += parts[lane];
    }
    return (int64_t)(sum * 1000);
}
