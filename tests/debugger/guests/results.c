// What functions return in memory is not where debuggers would look for it, so they must not show anything.
//
// builds: O0 O0+speed
//
// > break pair
// > break wide
// > break one
// > break small
// > run
// > in make_pair
// gdb wasm> raw finish => does not follow the target calling convention
// lldb wasm> raw finish !=> Return value
// > continue
// > in make_wide
// gdb wasm> raw finish => does not follow the target calling convention
// lldb wasm> raw finish !=> Return value
// > continue
// > in make_one
// !aarch64 !s390x> finish = {a = 5}
// > continue
// > in make_small
// !aarch64 !s390x> finish = -3
// > exits 0

struct pair {
    int a, b;
};

struct one {
    int a;
};

__attribute__((noinline)) struct pair make_pair(int n) {
    struct pair made = {n, n + 1}; // @pair
    return made;
}

__attribute__((noinline)) long double make_wide(int n) {
    return n; // @wide
}

__attribute__((noinline)) struct one make_one(int n) {
    struct one made = {n}; // @one
    return made;
}

__attribute__((noinline)) short make_small(int n) {
    return n; // @small
}

int main(void) {
    struct pair pair = make_pair(3);
    long double wide = make_wide(4);
    struct one one = make_one(5);
    int small = make_small(-3);
    return pair.a + pair.b + (int)wide + one.a + small - 13;
}
