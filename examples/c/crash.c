// Ends in a trap, four calls deep: main -> outer -> middle -> inner.
//
//   wootz run crash.so unreachable | bounds | divide | indirect | stack
//
// Shows the backtrace of each kind of trap. Without an argument nothing goes wrong.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))

// Volatile, so that the compiler cannot see what happens when they are used.
static volatile unsigned far_away = 0xfffffff0u;
static volatile int zero = 0;
static int answer(int x) { return x + 1; }
static void *volatile callee = (void *)answer;

// Divides the result, so that the recursion cannot become a loop; keeps nothing in linear memory, so that
// the stack that ends is the host's.
NOINLINE static unsigned dive(unsigned depth) { return depth == far_away ? 0 : dive(depth + 1) / 3 + depth; }

NOINLINE static int inner(const char *how, int x) {
    if (!strcmp(how, "unreachable"))
        __builtin_trap();
    if (!strcmp(how, "bounds"))
        return *(volatile int *)(size_t)far_away;
    if (!strcmp(how, "divide"))
        return x / zero;
    if (!strcmp(how, "indirect"))
        return ((double (*)(double))callee)(x) > 0;
    if (!strcmp(how, "stack"))
        return (int)dive((unsigned)x);
    return ((int (*)(int))callee)(x);
}

// Each adds something after the call, or the call would become a jump and its frame vanish.
NOINLINE static int middle(const char *how, int x) { return inner(how, x * 2) + 1; }
NOINLINE static int outer(const char *how, int x) { return middle(how, x + 3) * 2; }

int main(int argc, char **argv) {
    int result = outer(argc > 1 ? argv[1] : "nothing", 4);
    printf("no trap, the result is %d\n", result);
    return 0;
}
