// The shortest ways from one place: a graph of 20 thousand places and 100 thousand roads, and a heap that knows where each place is
// in it; n rounds from changing places.

#include <stdint.h>

enum { PLACES = 20000, ROADS = 5 };
static const uint32_t FAR = 0xffffffffu;

typedef struct {
    uint32_t to, length;
} Road;

static Road roads[PLACES][ROADS];
static uint32_t distance[PLACES];
static int32_t heap[PLACES], position[PLACES]; // A position of -1: not in the heap.
static int32_t count;

static void put(int32_t at, int32_t place) {
    heap[at] = place;
    position[place] = at;
}

static void rise(int32_t at, int32_t place) {
    while (at > 0) {
        int32_t parent = (at - 1) / 2;
        if (distance[heap[parent]] <= distance[place])
            break;
        put(at, heap[parent]);
        at = parent;
    }
    put(at, place);
}

static int32_t take_nearest(void) {
    int32_t nearest = heap[0], last = heap[--count], at = 0;
    position[nearest] = -1;
    if (count == 0)
        return nearest;
    for (;;) {
        int32_t child = 2 * at + 1;
        if (child >= count)
            break;
        if (child + 1 < count && distance[heap[child + 1]] < distance[heap[child]])
            child++;
        if (distance[heap[child]] >= distance[last])
            break;
        put(at, heap[child]);
        at = child;
    }
    put(at, last);
    return nearest;
}

int64_t run(int32_t n) {
    uint32_t seed = 19;
    for (uint32_t i = 0; i < PLACES; i++)
        for (uint32_t j = 0; j < ROADS; j++) {
            seed = seed * 1664525 + 1013904223;
            uint32_t to = j == 0 ? (i + 1) % PLACES : (i + (seed >> 8) % (j == 1 ? PLACES : 300)) % PLACES;
            roads[i][j] = (Road){to, (seed >> 20) + 1};
        }

    uint64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        for (int32_t i = 0; i < PLACES; i++) {
            distance[i] = FAR;
            position[i] = -1;
        }
        int32_t start = (int32_t)((uint32_t)round * 7919 % PLACES);
        distance[start] = 0;
        count = 1;
        put(0, start);
        while (count > 0) {
            int32_t place = take_nearest();
            sum = sum * 31 + distance[place];
            for (int32_t j = 0; j < ROADS; j++) {
                Road road = roads[place][j];
                uint32_t way = distance[place] + road.length;
                if (way >= distance[road.to])
                    continue;
                distance[road.to] = way;
                rise(position[road.to] >= 0 ? position[road.to] : count++, (int32_t)road.to);
            }
        }
    }
    return (int64_t)sum;
}
