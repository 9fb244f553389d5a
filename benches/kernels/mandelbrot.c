// Floating-point loops that end early: steps to escape, summed over n by n points.

#include <stdint.h>

enum { STEPS = 200 };

int64_t run(int32_t n) {
    int64_t sum = 0;
    for (int32_t row = 0; row < n; row++)
        for (int32_t column = 0; column < n; column++) {
            double re = 3.0 * column / n - 2.25, im = 2.5 * row / n - 1.25, x = 0, y = 0;
            int32_t step = 0;
            while (step < STEPS && x * x + y * y <= 4) {
                double next = x * x - y * y + re;
                y = 2 * x * y + im;
                x = next;
                step++;
            }
            sum += step;
        }
    return sum;
}
