// A parser by recursion: makes a tree of a document of JSON, walks it, and writes it again; n rounds over about 64 KiB.

#include <stdint.h>

enum { TEXT = 1 << 17, NODES = 1 << 15, ITEMS = 400 };
static char text[TEXT], written[TEXT], names[TEXT];

typedef enum { NONE, NO, YES, NUMBER, STRING, LIST, OBJECT } Kind;

// Links are indices, so that they are as large on every machine. Children of a list or an object are chained.
typedef struct {
    uint32_t kind, first, next;
    uint32_t name, name_length;
    uint32_t start, length;
    double number;
} Node;

static Node nodes[NODES];
static uint32_t node_count, name_end;
static const char *at;
static int failed;

static void skip_blanks(void) {
    while (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')
        at++;
}

static int expect(char what) {
    skip_blanks();
    if (*at == what) {
        at++;
        return 1;
    }
    failed = 1;
    return 0;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    failed = 1;
    return 0;
}

static void parse_string(uint32_t *start, uint32_t *length) {
    *start = name_end;
    if (!expect('"'))
        return;
    while (*at != '"') {
        char c = *at++;
        if (c == 0) {
            failed = 1;
            return;
        }
        if (c == '\\') {
            switch (c = *at++) {
            case 'n': c = '\n'; break;
            case 't': c = '\t'; break;
            case '"': case '\\': case '/': break;
            case 'u': {
                int code = 0;
                for (int i = 0; i < 4; i++)
                    code = code * 16 + hex_digit(*at++);
                if (code >= 0x800) {
                    names[name_end++] = (char)(0xe0 | code >> 12);
                    names[name_end++] = (char)(0x80 | (code >> 6 & 63));
                } else if (code >= 0x80) {
                    names[name_end++] = (char)(0xc0 | code >> 6);
                }
                c = (char)(code >= 0x80 ? 0x80 | (code & 63) : code);
                break;
            }
            default: failed = 1;
            }
        }
        names[name_end++] = c;
    }
    at++;
    *length = name_end - *start;
}

static double parse_number(void) {
    int negative = *at == '-';
    at += negative;
    double value = 0, scale = 1;
    if (!(*at >= '0' && *at <= '9'))
        failed = 1;
    while (*at >= '0' && *at <= '9')
        value = value * 10 + (*at++ - '0');
    if (*at == '.')
        for (at++; *at >= '0' && *at <= '9'; at++) {
            value = value * 10 + (*at - '0');
            scale *= 10;
        }
    value /= scale;
    if (*at == 'e') {
        int down = *++at == '-', exponent = 0;
        for (at += down; *at >= '0' && *at <= '9'; at++)
            exponent = exponent * 10 + (*at - '0');
        while (exponent-- > 0)
            value = down ? value / 10 : value * 10;
    }
    return negative ? -value : value;
}

static int word(const char *expected) {
    for (; *expected; expected++, at++)
        if (*at != *expected) {
            failed = 1;
            return 0;
        }
    return 1;
}

static uint32_t parse(int depth) {
    uint32_t index = node_count++;
    if (index >= NODES - 1 || depth > 60) {
        failed = 1;
        return 0;
    }
    Node *node = &nodes[index];
    *node = (Node){0};
    skip_blanks();
    switch (*at) {
    case '{':
    case '[': {
        char close = *at == '{' ? '}' : ']';
        node->kind = *at == '{' ? OBJECT : LIST;
        at++;
        uint32_t *link = &node->first;
        skip_blanks();
        if (*at == close) {
            at++;
            break;
        }
        do {
            uint32_t name = 0, length = 0;
            if (close == '}') {
                parse_string(&name, &length);
                expect(':');
            }
            uint32_t child = parse(depth + 1);
            nodes[child].name = name;
            nodes[child].name_length = length;
            *link = child;
            link = &nodes[child].next;
            skip_blanks();
        } while (!failed && *at == ',' && at++);
        expect(close);
        break;
    }
    case '"': node->kind = STRING; parse_string(&node->start, &node->length); break;
    case 't': node->kind = YES; word("true"); break;
    case 'f': node->kind = NO; word("false"); break;
    case 'n': node->kind = NONE; word("null"); break;
    default: node->kind = NUMBER; node->number = parse_number();
    }
    return index;
}

static uint32_t out;

static void put(const char *what) {
    while (*what)
        written[out++] = *what++;
}

static void put_string(uint32_t start, uint32_t length) {
    written[out++] = '"';
    for (uint32_t i = start; i < start + length; i++) {
        char c = names[i];
        if (c == '"' || c == '\\')
            written[out++] = '\\';
        written[out++] = c == '\n' ? ' ' : c;
    }
    written[out++] = '"';
}

static void put_number(double number) {
    int64_t value = (int64_t)(number * 1000);
    char digits[24];
    int count = 0;
    if (value < 0) {
        written[out++] = '-';
        value = -value;
    }
    do
        digits[count++] = (char)('0' + value % 10);
    while (value /= 10);
    while (count)
        written[out++] = digits[--count];
}

static double write(uint32_t index) {
    const Node *node = &nodes[index];
    double sum = node->number;
    switch (node->kind) {
    case NONE: put("null"); break;
    case NO: put("false"); break;
    case YES: put("true"); break;
    case NUMBER: put_number(node->number); break;
    case STRING: put_string(node->start, node->length); break;
    default:
        put(node->kind == LIST ? "[" : "{");
        for (uint32_t child = node->first; child; child = nodes[child].next) {
            if (node->kind == OBJECT) {
                put_string(nodes[child].name, nodes[child].name_length);
                put(":");
            }
            sum += write(child);
            if (nodes[child].next)
                put(",");
        }
        put(node->kind == LIST ? "]" : "}");
    }
    return sum;
}

static uint32_t length;

static void say(const char *what) {
    while (*what)
        text[length++] = *what++;
}

static void say_number(uint32_t number) {
    char digits[12];
    int count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    while (count)
        text[length++] = digits[--count];
}

static void make_document(void) {
    static const char *const towns[] = {"Aachen", "Z\\u00fcrich", "Graz", "Malm\\u00f6", "\\u0141\\u00f3d\\u017a", "Ghent"};
    uint32_t seed = 41;
    length = 0;
    say("{\n  \"version\": 3,\n  \"items\": [\n");
    for (int i = 0; i < ITEMS; i++) {
        seed = seed * 1664525 + 1013904223;
        say("    {\"id\": ");
        say_number((uint32_t)i);
        say(", \"town\": \"");
        say(towns[(seed >> 24) % 6]);
        say("\", \"position\": [");
        say_number(seed >> 26);
        say(".");
        say_number(seed >> 12 & 8191);
        say(", -");
        say_number(seed >> 25);
        say("e-1, 1.5e2], \"open\": ");
        say(seed & 1024 ? "true" : "false");
        say(", \"note\": ");
        say(seed & 4096 ? "null" : "\"a \\\"quoted\\\" line\\nand another \\\\ one\"");
        say(", \"tags\": [");
        for (uint32_t tag = 0; tag < (seed >> 20 & 3); tag++) {
            say(tag ? ", " : "");
            say("\"tag ");
            say_number(seed >> (4 * tag) & 255);
            say("\"");
        }
        say("], \"extra\": {}}");
        say(i + 1 < ITEMS ? ",\n" : "\n");
    }
    say("  ]\n}\n");
    text[length] = 0;
}

int64_t run(int32_t n) {
    make_document();
    double total = 0;
    uint64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        node_count = name_end = out = 0;
        at = text;
        failed = 0;
        uint32_t root = parse(0);
        if (failed)
            return -1;
        total += write(root);
        sum = sum * 31 + out;
    }
    for (uint32_t i = 0; i < out; i++)
        sum = sum * 31 + (uint8_t)written[i];
    return (int64_t)(sum ^ (uint64_t)(int64_t)total);
}
