// Functions that the linker removed are nowhere: no breakpoint ends up in another function, and lines after them are right.
//
// builds: O0 O0+speed O0+dwarf4 O2
// guest flags: -ffunction-sections -fdata-sections
//
// > break alive
// > run
// > at alive
// > in alive
// > p number = 6
// gdb> raw info line removed_first !=> starts at address
// gdb> raw info symbol 0 => No symbol matches
// lldb> raw image lookup -F removed_first !=> Summary:
// > finish
// > break last
// > continue
// > in last
// > at last
// > p number = 7
// > bt last main ...
// > exits 0

volatile int sink;

void removed_first(int number) {
    sink = number;
    sink = number + 1;
}

__attribute__((noinline)) int alive(int number) {
    sink = number; // @alive
    return number + 1;
}

void removed_second(int number) {
    sink = number + 2;
    sink = number + 3;
}

__attribute__((noinline)) int last(int number) {
    sink = number; // @last
    return number - 7;
}

int main(void) {
    int result = last(alive(6));
    sink = result;
    return result;
}
