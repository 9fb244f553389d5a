// The primes below a limit (first argument, 100 if absent), by the sieve of Eratosthenes.
//
// Shows argument parsing, a heap that grows the linear memory, exit status 2 for wrong usage.

#include <stdio.h>
#include <stdlib.h>

// Marks the composite numbers below `limit`; null if memory runs out.
static unsigned char *sieve(size_t limit) {
    unsigned char *composite = calloc(limit, 1);
    if (!composite)
        return NULL;
    for (size_t p = 2; p <= (limit - 1) / p; p++)
        if (!composite[p])
            for (size_t multiple = p * p; multiple < limit; multiple += p)
                composite[multiple] = 1;
    return composite;
}

int main(int argc, char **argv) {
    char *end = "";
    long limit = argc > 1 ? strtol(argv[1], &end, 10) : 100;
    if (argc > 2 || *end || limit < 2 || limit > 1000000000) {
        fprintf(stderr, "usage: primes [LIMIT], LIMIT from 2 to 1000000000\n");
        return 2;
    }
    unsigned char *composite = sieve((size_t)limit);
    if (!composite) {
        fprintf(stderr, "primes: out of memory\n");
        return 1;
    }

    long count = 0, largest = 0;
    for (long n = 2; n < limit; n++) {
        if (composite[n])
            continue;
        count++;
        largest = n;
        if (limit <= 1000)
            printf("%ld ", n);
    }
    if (limit <= 1000)
        printf("\n");
    printf("%ld primes below %ld", count, limit);
    if (count)
        printf(", the largest is %ld", largest);
    printf("\n");
    free(composite);
    return 0;
}
