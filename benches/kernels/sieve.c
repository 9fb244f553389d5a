// Byte stores at growing strides: the primes below two million, n times over.

#include <stdint.h>

enum { LIMIT = 2000000 };
static uint8_t composite[LIMIT];

int64_t run(int32_t n) {
    int64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        for (int32_t i = 0; i < LIMIT; i++)
            composite[i] = 0;
        for (int32_t p = 2; p < LIMIT; p++) {
            if (composite[p])
                continue;
            sum += p ^ round;
            for (int64_t multiple = (int64_t)p * p; multiple < LIMIT; multiple += p)
                composite[multiple] = 1;
        }
    }
    return sum;
}
