// Equations: decomposes a matrix of 160 by 160 into two triangles, with the largest element in front, and solves for a few right
// sides; n rounds.

#include <stdint.h>

enum { SIZE = 160, SIDES = 4 };
static double matrix[SIZE][SIZE], original[SIZE][SIZE], side[SIZE], solution[SIZE];
static int32_t row_of[SIZE];

static double magnitude(double x) { return x < 0 ? -x : x; }

static int decompose(void) {
    for (int32_t i = 0; i < SIZE; i++)
        row_of[i] = i;
    for (int32_t k = 0; k < SIZE; k++) {
        int32_t best = k;
        for (int32_t i = k + 1; i < SIZE; i++)
            if (magnitude(matrix[i][k]) > magnitude(matrix[best][k]))
                best = i;
        if (matrix[best][k] == 0)
            return 0;
        if (best != k) {
            for (int32_t j = 0; j < SIZE; j++) {
                double t = matrix[k][j];
                matrix[k][j] = matrix[best][j];
                matrix[best][j] = t;
            }
            int32_t row = row_of[k];
            row_of[k] = row_of[best];
            row_of[best] = row;
        }
        for (int32_t i = k + 1; i < SIZE; i++) {
            double factor = matrix[i][k] / matrix[k][k];
            matrix[i][k] = factor;
            for (int32_t j = k + 1; j < SIZE; j++)
                matrix[i][j] -= factor * matrix[k][j];
        }
    }
    return 1;
}

static void solve(void) {
    for (int32_t i = 0; i < SIZE; i++) {
        double sum = side[row_of[i]];
        for (int32_t j = 0; j < i; j++)
            sum -= matrix[i][j] * solution[j];
        solution[i] = sum;
    }
    for (int32_t i = SIZE - 1; i >= 0; i--) {
        double sum = solution[i];
        for (int32_t j = i + 1; j < SIZE; j++)
            sum -= matrix[i][j] * solution[j];
        solution[i] = sum / matrix[i][i];
    }
}

int64_t run(int32_t n) {
    uint32_t seed = 29;
    double sum = 0;
    for (int32_t round = 0; round < n; round++) {
        for (int32_t i = 0; i < SIZE; i++)
            for (int32_t j = 0; j < SIZE; j++) {
                seed = seed * 1664525 + 1013904223;
                matrix[i][j] = original[i][j] = (double)(seed >> 16) / 65536 - 0.5 + (i == j ? 2 : 0);
            }
        if (!decompose())
            return -1;
        for (int32_t which = 0; which < SIDES; which++) {
            for (int32_t i = 0; i < SIZE; i++)
                side[i] = (i * (which + 3)) % 11;
            solve();
            for (int32_t i = 0; i < SIZE; i++) {
                double rest = side[i];
                for (int32_t j = 0; j < SIZE; j++)
                    rest -= original[i][j] * solution[j];
                if (magnitude(rest) > 1e-6)
                    return -2;
                sum += solution[i];
            }
        }
    }
    return (int64_t)(sum * 1000);
}
