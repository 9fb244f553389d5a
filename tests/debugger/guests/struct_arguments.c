// Structures as arguments and results: by value they lie in the caller's memory or in pieces.
//
// builds: O0 O0+speed O0+memory64
//
// > break inside
// > run
// > in sum
// > p small = {a = 7}
// > p large = {a = 1, b = 2, c = {3, 4, 5}}
// > p large.c[2] = 5
// > p total = 22
// > finish
// > in main
// > next
// > next
// > p made = {a = 22, b = -1, c = {9, 8, 7}}
// > exits 0

struct small {
    int a;
};

struct large {
    int a, b, c[3];
};

__attribute__((noinline)) int sum(struct small small, struct large large) {
    int total = small.a + large.a + large.b + large.c[0] + large.c[1] + large.c[2];
    return total; // @inside
}

__attribute__((noinline)) struct large make(int a) {
    struct large made = {a, -1, {9, 8, 7}};
    return made;
}

int main(void) {
    struct small small = {7};
    struct large large = {1, 2, {3, 4, 5}};
    int total = sum(small, large);
    struct large made = make(total);
    return made.a - total;
}
