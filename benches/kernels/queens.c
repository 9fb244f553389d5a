// Search with going back: the ways of placing n queens on a board of n by n, by sets of bits, and by arrays for three queens less.

#include <stdint.h>

static int64_t place(uint32_t all, uint32_t columns, uint32_t left, uint32_t right) {
    if (columns == all)
        return 1;
    int64_t ways = 0;
    for (uint32_t free = all & ~(columns | left | right); free; free &= free - 1) {
        uint32_t queen = free & -free;
        ways += place(all, columns | queen, (left | queen) << 1, (right | queen) >> 1);
    }
    return ways;
}

static int32_t column_of[32];

static int64_t place_in_array(int32_t row, int32_t n) {
    if (row == n)
        return column_of[n / 2];
    int64_t sum = 0;
    for (int32_t column = 0; column < n; column++) {
        int allowed = 1;
        for (int32_t above = 0; above < row && allowed; above++) {
            int32_t distance = column_of[above] - column;
            allowed = distance != 0 && distance != row - above && distance != above - row;
        }
        if (!allowed)
            continue;
        column_of[row] = column;
        sum += place_in_array(row + 1, n);
    }
    return sum;
}

int64_t run(int32_t n) {
    return place((1u << n) - 1, 0, 0, 0) * 1000 + place_in_array(0, n - 3);
}
