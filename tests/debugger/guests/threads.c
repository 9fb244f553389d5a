// Threads have an instance each: locals in memory are those of the thread that stopped.
//
// builds: O0 O0+speed
// host: threads
//
// > break inside if number == 2
// > run
// > at inside
// > in add
// > p number = 2
// > p *at = 20
// > p squares = {4, 16}
// wasm> bt add work ...
// > up
// > in work
// > p value = 20
// > delete
// > exits 0

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(name), noinline))
#else
#include <pthread.h>
#define EXPORT(name) __attribute__((noinline))
#endif

__attribute__((noinline)) int add(int *at, int number) {
    int squares[2] = {number * number, number * number * 4};
    return *at + squares[0] + number; // @inside
}

EXPORT("work") int work(int number) {
    int value = number * 10;
    return add(&value, number) + value;
}

#ifndef __wasm__
static void *begin(void *number) {
    return (void *)(long)work(*(int *)number);
}

int main(void) {
    pthread_t threads[3];
    int numbers[3] = {1, 2, 3};
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], 0, begin, &numbers[i]);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], 0);
    return 0;
}
#endif
