// Each frame of a recursion has its own values, and finish tells what it returns.
//
// builds: O0 O0+speed O0+memory64 O2
//
// > break deepest if depth == 1
// > run
// > at deepest
// > bt look factorial factorial factorial factorial main ...
// > p depth = 1
// > up
// > p number = 1
// > up
// > p number = 2
// > up
// > p number = 3
// > up
// > in factorial
// > p number = 4
// > up
// > in main
// O0> p result = -1
// > down
// > in factorial
// > p number = 4
// > delete
// > exits 0

volatile int sink;

__attribute__((noinline)) void look(int depth) {
    sink = depth; // @deepest
}

__attribute__((noinline)) int factorial(int number) {
    if (number <= 1) {
        look(number);
        return 1;
    }
    int rest = factorial(number - 1);
    look(0 - number);
    return number * rest;
}

int main(void) {
    int result = -1;
    result = factorial(4);
    return result - 24;
}
