// Numbers of all kinds, at their edges.
//
// builds: O0 O0+speed O0+dwarf4 O2
//
// > break made
// > run
// O0> p yes = true
// O0> p byte = -128
// O0> p small = -32768
// O0> p ordinary = -2147483648
// O0> p large = -9223372036854775808
// O0> p natural = 4294967295
// O0> p huge = 18446744073709551615
// O0> p third = 0.25
// O0> p tiny = -1.5e-300
// O0> p real = 1.5
// > break inside
// > continue
// > in look
// > args large = -9223372036854775808, tiny = -1.5e-300, real = 1.5, natural = 4294967295
// > exits 0

#include <stdbool.h>

volatile double sink;

__attribute__((noinline)) void look(long long large, double tiny, float real, unsigned int natural) {
    sink = large + tiny + real + natural; // @inside
}

int main(void) {
    bool yes = true;
    short byte = -128;
    short small = -32768;
    int ordinary = -2147483647 - 1;
    long long large = -9223372036854775807ll - 1;
    unsigned int natural = 4294967295u;
    unsigned long long huge = 18446744073709551615ull;
    double third = 0.25;
    double tiny = -1.5e-300;
    float real = 1.5f;
    sink = yes + byte + small + ordinary + huge + third;
    look(large, tiny, real, natural); // @made
    return 0;
}
