// Belongs to globals.c.

extern volatile int counter;
static volatile int hidden = 200;

__attribute__((noinline)) int other(void) {
    static volatile int calls = 70;
    calls += 1;
    __asm__ volatile("" : : : "memory");
    calls += 0; // @second
    __asm__ volatile("" : : : "memory");
    return hidden + counter;
}
