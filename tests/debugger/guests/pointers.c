// Pointers to pointers, to arrays, to structures in structures.
//
// builds: O0 O0+speed O0+dwarf4 O0+memory64
// not on: s390x-linux
//
// > break made
// > run
// > p *at = 5
// native> p *twice[0] = 5
// lldb wasm> p *twice[0] = 5
// gdb wasm> p *(*twice)[0] = 5
// gdb native> p **twice = 5
// gdb native> p ***thrice = 5
// gdb wasm> p *(*(*thrice)[0])[0] = 5
// > p tree.left->left->value = 3
// > p tree.right = 0x0
// > p *tree.left = {value = 2, left = _, right = 0x0}
// > p holder->tree->left->value = 2
// native> p holder->text = "held"
// lldb wasm> p holder->text = "held"
// gdb wasm> p *holder->text = "held"
// > p row[0][1] = 7
// gdb> p (*row)[1] = 7
// > exits 0

struct tree {
    int value;
    struct tree *left, *right;
};

struct holder {
    struct tree *tree;
    const char *text;
};

volatile int sink;

int main(void) {
    int number = 5, numbers[3] = {6, 7, 8};
    int *at = &number, **twice = &at, ***thrice = &twice;
    int(*row)[3] = &numbers;
    struct tree leaf = {3, 0, 0}, branch = {2, &leaf, 0}, tree = {1, &branch, 0};
    struct holder held = {&tree, "held"}, *holder = &held;
    sink = ***thrice + (*row)[0] + holder->tree->value;
    return 0; // @made
}
