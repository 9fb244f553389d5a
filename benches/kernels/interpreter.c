// A large switch in a loop: a byte-code machine that runs about n million steps.

#include <stdint.h>

enum Op {
    PUSH, DUP, SWAP, OVER, DROP, ADD, SUB, MUL, XOR, AND, OR, SHIFT_LEFT, SHIFT_RIGHT, LESS, EQUAL, NOT,
    LOAD, STORE, FETCH, PUT, JUMP, JUMP_IF, CALL, RETURN, INCREMENT, DECREMENT, HALT,
};

// Variables: 0 the loop counter, 1 a hash, 2 a pseudo-random number. `heap` is an array of 256 cells.
static const uint8_t program[] = {
    /*  0 */ LOAD, 2, CALL, 49, STORE, 2,                       // random = scramble(random)
    /*  6 */ LOAD, 2, PUSH, 255, AND, DUP, FETCH, LOAD, 0, ADD, // value = heap[random & 255] + counter
    /* 16 */ SWAP, OVER, SWAP, PUT,                             // heap[random & 255] = value
    /* 20 */ LOAD, 1, XOR, PUSH, 33, MUL, STORE, 1,             // hash = (value ^ hash) * 33
    /* 28 */ LOAD, 2, PUSH, 7, AND, JUMP_IF, 40,                // one turn in eight:
    /* 35 */ LOAD, 1, INCREMENT, STORE, 1,                      //   hash += 1
    /* 40 */ LOAD, 0, DECREMENT, DUP, STORE, 0, JUMP_IF, 0,     // again, until the counter is 0
    /* 48 */ HALT,
    /* 49 */ DUP, PUSH, 13, SHIFT_LEFT, XOR, DUP, PUSH, 17, SHIFT_RIGHT, XOR, DUP, PUSH, 5, SHIFT_LEFT, XOR, RETURN,
};

static uint32_t heap[256];

int64_t run(int32_t n) {
    uint32_t stack[64], variables[4] = {0, 5381, 2463534242u, 0};
    int32_t sp = 0, pc = 0, calls[16], depth = 0;
    variables[0] = (uint32_t)n * 24000; // A turn takes 41 or 44 steps.
    for (int i = 0; i < 256; i++)
        heap[i] = (uint32_t)i;

    for (;;) {
        uint32_t t;
        switch (program[pc++]) {
        case PUSH: stack[sp++] = program[pc++]; break;
        case DUP: stack[sp] = stack[sp - 1]; sp++; break;
        case SWAP: t = stack[sp - 1]; stack[sp - 1] = stack[sp - 2]; stack[sp - 2] = t; break;
        case OVER: stack[sp] = stack[sp - 2]; sp++; break;
        case DROP: sp--; break;
        case ADD: sp--; stack[sp - 1] += stack[sp]; break;
        case SUB: sp--; stack[sp - 1] -= stack[sp]; break;
        case MUL: sp--; stack[sp - 1] *= stack[sp]; break;
        case XOR: sp--; stack[sp - 1] ^= stack[sp]; break;
        case AND: sp--; stack[sp - 1] &= stack[sp]; break;
        case OR: sp--; stack[sp - 1] |= stack[sp]; break;
        case SHIFT_LEFT: sp--; stack[sp - 1] <<= stack[sp] & 31; break;
        case SHIFT_RIGHT: sp--; stack[sp - 1] >>= stack[sp] & 31; break;
        case LESS: sp--; stack[sp - 1] = stack[sp - 1] < stack[sp]; break;
        case EQUAL: sp--; stack[sp - 1] = stack[sp - 1] == stack[sp]; break;
        case NOT: stack[sp - 1] = !stack[sp - 1]; break;
        case LOAD: stack[sp++] = variables[program[pc++]]; break;
        case STORE: variables[program[pc++]] = stack[--sp]; break;
        case FETCH: stack[sp - 1] = heap[stack[sp - 1] & 255]; break;
        case PUT: sp -= 2; heap[stack[sp + 1] & 255] = stack[sp]; break;
        case JUMP: pc = program[pc]; break;
        case JUMP_IF: pc = stack[--sp] ? program[pc] : pc + 1; break;
        case CALL: calls[depth++] = pc + 1; pc = program[pc]; break;
        case RETURN: pc = calls[--depth]; break;
        case INCREMENT: stack[sp - 1]++; break;
        case DECREMENT: stack[sp - 1]--; break;
        case HALT: return (int64_t)((uint64_t)variables[1] << 32 | variables[2]);
        }
    }
}
