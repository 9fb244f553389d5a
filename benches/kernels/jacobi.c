// Stencils: n times each point of a grid of 512 by 512 becomes the mean of itself and its four neighbours, to and fro.

#include <stdint.h>

enum { SIZE = 512 };
static double grid[2][SIZE][SIZE];

int64_t run(int32_t n) {
    for (int32_t i = 0; i < SIZE; i++)
        for (int32_t j = 0; j < SIZE; j++)
            grid[0][i][j] = grid[1][i][j] = (double)((i * 13 + j * 7) % 101) / 4;
    for (int32_t round = 0; round < n; round++) {
        double (*from)[SIZE] = grid[round % 2], (*to)[SIZE] = grid[1 - round % 2];
        for (int32_t i = 1; i < SIZE - 1; i++)
            for (int32_t j = 1; j < SIZE - 1; j++)
                to[i][j] = 0.2 * (from[i][j] + from[i][j - 1] + from[i][j + 1] + from[i - 1][j] + from[i + 1][j]);
    }
    double sum = 0;
    for (int32_t i = 0; i < SIZE; i++)
        for (int32_t j = 0; j < SIZE; j++)
            sum += grid[n % 2][i][j] * ((i ^ j) % 5);
    return (int64_t)(sum * 1000);
}
