// A balanced tree with links to parents: puts in, looks up and takes out numbers, keeping to the rules of red and black; n rounds
// of 20 thousand.

#include <stddef.h>
#include <stdint.h>

enum { COUNT = 20000 };

typedef struct Node {
    struct Node *child[2], *parent;
    uint32_t key;
    int32_t red;
    int64_t value;
} Node;

static Node nodes[COUNT], nothing; // `nothing` is black, and the child of all leaves.
static Node *root, *unused;

static int side(const Node *node) { return node->parent->child[1] == node; }

static void put_in_place_of(Node *old, Node *node) {
    if (old == root)
        root = node;
    else
        old->parent->child[side(old)] = node;
    node->parent = old->parent;
}

// The child on the other side comes up.
static void turn(Node *node, int to) {
    Node *up = node->child[!to];
    node->child[!to] = up->child[to];
    if (up->child[to] != &nothing)
        up->child[to]->parent = node;
    put_in_place_of(node, up);
    up->child[to] = node;
    node->parent = up;
}

static Node *find(uint32_t key) {
    Node *node = root;
    while (node != &nothing && node->key != key)
        node = node->child[key > node->key];
    return node;
}

static void insert(uint32_t key, int64_t value) {
    Node *parent = &nothing;
    int at = 0;
    for (Node *node = root; node != &nothing; node = node->child[at]) {
        if (node->key == key) {
            node->value += value;
            return;
        }
        parent = node;
        at = key > node->key;
    }
    Node *node = unused;
    unused = node->child[0];
    *node = (Node){{&nothing, &nothing}, parent, key, 1, value};
    if (parent == &nothing)
        root = node;
    else
        parent->child[at] = node;

    while (node->parent->red) {
        Node *above = node->parent->parent;
        int to = side(node->parent);
        Node *uncle = above->child[!to];
        if (uncle->red) {
            node->parent->red = uncle->red = 0;
            above->red = 1;
            node = above;
            continue;
        }
        if (side(node) != to) {
            node = node->parent;
            turn(node, to);
        }
        node->parent->red = 0;
        above->red = 1;
        turn(above, !to);
    }
    root->red = 0;
}

static void take_out(Node *node) {
    Node *moved = node, *filler;
    int was_red = node->red;
    if (node->child[0] == &nothing || node->child[1] == &nothing) {
        filler = node->child[node->child[0] == &nothing];
        put_in_place_of(node, filler);
    } else {
        // The next larger one takes its place.
        moved = node->child[1];
        while (moved->child[0] != &nothing)
            moved = moved->child[0];
        was_red = moved->red;
        filler = moved->child[1];
        if (moved->parent == node) {
            filler->parent = moved;
        } else {
            put_in_place_of(moved, filler);
            moved->child[1] = node->child[1];
            moved->child[1]->parent = moved;
        }
        put_in_place_of(node, moved);
        moved->child[0] = node->child[0];
        moved->child[0]->parent = moved;
        moved->red = node->red;
    }
    node->child[0] = unused;
    unused = node;
    if (was_red)
        return;

    // A black one is missing above the filler.
    while (filler != root && !filler->red) {
        int at = side(filler);
        Node *sibling = filler->parent->child[!at];
        if (sibling->red) {
            sibling->red = 0;
            filler->parent->red = 1;
            turn(filler->parent, at);
            sibling = filler->parent->child[!at];
        }
        if (!sibling->child[0]->red && !sibling->child[1]->red) {
            sibling->red = 1;
            filler = filler->parent;
            continue;
        }
        if (!sibling->child[!at]->red) {
            sibling->child[at]->red = 0;
            sibling->red = 1;
            turn(sibling, !at);
            sibling = filler->parent->child[!at];
        }
        sibling->red = filler->parent->red;
        filler->parent->red = 0;
        sibling->child[!at]->red = 0;
        turn(filler->parent, at);
        filler = root;
    }
    filler->red = 0;
}

// How many black nodes there are on each way down, or -1 if a rule is broken.
static int32_t check(const Node *node) {
    if (node == &nothing)
        return 1;
    int32_t left = check(node->child[0]), right = check(node->child[1]);
    if (left < 0 || left != right || (node->red && (node->child[0]->red || node->child[1]->red)))
        return -1;
    return left + !node->red;
}

int64_t run(int32_t n) {
    root = &nothing;
    nothing = (Node){{&nothing, &nothing}, &nothing, 0, 0, 0};
    for (int32_t i = 0; i < COUNT; i++)
        nodes[i].child[0] = i + 1 < COUNT ? &nodes[i + 1] : NULL;
    unused = nodes;

    uint64_t sum = 0;
    uint32_t seed = 43;
    for (int32_t round = 0; round < n; round++) {
        uint32_t start = seed;
        for (int32_t i = 0; i < COUNT; i++) {
            seed = seed * 1664525 + 1013904223;
            insert(seed >> 8, i);
        }
        for (int32_t i = 0; i < COUNT; i++)
            sum += (uint64_t)find((uint32_t)i * 839)->value;
        if (check(root) < 0)
            return -1;
        // In the order in which they came, but for the last ones, which then go in order.
        uint32_t again = start;
        for (int32_t i = 0; i < COUNT - 500; i++) {
            again = again * 1664525 + 1013904223;
            Node *node = find(again >> 8);
            if (node == &nothing)
                continue;
            sum = sum * 31 + (uint64_t)node->value;
            take_out(node);
        }
        if (check(root) < 0)
            return -2;
        while (root != &nothing) {
            Node *least = root;
            while (least->child[0] != &nothing)
                least = least->child[0];
            sum = sum * 31 + least->key;
            take_out(least);
        }
    }
    return (int64_t)sum;
}
