// Locals are found where the stack pointer moves in the middle of a function, and where the frame's address is spilled.
//
// builds: O0 O0+speed O0+dwarf4 O0+memory64
//
// > break moved
// > run
// > in spread
// > p before = 5
// > p length = 4
// > p after = 15
// native> p numbers[2] = 12
// > p many = {1, 2, 3, 4, 5, 6, 7, 8}
// > up
// > in main
// > p kept = 77
// > exits 0

volatile int sink;

__attribute__((noinline)) int spread(int length) {
    int before = 5;
    int numbers[length];
    int many[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    for (int i = 0; i < length; i++)
        numbers[i] = 10 + i;
    int after = before + 10;
    sink = numbers[2] + many[7]; // @moved
    return after + numbers[length - 1] - before;
}

int main(void) {
    int kept = 77;
    int result = spread(4);
    return result - 23 + kept - 77;
}
