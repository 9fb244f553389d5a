// A list is followed through pointers of the guest.
//
// builds: O0 O0+speed O0+dwarf4 O0+memory64 O2
// not on: s390x-linux
//
// > break built
// > run
// > at built
// > in main
// O0> p list->val = 10
// O0> p list->next->next->val = 30
// O0> p *list = {val = 10, next = _}
// O0> p *list->next->next = {val = 30, next = 0x0}
// O0> p nodes = {{val = 10, next = _}, {val = 20, next = _}, {val = 30, next = 0x0}}
// > break found
// > continue
// > at found
// > bt found find main ...
// > p at->val = 20
// > p at->next->val = 30
// > p at->next->next = 0x0
// > p wanted = 20
// > args at = _, wanted = 20
// > exits 0

struct node {
    int val;
    struct node *next;
};

static struct node nodes[3];
volatile int sink;

__attribute__((noinline)) void found(struct node *at, int wanted) {
    sink = at->val + wanted; // @found
}

__attribute__((noinline)) struct node *find(struct node *at, int wanted) {
    while (at && at->val != wanted)
        at = at->next;
    found(at, wanted);
    return at;
}

int main(void) {
    for (int i = 0; i < 3; i++) {
        nodes[i].val = 10 * (i + 1);
        nodes[i].next = i < 2 ? &nodes[i + 1] : 0;
    }
    struct node *list = nodes;
    struct node *at = find(list, 20); // @built
    return at->next->val - 30;
}
