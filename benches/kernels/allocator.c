// An allocator with free lists by size, splitting and joining of neighbours, under lists and queues that come and go: n
// thousand steps.

#include <stddef.h>
#include <stdint.h>

enum { UNITS = 1 << 18, CLASSES = 32, LISTS = 64 };

// A block begins with its header, and is of so many units. A free block holds its neighbours in the list of its class.
// All links are indices of units, so that they are as large on every machine.
typedef struct {
    uint32_t size;     // In units, with the header.
    uint32_t previous; // The size of the block before it, in memory.
    uint32_t used;
    uint32_t padding;
} Header;

typedef union {
    Header header;
    struct {
        uint32_t next, before;
    } links;
    uint64_t words[2];
} Unit;

static Unit units[UNITS];
static uint32_t first[CLASSES]; // 0: none, which is why unit 0 is not in use.
static uint32_t filled;         // A bit for each class with blocks in it.

static int class_of(uint32_t size) {
    if (size < 16)
        return (int)size;
    int top = 31 - __builtin_clz(size);
    int at = 16 + (top - 4) * 2 + (int)(size >> (top - 1) & 1);
    return at < CLASSES ? at : CLASSES - 1;
}

static void put_into_list(uint32_t block) {
    int class = class_of(units[block].header.size);
    uint32_t next = first[class];
    units[block].header.used = 0;
    units[block + 1].links.next = next;
    units[block + 1].links.before = 0;
    if (next)
        units[next + 1].links.before = block;
    first[class] = block;
    filled |= 1u << class;
}

static void take_from_list(uint32_t block) {
    int class = class_of(units[block].header.size);
    uint32_t next = units[block + 1].links.next, before = units[block + 1].links.before;
    if (next)
        units[next + 1].links.before = before;
    if (before)
        units[before + 1].links.next = next;
    else if (!(first[class] = next))
        filled &= ~(1u << class);
}

static void set_size(uint32_t block, uint32_t size) {
    units[block].header.size = size;
    if (block + size < UNITS)
        units[block + size].header.previous = size;
}

static void reset(void) {
    for (int i = 0; i < CLASSES; i++)
        first[i] = 0;
    filled = 0;
    units[1].header.previous = 0;
    set_size(1, UNITS - 1);
    put_into_list(1);
}

// Gives the first unit of the content, or 0.
static uint32_t allocate(uint32_t bytes) {
    uint32_t size = 1 + (bytes + sizeof(Unit) - 1) / sizeof(Unit);
    if (size < 2)
        size = 2;
    int class = class_of(size);
    uint32_t block = 0;
    // In its own class a block may be too small.
    for (uint32_t at = first[class]; at; at = units[at + 1].links.next)
        if (units[at].header.size >= size) {
            block = at;
            break;
        }
    if (!block) {
        uint32_t larger = class < 31 ? filled & ~0u << (class + 1) : 0;
        if (!larger)
            return 0;
        block = first[__builtin_ctz(larger)];
    }
    take_from_list(block);
    uint32_t rest = units[block].header.size - size;
    if (rest >= 2) {
        set_size(block, size);
        set_size(block + size, rest);
        put_into_list(block + size);
    }
    units[block].header.used = 1;
    return block + 1;
}

static void release(uint32_t content) {
    uint32_t block = content - 1, size = units[block].header.size;
    uint32_t after = block + size;
    if (after < UNITS && !units[after].header.used) {
        take_from_list(after);
        size += units[after].header.size;
    }
    uint32_t previous = units[block].header.previous;
    if (previous && !units[block - previous].header.used) {
        block -= previous;
        take_from_list(block);
        size += previous;
    }
    set_size(block, size);
    put_into_list(block);
}

typedef struct {
    uint32_t next, length;
    uint64_t key;
    uint64_t data[];
} Item;

static Item *item_at(uint32_t unit) { return (Item *)&units[unit]; }

int64_t run(int32_t n) {
    reset();
    uint32_t heads[LISTS] = {0};
    uint64_t sum = 0, failed = 0;
    uint32_t seed = 7;
    for (int32_t step = 0; step < n * 1000; step++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t *head = &heads[seed >> 26];
        uint32_t what = seed >> 16 & 15;
        if (what < 9 || !*head) {
            // A new item in front: most are small, a few are large.
            uint32_t words = (seed >> 8 & 7) + (what == 3 ? 100 : what == 5 ? 20 : 0);
            uint32_t unit = allocate((uint32_t)(sizeof(Item) + words * 8));
            if (!unit) {
                failed++;
                continue;
            }
            Item *item = item_at(unit);
            item->next = *head;
            item->length = words;
            item->key = seed;
            for (uint32_t i = 0; i < words; i++)
                item->data[i] = seed + i;
            *head = unit;
        } else if (what < 15) {
            // The second goes, or the only one.
            uint32_t *link = item_at(*head)->next ? &item_at(*head)->next : head;
            uint32_t unit = *link;
            Item *item = item_at(unit);
            sum += item->key + (item->length ? item->data[item->length - 1] : 0);
            *link = item->next;
            release(unit);
        } else if ((seed >> 8 & 15) == 0) {
            // The whole list goes.
            while (*head) {
                uint32_t unit = *head;
                sum = sum * 31 + item_at(unit)->key;
                *head = item_at(unit)->next;
                release(unit);
            }
        } else {
            // The list is walked, and turned round.
            uint32_t turned = 0;
            while (*head) {
                uint32_t unit = *head;
                sum += item_at(unit)->length;
                *head = item_at(unit)->next;
                item_at(unit)->next = turned;
                turned = unit;
            }
            *head = turned;
        }
    }
    for (int i = 0; i < LISTS; i++)
        while (heads[i]) {
            uint32_t unit = heads[i];
            heads[i] = item_at(unit)->next;
            release(unit);
        }
    // All is one block again.
    if (units[1].header.size != UNITS - 1)
        return -1;
    return (int64_t)(sum ^ failed << 48);
}
