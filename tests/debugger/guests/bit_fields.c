// Bit-fields, of which some cross bytes. (lldb cannot set them.)
//
// builds: O0 O0+speed O0+dwarf4 O2
// not on: s390x-linux
//
// > break made
// > run
// > in look
// > p of->ready = 1
// > p of->mode = 5
// > p of->level = -3
// > p of->wide = 4660
// > p *of = {ready = 1, mode = 5, level = -3, wide = 4660, rest = 9}
// O0 gdb> set of->mode = 2
// O0 gdb> p of->mode = 2
// O0 gdb> p of->level = -3
// O0> up
// O0 gdb> p flags.mode = 2
// O0> p flags.wide = 4660
// > exits 0

struct flags {
    unsigned int ready : 1;
    unsigned int mode : 3;
    int level : 4;
    unsigned int wide : 17;
    int rest;
};

volatile int sink;

__attribute__((noinline)) void look(struct flags *of) {
    sink = of->mode + of->level; // @made
}

int main(void) {
    struct flags flags = {1, 5, -3, 0x1234, 9};
    look(&flags);
    return flags.rest - 9;
}
