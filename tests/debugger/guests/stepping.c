// step, next, finish and until go where they go in C.
//
// builds: O0 O0+dwarf4 O0+memory64
//
// > break begin
// > run
// > at begin
// > p total = 0
// > next
// > at called
// > step
// > in twice
// > at inside
// > p number = 4
// > next
// > at returning
// > p result = 8
// !aarch64 !s390x> finish = 8
// aarch64> raw finish => does not follow the target calling convention
// s390x> raw finish => does not follow the target calling convention
// > in main
// > next
// > at loop
// > p total = 8
// > until after
// > at after
// > p total = 11
// > step
// > step
// > at last
// > p total = 22
// > exits 0

__attribute__((noinline)) int twice(int number) {
    int result = number * 2; // @inside
    return result;           // @returning
}

int main(void) {
    int total = 0;
    total += 0;                    // @begin
    total += twice(4);             // @called
    for (int i = 0; i < 3; i++)    // @loop
        total += 1;
    total *= 2;                    // @after
    if (total > 20)
        return total - 22;         // @last
    return 1;
}
