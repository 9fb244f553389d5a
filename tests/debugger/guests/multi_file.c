// A program of three files: lines, stacks and values across them, and a function in a header.
//
// builds: O0 O0+speed O0+dwarf4 O2
// not on: s390x-linux
// also: multi_file_part.c
// marks in: multi_file.h
//
// > break part
// > run
// > at part
// > in part
// > bt part main ...
// > p depth = 42
// > p state->name = "shared"
// > p state->depth = 41
// O0> finish
// O0> at called
// O0> p state.depth = 41
// O0> break header
// O0> continue
// O0> in helper
// O0> at header
// O0> bt helper main ...
// O0> p given = 43
// > exits 0

#include "multi_file.h"

int main(void) {
    struct state state = {"shared", 41};
    int result = part(&state, state.depth + 1); // @called
    return helper(result) - 86;
}
