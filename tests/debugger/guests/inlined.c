// Functions that were inlined stand on the stack, and have arguments.
//
// builds: O2 O2+dwarf4 O2+none
//
// > break inside
// > run
// > at inside
// > bt look innermost middle outer main ...
// > up
// > in innermost
// > at inner_line
// > p number = 9
// > up
// > in middle
// > at middle_line
// > p shown = 8
// > up
// > in outer
// > at outer_line
// > p given = 7
// > exits 0

volatile int sink;

__attribute__((noinline)) void look(int number) {
    sink = number; // @inside
}

static inline __attribute__((always_inline)) int innermost(int number) {
    look(number); // @inner_line
    return number * sink;
}

static inline __attribute__((always_inline)) int middle(int shown) {
    return innermost(shown + 1) + shown; // @middle_line
}

__attribute__((noinline)) int outer(int given) {
    return middle(given + 1) + given; // @outer_line
}

int main(void) {
    return outer(7) - 96;
}
