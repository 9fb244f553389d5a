// A large interpreter: values with tags, frames, calls of functions by name and as values, arrays, some seventy instructions with
// short forms for common operands. It runs a program of a sieve, Fibonacci numbers, a hash and a norm, n times.

#include <stdint.h>

typedef enum { NIL, BOOLEAN, INTEGER, REAL, ARRAY, FUNCTION } Tag;

typedef struct {
    uint32_t tag, extra;
    union {
        int64_t integer;
        double real;
    } as;
} Value;

enum Op {
    PUSH_NIL, PUSH_TRUE, PUSH_FALSE, PUSH_0, PUSH_1, PUSH_2, PUSH_BYTE, PUSH_WORD, PUSH_REAL, PUSH_FUNCTION,
    POP, DUP, SWAP, OVER,
    GET_0, GET_1, GET_2, GET_3, GET, SET_0, SET_1, SET_2, SET_3, SET, GET_GLOBAL, SET_GLOBAL,
    ADD, SUBTRACT, MULTIPLY, DIVIDE, REMAINDER, NEGATE, ADD_BYTE, SUBTRACT_BYTE, INCREMENT, DECREMENT,
    BIT_AND, BIT_OR, BIT_XOR, BIT_NOT, SHIFT_LEFT, SHIFT_RIGHT, ROTATE,
    EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, MORE, MORE_EQUAL, NOT, IS_NIL, TYPE_OF,
    JUMP, JUMP_BACK, JUMP_IF, JUMP_UNLESS, JUMP_IF_LESS, JUMP_UNLESS_LESS, JUMP_IF_ZERO, AND_THEN, OR_ELSE,
    NEW_ARRAY, GET_AT, SET_AT, LENGTH_OF, FILL,
    CALL, CALL_VALUE, RETURN, RETURN_NIL, TO_REAL, TO_INTEGER, SQUARE_ROOT, MINIMUM, MAXIMUM, HALT,
};

enum { STACK = 4096, FRAMES = 512, HEAP = 1 << 16, CODE = 1024, GLOBALS = 16 };

typedef struct {
    const uint8_t *back;
    Value *locals;
} Frame;

static Value stack[STACK], globals[GLOBALS], heap[HEAP];
static Frame frames[FRAMES];
static uint32_t heap_used;
static uint8_t code[CODE];
static struct {
    uint16_t start;
    uint8_t parameters, locals;
} functions[16];

static Value integer(int64_t x) { return (Value){.tag = INTEGER, .as.integer = x}; }
static Value real(double x) { return (Value){.tag = REAL, .as.real = x}; }
static Value boolean(int x) { return (Value){.tag = BOOLEAN, .as.integer = x}; }
static double number(Value v) { return v.tag == REAL ? v.as.real : (double)v.as.integer; }
static int is_true(Value v) { return v.tag != NIL && (v.tag != BOOLEAN || v.as.integer); }

// Two integers, or else two numbers of which one is real at least.
#define ARITHMETIC(of_integers, of_reals)                                                  \
    {                                                                                      \
        Value b = *--top, a = top[-1];                                                     \
        if (a.tag == INTEGER && b.tag == INTEGER) {                                        \
            uint64_t x = (uint64_t)a.as.integer, y = (uint64_t)b.as.integer;               \
            top[-1] = integer((int64_t)(of_integers));                                     \
        } else {                                                                           \
            double x = number(a), y = number(b);                                           \
            top[-1] = real(of_reals);                                                      \
        }                                                                                  \
        break;                                                                             \
    }
#define COMPARISON(operator)                                                               \
    {                                                                                      \
        Value b = *--top, a = top[-1];                                                     \
        if (a.tag == INTEGER && b.tag == INTEGER)                                          \
            top[-1] = boolean(a.as.integer operator b.as.integer);                         \
        else                                                                               \
            top[-1] = boolean(number(a) operator number(b));                               \
        break;                                                                             \
    }
#define BITS(expression)                                                                   \
    {                                                                                      \
        uint64_t y = (uint64_t)(--top)->as.integer, x = (uint64_t)top[-1].as.integer;      \
        top[-1] = integer((int64_t)(expression));                                          \
        break;                                                                             \
    }

static uint32_t word_at(const uint8_t *at) { return (uint32_t)at[0] | (uint32_t)at[1] << 8; }

static int64_t interpret(int function) {
    const uint8_t *pc = code + functions[function].start;
    Value *locals = stack, *top = stack + functions[function].locals;
    Frame *frame = frames;
    for (;;) {
        switch (*pc++) {
        case PUSH_NIL: *top++ = (Value){.tag = NIL}; break;
        case PUSH_TRUE: *top++ = boolean(1); break;
        case PUSH_FALSE: *top++ = boolean(0); break;
        case PUSH_0: *top++ = integer(0); break;
        case PUSH_1: *top++ = integer(1); break;
        case PUSH_2: *top++ = integer(2); break;
        case PUSH_BYTE: *top++ = integer((int8_t)*pc++); break;
        case PUSH_WORD: *top++ = integer(word_at(pc)); pc += 2; break;
        case PUSH_REAL: *top++ = real((double)word_at(pc) / 256); pc += 2; break;
        case PUSH_FUNCTION: *top++ = (Value){.tag = FUNCTION, .as.integer = *pc++}; break;
        case POP: top--; break;
        case DUP: top[0] = top[-1]; top++; break;
        case SWAP: { Value v = top[-1]; top[-1] = top[-2]; top[-2] = v; break; }
        case OVER: top[0] = top[-2]; top++; break;
        case GET_0: *top++ = locals[0]; break;
        case GET_1: *top++ = locals[1]; break;
        case GET_2: *top++ = locals[2]; break;
        case GET_3: *top++ = locals[3]; break;
        case GET: *top++ = locals[*pc++]; break;
        case SET_0: locals[0] = *--top; break;
        case SET_1: locals[1] = *--top; break;
        case SET_2: locals[2] = *--top; break;
        case SET_3: locals[3] = *--top; break;
        case SET: locals[*pc++] = *--top; break;
        case GET_GLOBAL: *top++ = globals[*pc++]; break;
        case SET_GLOBAL: globals[*pc++] = *--top; break;
        case ADD: ARITHMETIC(x + y, x + y)
        case SUBTRACT: ARITHMETIC(x - y, x - y)
        case MULTIPLY: ARITHMETIC(x * y, x * y)
        case DIVIDE: ARITHMETIC(y ? (int64_t)x / (int64_t)y : 0, x / y)
        case REMAINDER: ARITHMETIC(y ? (int64_t)x % (int64_t)y : 0, x - y)
        case NEGATE: top[-1] = top[-1].tag == REAL ? real(-top[-1].as.real) : integer(-top[-1].as.integer); break;
        case ADD_BYTE: top[-1].as.integer += (int8_t)*pc++; break;
        case SUBTRACT_BYTE: top[-1].as.integer -= (int8_t)*pc++; break;
        case INCREMENT: locals[*pc++].as.integer++; break;
        case DECREMENT: locals[*pc++].as.integer--; break;
        case BIT_AND: BITS(x & y)
        case BIT_OR: BITS(x | y)
        case BIT_XOR: BITS(x ^ y)
        case BIT_NOT: top[-1].as.integer = ~top[-1].as.integer; break;
        case SHIFT_LEFT: BITS(x << (y & 63))
        case SHIFT_RIGHT: BITS(x >> (y & 63))
        case ROTATE: BITS(x << (y & 63) | x >> (-y & 63))
        case EQUAL: COMPARISON(==)
        case NOT_EQUAL: COMPARISON(!=)
        case LESS: COMPARISON(<)
        case LESS_EQUAL: COMPARISON(<=)
        case MORE: COMPARISON(>)
        case MORE_EQUAL: COMPARISON(>=)
        case NOT: top[-1] = boolean(!is_true(top[-1])); break;
        case IS_NIL: top[-1] = boolean(top[-1].tag == NIL); break;
        case TYPE_OF: top[-1] = integer(top[-1].tag); break;
        case JUMP: pc += pc[0]; break;
        case JUMP_BACK: pc -= pc[0]; break;
        case JUMP_IF: pc += is_true(*--top) ? pc[0] : 1; break;
        case JUMP_UNLESS: pc += is_true(*--top) ? 1 : pc[0]; break;
        case JUMP_IF_LESS: top -= 2; pc += number(top[0]) < number(top[1]) ? pc[0] : 1; break;
        case JUMP_UNLESS_LESS:
            top -= 2;
            if (top[0].tag == INTEGER && top[1].tag == INTEGER)
                pc += top[0].as.integer < top[1].as.integer ? 1 : pc[0];
            else
                pc += number(top[0]) < number(top[1]) ? 1 : pc[0];
            break;
        case JUMP_IF_ZERO: top--; pc += top->as.integer == 0 ? pc[0] : 1; break;
        case AND_THEN: if (is_true(top[-1])) { top--; pc++; } else { pc += pc[0]; } break;
        case OR_ELSE: if (is_true(top[-1])) { pc += pc[0]; } else { top--; pc++; } break;
        case NEW_ARRAY: {
            uint32_t length = (uint32_t)top[-1].as.integer;
            if (heap_used + length > HEAP)
                return -1;
            top[-1] = (Value){.tag = ARRAY, .extra = length, .as.integer = heap_used};
            heap_used += length;
            break;
        }
        case GET_AT: {
            uint64_t index = (uint64_t)(--top)->as.integer;
            if (top[-1].tag != ARRAY || index >= top[-1].extra)
                return -2;
            top[-1] = heap[(uint64_t)top[-1].as.integer + index];
            break;
        }
        case SET_AT: {
            top -= 3;
            uint64_t index = (uint64_t)top[1].as.integer;
            if (top[0].tag != ARRAY || index >= top[0].extra)
                return -3;
            heap[(uint64_t)top[0].as.integer + index] = top[2];
            break;
        }
        case LENGTH_OF: top[-1] = integer(top[-1].extra); break;
        case FILL: {
            Value value = *--top;
            for (uint32_t i = 0; i < top[-1].extra; i++)
                heap[(uint64_t)top[-1].as.integer + i] = value;
            break;
        }
        case CALL_VALUE:
        case CALL: {
            int callee = pc[-1] == CALL ? *pc++ : (int)(--top)->as.integer;
            if (frame == frames + FRAMES - 1 || top > stack + STACK - 64)
                return -4;
            frame->back = pc;
            frame->locals = locals;
            frame++;
            locals = top - functions[callee].parameters;
            top = locals + functions[callee].locals;
            pc = code + functions[callee].start;
            break;
        }
        case RETURN: {
            Value result = top[-1];
            frame--;
            top = locals;
            *top++ = result;
            pc = frame->back;
            locals = frame->locals;
            break;
        }
        case RETURN_NIL:
            frame--;
            top = locals;
            *top++ = (Value){.tag = NIL};
            pc = frame->back;
            locals = frame->locals;
            break;
        case TO_REAL: top[-1] = real(number(top[-1])); break;
        case TO_INTEGER: top[-1] = integer((int64_t)number(top[-1])); break;
        case SQUARE_ROOT: top[-1] = real(__builtin_sqrt(number(top[-1]))); break;
        case MINIMUM: { Value b = *--top; if (number(b) < number(top[-1])) top[-1] = b; break; }
        case MAXIMUM: { Value b = *--top; if (number(b) > number(top[-1])) top[-1] = b; break; }
        case HALT: return top[-1].as.integer;
        default: return -5;
        }
    }
}

// --- The program ----------------------------------------------------------------------------------

static int end;

static void put(int byte) { code[end++] = (uint8_t)byte; }
#define EMIT(...)                                                                          \
    do {                                                                                   \
        const int bytes[] = {__VA_ARGS__};                                                 \
        for (unsigned i = 0; i < sizeof bytes / sizeof *bytes; i++)                        \
            put(bytes[i]);                                                                 \
    } while (0)

static void begin(int function, int parameters, int locals) {
    functions[function].start = (uint16_t)end;
    functions[function].parameters = (uint8_t)parameters;
    functions[function].locals = (uint8_t)locals;
}
// A jump ahead to a place that is not known yet, and the place. A jump back to one that is.
static int jump(int op) { put(op); put(0); return end - 1; }
static void land(int from) { code[from] = (uint8_t)(end - from); }
static void jump_back(int to) { put(JUMP_BACK); put(end - to); }

enum { MAIN, FIB, SIEVE, HASH, NORM };

static void assemble(void) {
    end = 0;
    // fib(x) = x < 2 ? x : fib(x - 1) + fib(x - 2)
    begin(FIB, 1, 1);
    EMIT(GET_0, PUSH_2);
    int large = jump(JUMP_UNLESS_LESS);
    EMIT(GET_0, RETURN);
    land(large);
    EMIT(GET_0, SUBTRACT_BYTE, 1, CALL, FIB, GET_0, SUBTRACT_BYTE, 2, CALL, FIB, ADD, RETURN);

    // sieve(array): the number of primes below its length. Locals: 1 a number, 2 a multiple, 3 the count.
    begin(SIEVE, 1, 4);
    EMIT(GET_0, PUSH_TRUE, FILL, POP, PUSH_2, SET_1, PUSH_0, SET_3);
    int next = end;
    EMIT(GET_1, GET_0, LENGTH_OF);
    int done = jump(JUMP_UNLESS_LESS);
    EMIT(GET_0, GET_1, GET_AT);
    int composite = jump(JUMP_UNLESS);
    EMIT(INCREMENT, 3, GET_1, GET_1, MULTIPLY, SET_2);
    int cross = end;
    EMIT(GET_2, GET_0, LENGTH_OF);
    int crossed = jump(JUMP_UNLESS_LESS);
    EMIT(GET_0, GET_2, PUSH_FALSE, SET_AT, GET_2, GET_1, ADD, SET_2);
    jump_back(cross);
    land(crossed);
    land(composite);
    EMIT(INCREMENT, 1);
    jump_back(next);
    land(done);
    EMIT(GET_3, RETURN);

    // hash(array, seed): fills the array with numbers and mixes them. Locals: 2 an index, 3 the hash.
    begin(HASH, 2, 4);
    EMIT(PUSH_0, SET_2, GET_1, SET_3);
    next = end;
    EMIT(GET_2, GET_0, LENGTH_OF);
    done = jump(JUMP_UNLESS_LESS);
    EMIT(GET_0, GET_2, GET_3, PUSH_WORD, 0x6d, 0x4e, MULTIPLY, PUSH_BYTE, 57, ADD, DUP, SET_3, SET_AT);
    EMIT(GET_3, GET_0, GET_2, GET_AT, PUSH_BYTE, 13, ROTATE, BIT_XOR, SET_3);
    EMIT(GET_2, PUSH_BYTE, 7, BIT_AND);
    int skip = jump(JUMP_IF_ZERO);
    EMIT(GET_3, GET_2, GET_GLOBAL, 1, MAXIMUM, BIT_XOR, SET_3);
    land(skip);
    EMIT(INCREMENT, 2);
    jump_back(next);
    land(done);
    EMIT(GET_3, RETURN);

    // norm(count): the root of a sum of squares of halves. Locals: 1 an index, 2 the sum.
    begin(NORM, 1, 3);
    EMIT(PUSH_0, SET_1, PUSH_REAL, 0, 1, SET_2);
    next = end;
    EMIT(GET_1, GET_0);
    done = jump(JUMP_UNLESS_LESS);
    EMIT(GET_1, PUSH_REAL, 128, 0, MULTIPLY, DUP, MULTIPLY, GET_2, ADD, SET_2, INCREMENT, 1);
    jump_back(next);
    land(done);
    EMIT(GET_2, SQUARE_ROOT, TO_INTEGER, RETURN);

    // main: all of them. Global 0 is the round, 1 gathers the result.
    begin(MAIN, 0, 2);
    EMIT(PUSH_WORD, 0x00, 0x20, NEW_ARRAY, SET_0);
    EMIT(PUSH_BYTE, 19, PUSH_FUNCTION, FIB, CALL_VALUE, SET_GLOBAL, 1);
    EMIT(GET_0, CALL, SIEVE, GET_GLOBAL, 1, ADD, SET_GLOBAL, 1);
    EMIT(GET_0, GET_GLOBAL, 0, CALL, HASH, GET_GLOBAL, 1, BIT_XOR, SET_GLOBAL, 1);
    EMIT(PUSH_WORD, 0x00, 0x10, CALL, NORM, GET_GLOBAL, 1, ADD, HALT);
}

int64_t run(int32_t n) {
    assemble();
    uint64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        heap_used = 0;
        globals[0] = integer(round);
        sum = sum * 31 + (uint64_t)interpret(MAIN);
    }
    return (int64_t)sum;
}
