// Belongs to multi_file.c.

#include "multi_file.h"

volatile int sink;

__attribute__((noinline)) int part(struct state *state, int depth) {
    sink = state->depth + depth; // @part
    return depth + 1;
}
