// An access outside of memory stops at its line, and shows the pointer.
//
// builds: O0 O0+speed
// not on: s390x-linux
//
// > break begin
// > run
// > traps
// > in peek
// > at crash
// > bt peek main ...
// > p at[0] = 7
// > p index = 1000000000
// gdb wasm> exits 134

volatile int sink;

__attribute__((noinline)) int peek(int *at, unsigned int index) {
    int before = at[0];
    return before + at[index]; // @crash
}

int main(void) {
    int here[1] = {7};
    sink = 1; // @begin
    return peek(here, 1000000000);
}
