// Enumerations by the names of their values, and typedefs.
//
// builds: O0 O0+speed O0+dwarf4 O2
//
// > break inside
// > run
// > in look
// !s390x> p color = GREEN
// s390x> p color = 5
// > p count = 7
// native> p *at = BLUE
// lldb wasm> p *at = BLUE
// gdb wasm !s390x> p *at = {BLUE}
// O0> up
// O0 !s390x> p colors = {RED, GREEN, BLUE}
// O0 s390x> p colors = {0, 5, 6}
// O0 !s390x> p colors[0] = RED
// O0 !s390x> p level = HIGH
// > exits 0

enum color { RED, GREEN = 5, BLUE };
typedef enum { LOW = -1, HIGH = 1 } level_t;
typedef unsigned int count_t;

volatile int sink;

__attribute__((noinline)) void look(enum color color, count_t count, enum color *at) {
    sink = color + count + *at; // @inside
}

int main(void) {
    enum color colors[3] = {RED, GREEN, BLUE};
    level_t level = HIGH;
    look(colors[1], 7, &colors[2]);
    return level - HIGH;
}
