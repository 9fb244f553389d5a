// Deep recursion with several arguments: Takeuchi's function, and Ackermann's, n times each.

#include <stdint.h>

static int32_t tak(int32_t x, int32_t y, int32_t z) {
    return y < x ? tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y)) : z;
}

static int32_t ackermann(int32_t m, int32_t n) {
    if (m == 0)
        return n + 1;
    return ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

int64_t run(int32_t n) {
    int64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        sum += tak(18 + round % 2, 12, 6);
        sum += ackermann(2, 300 + round % 7);
        sum += ackermann(3, 6);
    }
    return sum;
}
