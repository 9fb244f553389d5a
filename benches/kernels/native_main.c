// The native counterpart of a host that calls a kernel: `KERNEL N` prints what run(N) returns.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int64_t run(int32_t n);

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s N\n", argv[0]);
        return 2;
    }
    printf("%" PRId64 "\n", run(atoi(argv[1])));
    return 0;
}
