// Traps in a function that was inlined into one that was inlined: `_start` calls `outer`, which contains `middle`, which
// contains `inner`. Lines and columns are checked by tests.

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))

static volatile int zero = 0;

INLINE int inner(int x) {
    return x / zero;
}

INLINE int middle(int x) {
    int twice = x * 2;
    return inner(twice) + zero;
}

NOINLINE int outer(int x) {
    return middle(x + 1) + 1;
}

// Not called by anybody, so that the linker removes it, but not what the compiler said about it.
NOINLINE int removed(int x) {
    for (int i = 0; i < 100; i++)
        x += zero * i;
    return x;
}

void _start(void) {
    outer(20);
    zero = 1;
}
