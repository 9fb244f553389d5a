// Belongs to two_modules.c.

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(name)))
#else
#define EXPORT(name)
#endif

volatile int theirs = 22;
int library_sum(int number);

EXPORT("library_sum") int library_sum(int number) {
    int kept[3] = {40, 50, 60};
    int *pointer = kept;
    return theirs * 0 + pointer[0] + kept[1] + kept[2] + number; // @in_library
}
