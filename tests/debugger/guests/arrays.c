// Arrays of one and two dimensions, elements by number, and arrays behind pointers.
//
// builds: O0 O0+speed O0+dwarf4 O0+memory64 O2
// not on: s390x-linux
//
// > break made
// > run
// O0> p one = {10, 20, 30, 40, 50}
// O0> p one[3] = 40
// O0> p grid = {{1, 2, 3}, {4, 5, 6}}
// O0> p grid[1][2] = 6
// O0> p grid[0] = {1, 2, 3}
// O0> p pointers[1][0] = 4
// O0> p *pointers[0] = 1
// O0> p middle[1] = 40
// > break inside
// > continue
// > p grid[0][1] = 2
// > p grid[1] = {4, 5, 6}
// > p *one = 10
// > p one[4] = 50
// > p table = {1, 1, 2, 3, 5, 8}
// > p table[5] = 8
// > exits 0

int table[6] = {1, 1, 2, 3, 5, 8};
volatile int sink;

__attribute__((noinline)) void look(int *one, int (*grid)[3]) {
    sink = one[0] + grid[0][0] + table[2]; // @inside
}

int main(void) {
    int one[5] = {10, 20, 30, 40, 50};
    int grid[2][3] = {{1, 2, 3}, {4, 5, 6}};
    int *pointers[2] = {grid[0], grid[1]};
    int *middle = &one[2];
    sink = *pointers[0] + *middle;
    look(one, grid); // @made
    return 0;
}
