// Breakpoints with conditions, and what functions return.
//
// builds: O0 O0+speed O0+dwarf4
//
// > break entry if n == 3
// > break main_end
// > run
// > at entry
// > in fib
// > p n = 3
// > bt fib ... main ...
// !aarch64 !s390x> finish = 2
// aarch64> raw finish => does not follow the target calling convention
// s390x> raw finish => does not follow the target calling convention
// > in fib
// > p n = 4
// > continue
// > at entry
// > p n = 3
// > continue
// > at entry
// > continue
// > at main_end
// > p result = 8
// > exits 0

__attribute__((noinline)) int fib(int n) {
    int result = n; // @entry
    if (n > 1)
        result = fib(n - 1) + fib(n - 2);
    return result;
}

int main(void) {
    int result = fib(6);
    return result - 8; // @main_end
}
