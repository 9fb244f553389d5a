// Sorting by a function that is handed over: merges runs of structures, from the bottom up, in three orders; n rounds over 32
// thousand.

#include <stdint.h>

enum { LENGTH = 1 << 15 };

typedef struct {
    double price;
    int32_t number;
    uint16_t kind, flags;
} Order;

static Order orders[LENGTH], others[LENGTH];

typedef int Compare(const Order *, const Order *);

static int by_price(const Order *a, const Order *b) { return (a->price > b->price) - (a->price < b->price); }
static int by_number(const Order *a, const Order *b) { return (a->number > b->number) - (a->number < b->number); }
static int by_kind(const Order *a, const Order *b) {
    return a->kind != b->kind ? (int)a->kind - (int)b->kind : (int)(b->flags & 7) - (int)(a->flags & 7);
}

static Compare *const orderings[3] = {by_price, by_kind, by_number};

static void sort(Compare *compare) {
    // Runs of eight by insertion, then merges between the two arrays; their number is odd or even by the length.
    for (int32_t start = 0; start < LENGTH; start += 8)
        for (int32_t i = start + 1; i < start + 8; i++) {
            Order moved = orders[i];
            int32_t j = i;
            for (; j > start && compare(&orders[j - 1], &moved) > 0; j--)
                orders[j] = orders[j - 1];
            orders[j] = moved;
        }
    Order *from = orders, *to = others;
    for (int32_t width = 8; width < LENGTH; width *= 2) {
        for (int32_t start = 0; start < LENGTH; start += 2 * width) {
            const Order *a = from + start, *b = a + width, *middle = b, *end = b + width;
            for (Order *out = to + start; out < to + start + 2 * width; out++)
                *out = b == end || (a < middle && compare(a, b) <= 0) ? *a++ : *b++;
        }
        Order *swapped = from;
        from = to;
        to = swapped;
    }
    if (from != orders)
        for (int32_t i = 0; i < LENGTH; i++)
            orders[i] = from[i];
}

int64_t run(int32_t n) {
    uint32_t seed = 23;
    for (int32_t i = 0; i < LENGTH; i++) {
        seed = seed * 1664525 + 1013904223;
        orders[i] = (Order){(double)(seed >> 12) / 64, (int32_t)(seed ^ seed << 7), (uint16_t)(seed >> 27), (uint16_t)seed};
    }
    uint64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        Compare *compare = orderings[round % 3];
        sort(compare);
        for (int32_t i = 1; i < LENGTH; i++) {
            if (compare(&orders[i - 1], &orders[i]) > 0)
                return -1;
            sum = sum * 31 + (uint32_t)orders[i].number;
        }
        for (int32_t i = 0; i < LENGTH; i += 3)
            orders[i].price = (double)((uint32_t)orders[i].number >> 8) / 16 + round;
    }
    return (int64_t)sum;
}
