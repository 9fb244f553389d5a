// A hash table of text keys with open addressing that grows and forgets: n rounds of counting made-up words.

#include <stdint.h>

enum { TEXT = 1 << 18, LARGEST = 1 << 16 };
static char text[TEXT];

typedef struct {
    uint32_t hash, start, length;
    uint32_t count; // 0: free, or left by a removal if its hash is not 0.
} Entry;

static Entry stores[2][LARGEST];
static Entry *entries;
static uint32_t capacity, taken, live;

static uint32_t hash_of(const char *key, uint32_t length) {
    uint32_t hash = 2166136261u;
    for (uint32_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)key[i]) * 16777619u;
    hash ^= hash >> 15;
    return hash ? hash : 1;
}

static int same(const char *a, const char *b, uint32_t length) {
    for (uint32_t i = 0; i < length; i++)
        if (a[i] != b[i])
            return 0;
    return 1;
}

static Entry *find(uint32_t start, uint32_t length, uint32_t hash) {
    Entry *left_over = 0;
    for (uint32_t at = hash & (capacity - 1), step = 1;; at = (at + step++) & (capacity - 1)) {
        Entry *entry = &entries[at];
        if (entry->count == 0) {
            if (entry->hash == 0)
                return left_over ? left_over : entry;
            if (!left_over)
                left_over = entry;
        } else if (entry->hash == hash && entry->length == length && same(text + entry->start, text + start, length)) {
            return entry;
        }
    }
}

static void grow(uint32_t to) {
    Entry *old = entries;
    uint32_t old_capacity = capacity;
    entries = entries == stores[0] ? stores[1] : stores[0];
    capacity = to;
    for (uint32_t i = 0; i < capacity; i++)
        entries[i] = (Entry){0};
    for (uint32_t i = 0; i < old_capacity; i++)
        if (old[i].count)
            *find(old[i].start, old[i].length, old[i].hash) = old[i];
    taken = live;
}

static void add(uint32_t start, uint32_t length) {
    uint32_t hash = hash_of(text + start, length);
    Entry *entry = find(start, length, hash);
    if (entry->count) {
        entry->count++;
        return;
    }
    taken += entry->hash == 0;
    live++;
    *entry = (Entry){hash, start, length, 1};
    if (taken * 4 > capacity * 3)
        grow(live * 2 > capacity && capacity < LARGEST ? capacity * 2 : capacity);
}

static void take_away(uint32_t start, uint32_t length) {
    Entry *entry = find(start, length, hash_of(text + start, length));
    if (entry->count && --entry->count == 0)
        live--;
}

int64_t run(int32_t n) {
    uint32_t seed = 5;
    for (int32_t i = 0; i < TEXT; i++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t dice = seed >> 24;
        text[i] = dice < 50 ? ' ' : (char)('a' + dice % 7 + (dice > 240 ? 12 : 0));
    }
    text[TEXT - 1] = ' ';

    uint64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        entries = stores[0];
        capacity = taken = live = 0;
        grow(64);
        uint32_t start = 0, words = 0;
        for (uint32_t i = 0; i < TEXT; i++) {
            if (text[i] != ' ')
                continue;
            if (i > start) {
                add(start, i - start);
                // Every third word is taken away again, later.
                if (++words % 3 == 0 && i - start < 5)
                    take_away(start, i - start);
            }
            start = i + 1;
        }
        for (uint32_t i = 0; i < capacity; i++)
            if (entries[i].count)
                sum += (uint64_t)entries[i].hash * entries[i].count + entries[i].length;
        sum = sum * 31 + live;
    }
    return (int64_t)sum;
}
