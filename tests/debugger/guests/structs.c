// Structures in structures, by value, by pointer, as arguments and in arrays.
//
// builds: O0 O0+speed O0+dwarf4 O0+memory64 O2
// not on: s390x-linux
//
// > break made
// > run
// O0> p box = {corner = {x = 1, y = 2}, size = {x = 30, y = 40}, name = "box"}
// O0> p box.size.y = 40
// O0> p box.corner = {x = 1, y = 2}
// O0> p boxes[1].corner.x = 5
// O0> p boxes[1] = {corner = {x = 5, y = 6}, size = {x = 7, y = 8}, name = "two"}
// O0> locals box = {corner = {x = 1, y = 2}, size = {x = 30, y = 40}, name = "box"}, area = 1200
// > break inside
// > continue
// > in look
// > p of->size.x = 7
// > p *of = {corner = {x = 5, y = 6}, size = {x = 7, y = 8}, name = "two"}
// > p of->name = "two"
// > p of->corner = {x = 5, y = 6}
// > args of = _, factor = 3
// > exits 0

struct point {
    int x, y;
};

struct box {
    struct point corner, size;
    char name[8];
};

volatile int sink;

__attribute__((noinline)) void look(struct box *of, int factor) {
    sink = of->size.x * factor; // @inside
}

__attribute__((noinline)) int area_of(struct box box) {
    return box.size.x * box.size.y;
}

int main(void) {
    struct box box = {{1, 2}, {30, 40}, "box"};
    struct box boxes[2] = {box, {{5, 6}, {7, 8}, "two"}};
    int area = area_of(box);
    look(&boxes[1], 3); // @made
    return area - 1200;
}
