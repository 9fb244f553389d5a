// Calls through tables of functions: a machine of states that reads made-up text, and a chain of filters for every number; n
// rounds over 64 KiB.

#include <stdint.h>

enum { LENGTH = 1 << 16 };
static uint8_t text[LENGTH];

typedef struct Machine Machine;
// Takes a byte, and gives the number of the next state.
typedef uint32_t State(Machine *, uint8_t);

struct Machine {
    uint64_t words, numbers, comments, strings, others;
    uint64_t value;
};

enum { BETWEEN, WORD, NUMBER, STRING, ESCAPE, COMMENT, STATES };

static uint32_t between(Machine *m, uint8_t byte) {
    if (byte >= 'a' && byte <= 'z') {
        m->words++;
        return WORD;
    }
    if (byte >= '0' && byte <= '9') {
        m->value = byte - '0';
        return NUMBER;
    }
    if (byte == '"')
        return STRING;
    if (byte == '#')
        return COMMENT;
    m->others += byte != ' ';
    return BETWEEN;
}

static uint32_t word(Machine *m, uint8_t byte) {
    if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9')) {
        m->words += byte == 'e';
        return WORD;
    }
    return between(m, byte);
}

static uint32_t number(Machine *m, uint8_t byte) {
    if (byte >= '0' && byte <= '9') {
        m->value = m->value * 10 + byte - '0';
        return NUMBER;
    }
    m->numbers += m->value;
    return between(m, byte);
}

static uint32_t string(Machine *m, uint8_t byte) {
    if (byte == '"') {
        m->strings++;
        return BETWEEN;
    }
    return byte == '\\' ? ESCAPE : STRING;
}

static uint32_t escape(Machine *m, uint8_t byte) {
    m->others += byte;
    return STRING;
}

static uint32_t comment(Machine *m, uint8_t byte) {
    m->comments++;
    return byte == '\n' ? BETWEEN : COMMENT;
}

static State *const states[STATES] = {between, word, number, string, escape, comment};

typedef uint32_t Filter(uint32_t);

static uint32_t double_it(uint32_t x) { return x << 1 | x >> 31; }
static uint32_t flip(uint32_t x) { return ~x; }
static uint32_t spread(uint32_t x) { return x * 2654435761u; }
static uint32_t fold(uint32_t x) { return x ^ x >> 15; }
static uint32_t nudge(uint32_t x) { return x + 12345; }
static uint32_t trim(uint32_t x) { return x & 0x00ffffff; }
static uint32_t swap(uint32_t x) { return x << 16 | x >> 16; }
static uint32_t leave(uint32_t x) { return x; }

static Filter *const filters[8] = {double_it, flip, spread, fold, nudge, trim, swap, leave};

int64_t run(int32_t n) {
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz etaoin 0123456789 0123  \"\"\\#\n\n.,;+-";
    uint32_t seed = 99;
    for (int32_t i = 0; i < LENGTH; i++) {
        seed = seed * 1664525 + 1013904223;
        text[i] = (uint8_t)alphabet[(seed >> 16) % (sizeof alphabet - 1)];
    }

    Machine machine = {0};
    uint32_t state = BETWEEN, x = 1;
    for (int32_t round = 0; round < n; round++) {
        for (int32_t i = 0; i < LENGTH; i++)
            state = states[state](&machine, text[i]);
        for (int32_t i = 0; i < LENGTH; i++)
            x = filters[(x >> 5 ^ text[i]) & 7](x) + (uint32_t)i;
    }
    uint64_t sum = machine.words + machine.numbers * 3 + machine.comments * 5 + machine.strings * 7 + machine.others * 11;
    return (int64_t)(sum * 31 + x);
}
