// The stack goes from the guest through the host into the guest again.
//
// builds: O0 O0+speed O2
// host: callback
//
// > break inside
// > run
// > at inside
// wasm> bt inner ... host_call_back ... outer ...
// native> bt inner call_back outer main ...
// > p number = 21
// > p depth = 1
// > finish
// > break after
// > continue
// > in outer
// > at after
// > p depth = 2

#ifdef __wasm__
__attribute__((import_module("host"), import_name("call_back"))) int call_back(int number);
#define EXPORT(name) __attribute__((export_name(name), noinline))
#else
int inner(int number);
__attribute__((noinline)) static int call_back(int number) {
    int result = inner(number + 1);
    __asm__ volatile("" : : "r"(result));
    return result;
}
#define EXPORT(name) __attribute__((noinline))
#endif

volatile int depth;

EXPORT("inner") int inner(int number) {
    depth += 1;
    depth += number - 20; // @inside
    return number * 2;
}

EXPORT("outer") int outer(int number) {
    int result = call_back(number);
    depth += 1; // @after
    return result + 1;
}

#ifndef __wasm__
int main(void) {
    return outer(20) == 43 ? 0 : 1;
}
#endif
