// Two modules in one process, each with a memory of its own, at the same addresses.
//
// builds: O0 O0+speed
// library: two_modules_library.c library
//
// > break before
// > run
// > in main
// > p values = {1, 2, 3}
// > p mine = 11
// > break in_library
// > continue
// > in library_sum
// > at in_library
// > p kept = {40, 50, 60}
// > p theirs = 22
// > p number = 5
// > p pointer[1] = 50
// > bt library_sum ... main ...
// > finish
// > break end
// > continue
// > at end
// > p values[2] = 3
// > p sum = 155
// > p mine = 12
// > exits 0

#ifdef __wasm__
__attribute__((import_module("library"), import_name("library_sum"))) int library_sum(int number);
#else
int library_sum(int number);
#endif

volatile int mine = 11;

int main(void) {
    int values[3] = {1, 2, 3};
    mine += values[0] * 0;       // @before
    int sum = library_sum(5);
    mine += values[0];
    return sum - 155; // @end
}
