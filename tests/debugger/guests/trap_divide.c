// A division by zero stops at its line.
//
// builds: O0 O0+speed O2
//
// > break begin
// > run
// > traps
// > in divide
// > at crash
// > bt divide main ...
// > args number = 17, by = 0
// gdb wasm> exits 134

volatile int sink;

__attribute__((noinline)) int divide(int number, int by) {
    return number / by; // @crash
}

int main(void) {
    sink = 0; // @begin
    int result = divide(17, sink);
    sink = result;
    return result;
}
