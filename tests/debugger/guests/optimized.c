// Optimised code: what lives across calls is there, and what a loop computes.
//
// builds: O2 O2+dwarf4 O1
// not on: s390x-linux
//
// > break inside
// > run
// > in look
// > p index = 0
// > p sum = 3
// > p *at = {weight = 3, name = "iron"}
// > up
// > in total
// > p count = 3
// > p items[1].weight = 5
// > p items[2].name = "lead"
// > down
// > delete
// > break last if index == 2
// > continue
// > in last
// > p sum = 15
// > exits 0

struct item {
    int weight;
    char name[8];
};

volatile int sink;
struct item stock[3] = {{3, "iron"}, {5, "zinc"}, {7, "lead"}};

__attribute__((noinline)) void look(int index, int sum, struct item *at) {
    sink = index + sum + at->weight; // @inside
}

__attribute__((noinline)) void last(int index, int sum) {
    sink = index + sum; // @last
}

__attribute__((noinline)) int total(struct item *items, int count) {
    int sum = 0;
    for (int index = 0; index < count; index++) {
        sum += items[index].weight;
        look(index, sum, &items[index]);
    }
    last(count - 1, sum);
    return sum + items[0].weight + count;
}

int main(void) {
    return total(stock, 3) - 21;
}
