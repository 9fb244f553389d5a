// Variables of blocks: the innermost of a name is seen, and only where it lives.
//
// builds: O0 O0+speed O0+dwarf4
//
// > break inner
// > run
// > p value = 3
// > p outermost = 1
// > p middle = 20
// > locals value = 3, outermost = 1, middle = 20
// > break outer
// > continue
// > p value = 1
// > break loop if i == 2
// > continue
// > p i = 2
// > p square = 4
// > exits 0

volatile int sink;

int main(void) {
    int value = 1, outermost = 1;
    {
        int value = 2, middle = 20;
        {
            int value = 3;
            sink = value + middle; // @inner
        }
        sink = value;
    }
    sink = value + outermost; // @outer
    for (int i = 0; i < 3; i++) {
        int square = i * i;
        sink = square; // @loop
    }
    return 0;
}
