// A trap stops where it happens, with the stack and the values of that moment.
//
// builds: O0 O0+speed O0+memory64 O2
// not on: s390x-linux
//
// > break begin
// > run
// > traps
// > in crash
// > at crash
// > bt crash middle main ...
// > p how = 3
// > up
// > in middle
// > p how = 2
// gdb wasm> exits 134

volatile int sink;

__attribute__((noinline)) void crash(int how) {
    sink = how;
    if (how == 3)
        __builtin_trap(); // @crash
    sink = 0;
}

__attribute__((noinline)) void middle(int how) {
    crash(how + 1);
    sink = how;
}

int main(void) {
    sink = 1; // @begin
    middle(2);
    return 0;
}
