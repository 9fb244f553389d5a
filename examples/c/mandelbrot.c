// The Mandelbrot set as text, 78 columns wide.
//
// Shows floating-point loops; the picture is the same on every target because wasm fixes the rounding.

#include <stdio.h>

enum { COLUMNS = 78, ROWS = 32, STEPS = 1000 };

// The number of steps after which z -> z*z + c leaves the circle of radius 2, at most STEPS.
static int escape(double re, double im) {
    double x = 0, y = 0;
    for (int step = 0; step < STEPS; step++) {
        double xx = x * x, yy = y * y;
        if (xx + yy > 4)
            return step;
        y = 2 * x * y + im;
        x = xx - yy + re;
    }
    return STEPS;
}

int main(void) {
    static const char shade[] = " .,:;-=+*oO%&";
    for (int row = 0; row < ROWS; row++) {
        char line[COLUMNS + 2];
        for (int column = 0; column < COLUMNS; column++) {
            int steps = escape(-2.2 + 3.2 * column / COLUMNS, -1.25 + 2.5 * row / (ROWS - 1));
            line[column] = steps == STEPS ? '@' : shade[steps % (sizeof shade - 1)];
        }
        line[COLUMNS] = '\n';
        line[COLUMNS + 1] = 0;
        fputs(line, stdout);
    }
    return 0;
}
