// Loads, stores, branches that cannot be foreseen: sorts n thousand made-up numbers, at most 4000.

#include <stdint.h>

enum { MAX = 4000000 };
static int32_t values[MAX];

static void insertion_sort(int32_t *v, int32_t length) {
    for (int32_t i = 1; i < length; i++) {
        int32_t value = v[i], j = i;
        for (; j > 0 && v[j - 1] > value; j--)
            v[j] = v[j - 1];
        v[j] = value;
    }
}

static void sort(int32_t *v, int32_t length) {
    while (length > 16) {
        int32_t a = v[0], b = v[length / 2], c = v[length - 1];
        int32_t low = a < b ? a : b, high = a < b ? b : a;
        int32_t pivot = c < low ? low : c > high ? high : c; // The median of the three.
        int32_t i = 0, j = length - 1;
        for (;;) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i >= j)
                break;
            int32_t t = v[i];
            v[i++] = v[j];
            v[j--] = t;
        }
        // The smaller part by recursion, so that the depth stays below log2(length).
        if (i < length - i) {
            sort(v, i);
            v += i;
            length -= i;
        } else {
            sort(v + i, length - i);
            length = i;
        }
    }
    insertion_sort(v, length);
}

int64_t run(int32_t n) {
    int32_t length = n * 1000 < MAX ? n * 1000 : MAX;
    uint32_t seed = 12345;
    for (int32_t i = 0; i < length; i++) {
        seed = seed * 1664525 + 1013904223;
        values[i] = (int32_t)(seed ^ seed >> 15);
    }
    sort(values, length);

    int64_t sum = 0;
    for (int32_t i = 0; i < length; i++) {
        if (i > 0 && values[i - 1] > values[i])
            return -1;
        sum = sum * 31 + values[i];
    }
    return sum;
}
