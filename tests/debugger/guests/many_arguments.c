// More arguments than registers, of different types.
//
// builds: O0 O0+speed O2
//
// > break inside
// > run
// > in add
// > args a = 1, b = 2.5, c = 3, d = 4, e = 5, f = 6.5, g = 7, h = 8, i = 9, j = 10, k = 11.25
// > up
// > in main
// > exits 0

volatile double sink;

__attribute__((noinline)) double add(int a, double b, long long c, int d, int e, float f, int g, int h, int i, long long j,
                                     double k) {
    sink = a + b + c + d + e + f + g + h + i + j + k; // @inside
    return sink;
}

int main(void) {
    return add(1, 2.5, 3, 4, 5, 6.5f, 7, 8, 9, 10, 11.25) - 67.25;
}
