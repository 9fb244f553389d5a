// A first program: a greeting, the arguments, and one environment variable.
//
//   wootz compile hello.wasm -o hello.so && wootz run hello.so one two
//
// Shows that a command sees its arguments and only the environment its host hands over.

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    const char *name = getenv("GREETING_NAME");
    printf("Hello, %s!\n", name ? name : "world");
    for (int i = 1; i < argc; i++)
        printf("argument %d: %s\n", i, argv[i]);
    return 0;
}
