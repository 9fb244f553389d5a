// Globals, statics of files and statics of functions, of which some have the same names.
//
// builds: O0 O0+speed O0+dwarf4 O0+memory64 O2
// not on: s390x-linux
// also: globals_other.c
//
// > break first
// > run
// > p counter = 5
// > p hidden = 100
// > p origin = {x = 3, y = 4}
// > p origin.y = 4
// > p pointer->x = 3
// > p constant = 99
// > p calls = 1
// > continue
// > at first
// > p calls = 2
// > p counter = 6
// > break second
// > continue
// > in other
// > p hidden = 200
// > p calls = 71
// > global counter = 7
// > set counter = 41
// > global counter = 41
// > exits 0

struct point {
    int x, y;
};

volatile int counter = 5;
static volatile int hidden = 100;
volatile struct point origin = {3, 4};
volatile struct point *volatile pointer = &origin;
const volatile int constant = 99;
volatile int sink;
int other(void);

__attribute__((noinline)) void count(void) {
    static volatile int calls = 0;
    calls += 1;
    sink = calls + hidden + origin.x + pointer->y + constant; // @first
    counter += 1;
}

int main(void) {
    count();
    count();
    return other() - 241;
}
