// Allocation and pointer chasing: complete binary trees are built, walked and dropped, many small ones for
// each large one, n rounds, from an allocator that only moves a pointer.

#include <stddef.h>
#include <stdint.h>

typedef struct Node {
    struct Node *left, *right;
} Node;

enum { DEPTH = 16 };
static Node arena[1 << (DEPTH + 1)];
static Node *next;

static Node *build(int32_t depth) {
    Node *node = next++;
    node->left = depth > 0 ? build(depth - 1) : NULL;
    node->right = depth > 0 ? build(depth - 1) : NULL;
    return node;
}

static int32_t count(const Node *node) {
    return node->left ? 1 + count(node->left) + count(node->right) : 1;
}

int64_t run(int32_t n) {
    int64_t sum = 0;
    for (int32_t round = 0; round < n; round++)
        for (int32_t depth = 4; depth <= DEPTH; depth += 2)
            for (int32_t i = 0; i < 1 << (DEPTH - depth); i++) {
                next = arena;
                sum += count(build(depth)) ^ (i + round);
            }
    return sum;
}
