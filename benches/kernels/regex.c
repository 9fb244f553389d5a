// Regular expressions: compiled to a program of a machine, and matched in two ways, by trying and by threads in step; n rounds
// over 16 KiB of made-up lines.

#include <stdint.h>

enum { TEXT = 1 << 14, PROGRAM = 128 };
static char text[TEXT];

typedef enum { BYTE, ANY, CLASS, SPLIT, JUMP, FIRST, LAST, MATCH } Op;
typedef struct {
    uint8_t op, byte;
    int16_t x, y; // Where to go on; of a class, its number.
} Step;

static Step program[PROGRAM];
static uint32_t classes[16][8];
static int length, class_count;
static const char *pattern;

static int emit(Op op, int byte, int x, int y) {
    program[length] = (Step){(uint8_t)op, (uint8_t)byte, (int16_t)x, (int16_t)y};
    return length++;
}

// Makes room for a step at a place, and moves what points behind it.
static void insert(int place, Op op, int x, int y) {
    for (int i = length; i > place; i--) {
        program[i] = program[i - 1];
        if (program[i].op == SPLIT || program[i].op == JUMP) {
            program[i].x += program[i].x >= place;
            program[i].y += program[i].op == SPLIT && program[i].y >= place;
        }
    }
    length++;
    program[place] = (Step){(uint8_t)op, 0, (int16_t)x, (int16_t)y};
}

static void parse_either(void);

static void add_range(uint32_t *set, int from, int to) {
    for (int c = from; c <= to; c++)
        set[c >> 5] |= 1u << (c & 31);
}

static void parse_class(void) {
    uint32_t *set = classes[class_count];
    for (int i = 0; i < 8; i++)
        set[i] = 0;
    int inverse = *pattern == '^';
    pattern += inverse;
    while (*pattern != ']') {
        int from = (uint8_t)*pattern++, to = from;
        if (*pattern == '-') {
            to = (uint8_t)pattern[1];
            pattern += 2;
        }
        add_range(set, from, to);
    }
    pattern++;
    if (inverse)
        for (int i = 0; i < 8; i++)
            set[i] = ~set[i];
    emit(CLASS, 0, class_count++, 0);
}

static void parse_one(void) {
    char c = *pattern++;
    switch (c) {
    case '(':
        parse_either();
        pattern++;
        break;
    case '[': parse_class(); break;
    case '.': emit(ANY, 0, 0, 0); break;
    case '^': emit(FIRST, 0, 0, 0); break;
    case '$': emit(LAST, 0, 0, 0); break;
    case '\\': emit(BYTE, *pattern++, 0, 0); break;
    default: emit(BYTE, c, 0, 0);
    }
}

static void parse_sequence(void) {
    while (*pattern && *pattern != '|' && *pattern != ')') {
        int start = length;
        parse_one();
        switch (*pattern) {
        case '*':
            insert(start, SPLIT, start + 1, 0);
            emit(JUMP, 0, start, 0);
            program[start].y = (int16_t)length;
            pattern++;
            break;
        case '+':
            emit(SPLIT, 0, start, length + 1);
            pattern++;
            break;
        case '?':
            insert(start, SPLIT, start + 1, 0);
            program[start].y = (int16_t)length;
            pattern++;
            break;
        }
    }
}

static void parse_either(void) {
    int start = length;
    parse_sequence();
    if (*pattern == '|') {
        pattern++;
        insert(start, SPLIT, start + 1, 0);
        int jump = emit(JUMP, 0, 0, 0);
        program[start].y = (int16_t)length;
        parse_either();
        program[jump].x = (int16_t)length;
    }
}

static void compile(const char *source) {
    pattern = source;
    length = class_count = 0;
    parse_either();
    emit(MATCH, 0, 0, 0);
}

static int fits(const Step *step, char c) {
    switch (step->op) {
    case BYTE: return (uint8_t)c == step->byte;
    case ANY: return c != '\n';
    default: return classes[step->x][(uint8_t)c >> 5] >> (c & 31) & 1;
    }
}

static const char *line, *line_end;
static int32_t fuel;

// The end of a match, or NULL: tries one way after the other.
static const char *try_at(int pc, const char *at) {
    for (;;) {
        if (--fuel < 0)
            return 0;
        const Step *step = &program[pc];
        switch (step->op) {
        case MATCH: return at;
        case JUMP: pc = step->x; continue;
        case SPLIT: {
            const char *end = try_at(step->x, at);
            if (end)
                return end;
            pc = step->y;
            continue;
        }
        case FIRST:
            if (at != line)
                return 0;
            break;
        case LAST:
            if (at != line_end)
                return 0;
            break;
        default:
            if (at == line_end || !fits(step, *at))
                return 0;
            at++;
        }
        pc++;
    }
}

static int16_t threads[2][PROGRAM];
static int thread_count[2];
static uint32_t seen[PROGRAM], stamp;

static void add_thread(int list, int pc, const char *at) {
    while (seen[pc] != stamp) {
        seen[pc] = stamp;
        const Step *step = &program[pc];
        switch (step->op) {
        case JUMP: pc = step->x; break;
        case SPLIT:
            add_thread(list, step->x, at);
            pc = step->y;
            break;
        case FIRST:
            if (at != line)
                return;
            pc++;
            break;
        case LAST:
            if (at != line_end)
                return;
            pc++;
            break;
        default:
            threads[list][thread_count[list]++] = (int16_t)pc;
            return;
        }
    }
}

// Whether there is a match in the line: all ways at once.
static int in_step(void) {
    int now = 0;
    thread_count[0] = 0;
    stamp++;
    for (const char *at = line;; at++) {
        add_thread(now, 0, at);
        stamp++;
        thread_count[!now] = 0;
        for (int i = 0; i < thread_count[now]; i++) {
            const Step *step = &program[threads[now][i]];
            if (step->op == MATCH)
                return 1;
            if (at < line_end && fits(step, *at))
                add_thread(!now, threads[now][i] + 1, at + 1);
        }
        if (at == line_end)
            return 0;
        now = !now;
    }
}

int64_t run(int32_t n) {
    static const char *const patterns[] = {
        "[a-z]+@[a-z]+\\.(com|org|net)", "^(a|b|[x-z])*c", "[0-9]+-[0-9]?[0-9]", "(ab|a)(bc|c)?d*e", "q[^u]", ".*z.*y.*x$",
        "((a*)b?)+$",
    };
    static const char letters[] = "aaabbbcccdeeefghijklmnopqrstuvwxyz  0123456789--@@..";
    static const char *const pieces[] = {"joe@site.org", "abcde", "12-7", "abcdde"};
    uint32_t seed = 8;
    for (int32_t i = 0; i < TEXT; i++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t dice = seed >> 16 & 255;
        if (dice < 3 && i < TEXT - 16)
            for (const char *piece = pieces[seed >> 30]; *piece; piece++)
                text[i++] = *piece;
        text[i] = dice > 250 ? '\n' : letters[(seed >> 24) % (sizeof letters - 1)];
    }
    text[TEXT - 1] = '\n';

    uint64_t sum = 0;
    for (int32_t round = 0; round < n; round++)
        for (unsigned which = 0; which < sizeof patterns / sizeof *patterns; which++) {
            compile(patterns[which]);
            for (const char *start = text; start < text + TEXT; start = line_end + 1) {
                line = line_end = start;
                while (*line_end != '\n')
                    line_end++;
                int32_t found = -1;
                fuel = 20000;
                for (const char *from = line; from <= line_end && found < 0; from++) {
                    const char *end = try_at(0, from);
                    if (end)
                        found = (int32_t)(end - from);
                }
                // Both ways agree, unless there was too much to try.
                if (in_step() != (found >= 0) && fuel >= 0)
                    return -1;
                sum = sum * 31 + (uint64_t)(found + 1);
            }
        }
    return (int64_t)sum;
}
