// Sorting of structures where they are: a heap of records of 24 bytes with keys of two parts; n rounds over 64 thousand.

#include <stdint.h>

enum { LENGTH = 1 << 16 };

typedef struct {
    uint32_t group;
    int32_t weight;
    uint64_t content[2];
} Record;

static Record records[LENGTH];

static int before(const Record *a, const Record *b) {
    return a->group != b->group ? a->group < b->group : a->weight < b->weight;
}

static void sink(int32_t at, int32_t length) {
    Record moved = records[at];
    for (;;) {
        int32_t child = 2 * at + 1;
        if (child >= length)
            break;
        if (child + 1 < length && before(&records[child], &records[child + 1]))
            child++;
        if (!before(&moved, &records[child]))
            break;
        records[at] = records[child];
        at = child;
    }
    records[at] = moved;
}

int64_t run(int32_t n) {
    uint32_t seed = 17;
    uint64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        for (int32_t i = 0; i < LENGTH; i++) {
            seed = seed * 1664525 + 1013904223;
            records[i] = (Record){seed >> 24, (int32_t)(seed * 31), {seed, (uint64_t)seed * seed}};
        }
        for (int32_t i = LENGTH / 2 - 1; i >= 0; i--)
            sink(i, LENGTH);
        for (int32_t last = LENGTH - 1; last > 0; last--) {
            Record largest = records[0];
            records[0] = records[last];
            records[last] = largest;
            sink(0, last);
        }
        for (int32_t i = 1; i < LENGTH; i++) {
            if (before(&records[i], &records[i - 1]))
                return -1;
            sum = sum * 31 + records[i].content[1];
        }
    }
    return (int64_t)sum;
}
