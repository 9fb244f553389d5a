// Belongs to multi_file.c.

struct state {
    char name[8];
    int depth;
};

int part(struct state *state, int depth);

static inline int helper(int given) {
    int doubled = given * 2;
    return doubled; // @header
}
