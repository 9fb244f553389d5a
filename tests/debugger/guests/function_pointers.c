// Calls through tables of functions: the stack leads back through them.
//
// builds: O0 O0+speed O2
//
// > break inside
// > run
// > in square
// > at inside
// > bt square apply main ...
// > p number = 9
// > up
// > in apply
// O0> p which = 1
// O0> p number = 9
// > exits 0

volatile int sink;

__attribute__((noinline)) int negate(int number) {
    return -number;
}

__attribute__((noinline)) int square(int number) {
    sink = number; // @inside
    return number * number;
}

int (*volatile operations[2])(int) = {negate, square};

__attribute__((noinline)) int apply(int which, int number) {
    int result = operations[which](number);
    sink = result;
    return result;
}

int main(void) {
    return apply(1, 9) - 81;
}
