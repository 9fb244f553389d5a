// Codes of few bits for frequent bytes: counts, builds a tree with a heap, gives out codes by length, writes and reads a stream of
// bits; n rounds over 128 KiB.

#include <stdint.h>

enum { LENGTH = 1 << 17, SYMBOLS = 256, LONGEST = 32, TABLE_BITS = 9 };
static uint8_t plain[LENGTH], packed[LENGTH + 64], again[LENGTH];
static uint32_t counts[2 * SYMBOLS], codes[SYMBOLS];
static int32_t parent[2 * SYMBOLS], heap[SYMBOLS], heap_size;
static uint8_t lengths[SYMBOLS];

static int before(int32_t a, int32_t b) { return counts[a] != counts[b] ? counts[a] < counts[b] : a < b; }

static void push(int32_t node) {
    int32_t at = heap_size++;
    while (at > 0 && before(node, heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = node;
}

static int32_t pop(void) {
    int32_t least = heap[0], last = heap[--heap_size], at = 0;
    for (int32_t child; (child = 2 * at + 1) < heap_size; at = child) {
        if (child + 1 < heap_size && before(heap[child + 1], heap[child]))
            child++;
        if (!before(heap[child], last))
            break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return least;
}

static int32_t first_code[LONGEST + 2], first_index[LONGEST + 2];
static uint8_t by_code[SYMBOLS];

static int make_codes(void) {
    for (int i = 0; i < SYMBOLS; i++)
        counts[i] = 0;
    for (int32_t i = 0; i < LENGTH; i++)
        counts[plain[i]]++;
    heap_size = 0;
    for (int32_t i = 0; i < SYMBOLS; i++) {
        lengths[i] = 0;
        if (counts[i])
            push(i);
    }
    int32_t next = SYMBOLS;
    while (heap_size > 1) {
        int32_t a = pop(), b = pop();
        counts[next] = counts[a] + counts[b];
        parent[a] = parent[b] = next;
        push(next++);
    }
    int32_t root = next - 1, of_length[LONGEST + 2] = {0};
    for (int32_t i = 0; i < SYMBOLS; i++) {
        if (!counts[i])
            continue;
        for (int32_t node = i; node != root; node = parent[node])
            lengths[i]++;
        if (lengths[i] > LONGEST)
            return 0;
        of_length[lengths[i]]++;
    }
    // Codes of one length follow each other, in the order of their bytes.
    int32_t code = 0, index = 0;
    for (int length = 1; length <= LONGEST; length++) {
        code <<= 1;
        first_code[length] = code;
        first_index[length] = index;
        for (int32_t i = 0; i < SYMBOLS; i++)
            if (lengths[i] == length) {
                codes[i] = (uint32_t)code++;
                by_code[index++] = (uint8_t)i;
            }
    }
    first_index[LONGEST + 1] = index;
    return 1;
}

static int32_t encode(void) {
    uint64_t bits = 0;
    int filled = 0;
    uint8_t *out = packed;
    for (int32_t i = 0; i < LENGTH; i++) {
        uint8_t byte = plain[i];
        bits = bits << lengths[byte] | codes[byte];
        filled += lengths[byte];
        for (; filled >= 8; filled -= 8)
            *out++ = (uint8_t)(bits >> (filled - 8));
    }
    *out++ = (uint8_t)(bits << (8 - filled));
    for (int i = 0; i < 8; i++)
        *out++ = 0;
    return (int32_t)(out - packed);
}

static struct {
    uint8_t byte, length;
} quick[1 << TABLE_BITS];

static void decode(void) {
    // What begins with a short code is looked up.
    for (int i = 0; i < 1 << TABLE_BITS; i++)
        quick[i].length = 0;
    for (uint32_t i = 0; i < SYMBOLS; i++)
        if (lengths[i] && lengths[i] <= TABLE_BITS) {
            uint32_t rest = TABLE_BITS - lengths[i];
            for (uint32_t tail = 0; tail < 1u << rest; tail++) {
                quick[codes[i] << rest | tail].byte = (uint8_t)i;
                quick[codes[i] << rest | tail].length = lengths[i];
            }
        }
    const uint8_t *in = packed;
    uint64_t bits = 0;
    int filled = 0;
    for (int32_t i = 0; i < LENGTH; i++) {
        while (filled <= 40) {
            bits = bits << 8 | *in++;
            filled += 8;
        }
        uint32_t window = (uint32_t)(bits >> (filled - TABLE_BITS)) & ((1 << TABLE_BITS) - 1);
        int length = quick[window].length;
        if (length) {
            again[i] = quick[window].byte;
        } else {
            for (length = TABLE_BITS + 1;; length++) {
                int32_t code = (int32_t)(bits >> (filled - length) & ((1ull << length) - 1));
                int32_t index = code - first_code[length] + first_index[length];
                if (code >= first_code[length] && index < first_index[length + 1]) {
                    again[i] = by_code[index];
                    break;
                }
            }
        }
        filled -= length;
    }
}

int64_t run(int32_t n) {
    uint32_t seed = 37;
    for (int32_t i = 0; i < LENGTH; i++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t a = seed >> 24, b = seed >> 16 & 255, c = seed >> 8 & 255;
        plain[i] = (uint8_t)(a * b * c >> 17);
    }
    uint64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        plain[(round * 127) % LENGTH]++;
        if (!make_codes())
            return -1;
        int32_t length = encode();
        decode();
        for (int32_t i = 0; i < LENGTH; i++)
            if (plain[i] != again[i])
                return -2;
        sum = sum * 31 + (uint64_t)length;
    }
    return (int64_t)sum;
}
