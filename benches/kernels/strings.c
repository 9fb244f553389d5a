// Strings with bodies of our own for copying, measuring and comparing, a word at a time where they can: builds lines from
// words, sorts out repeated ones, and joins them; n rounds.

#include <stddef.h>
#include <stdint.h>

enum { WORDS = 512, LINES = 2048, ROOM = 1 << 18 };
static char words[WORDS][32];
static char room[ROOM], joined[ROOM];
static const char *lines[LINES];
static const char empty[8];

// The compiler must neither replace these by what a C library has, nor spread them over their callers.
#define OURS __attribute__((noinline, no_builtin))

static uint64_t load(const void *at) {
    uint64_t value;
    __builtin_memcpy(&value, at, 8);
    return value;
}

static void store(void *at, uint64_t value) { __builtin_memcpy(at, &value, 8); }

OURS static void copy(char *to, const char *from, size_t length) {
    for (; length >= 16; to += 16, from += 16, length -= 16) {
        uint64_t a = load(from), b = load(from + 8);
        store(to, a);
        store(to + 8, b);
    }
    if (length >= 8) {
        store(to, load(from));
        to += 8, from += 8, length -= 8;
    }
    while (length--)
        *to++ = *from++;
}

// What is measured lies in arrays that end more than 8 bytes later.
OURS static size_t length_of(const char *text) {
    const char *at = text;
    for (;; at += 8) {
        uint64_t word = load(at);
        uint64_t zeros = (word - 0x0101010101010101u) & ~word & 0x8080808080808080u;
        if (zeros)
            return (size_t)(at - text) + (size_t)__builtin_ctzll(zeros) / 8;
    }
}

OURS static int compare(const char *a, const char *b, size_t length) {
    for (; length >= 8 && load(a) == load(b); a += 8, b += 8)
        length -= 8;
    for (; length; a++, b++, length--)
        if (*a != *b)
            return (uint8_t)*a < (uint8_t)*b ? -1 : 1;
    return 0;
}

OURS static const char *find_byte(const char *text, char byte) {
    while (*text && *text != byte)
        text++;
    return *text ? text : 0;
}

static void make_words(void) {
    uint32_t seed = 31;
    for (int32_t i = 0; i < WORDS; i++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t length = 1 + (seed >> 24) % 24;
        for (uint32_t j = 0; j < length; j++) {
            seed = seed * 1664525 + 1013904223;
            words[i][j] = (char)('a' + (seed >> 24) % 26);
        }
        words[i][length] = 0;
    }
}

int64_t run(int32_t n) {
    make_words();
    uint32_t seed = 77;
    uint64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        char *at = room;
        int32_t count = 0;
        while (count < LINES && at < room + ROOM - 256) {
            char *line = at;
            // Lines repeat, as those of logs do.
            uint32_t parts = 1 + (seed >> 28) % 6;
            for (uint32_t part = 0; part < parts; part++) {
                seed = seed * 1664525 + 1013904223;
                const char *word = words[(seed >> 20) % WORDS];
                size_t length = length_of(word);
                copy(at, word, length);
                at += length;
                *at++ = part + 1 < parts ? ' ' : 0;
            }
            const char *before = count ? lines[count - 1] : empty;
            size_t length = (size_t)(at - line) - 1;
            if (length_of(before) == length && compare(before, line, length) == 0)
                at = line;
            else
                lines[count++] = line;
        }

        // In order, by an insertion with steps of halves.
        for (int32_t i = 1; i < count && i < 400; i++) {
            const char *line = lines[i];
            int32_t low = 0, high = i;
            while (low < high) {
                int32_t middle = (low + high) / 2;
                if (compare(lines[middle], line, length_of(line) + 1) <= 0)
                    low = middle + 1;
                else
                    high = middle;
            }
            for (int32_t j = i; j > low; j--)
                lines[j] = lines[j - 1];
            lines[low] = line;
        }

        size_t end = 0;
        for (int32_t i = 0; i < count; i++) {
            const char *space = find_byte(lines[i], ' ');
            size_t length = space ? (size_t)(space - lines[i]) : length_of(lines[i]);
            copy(joined + end, lines[i], length);
            end += length;
            joined[end++] = '\n';
        }
        sum = sum * 31 + end;
        for (size_t i = 0; i < end; i += 61)
            sum += (uint8_t)joined[i];
    }
    return (int64_t)sum;
}
