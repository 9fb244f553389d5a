// References, constant ones, references to pointers and in structures.
//
// builds: O0 O0+speed O0+dwarf4 O0+memory64
// not on: s390x-linux
//
// > break inside
// > run
// > in change
// > p number = 3
// gdb> p point = {x = 1, y = 2}
// > p point.x = 1
// > p point.y = 2
// > p constant = 9
// > p pair.first = 3
// > next
// > p number = 4
// > up
// > p number = 4
// > p other = 4
// > exits 0

struct Point {
    int x, y;
};

struct Pair {
    int &first;
    const Point &second;
};

__attribute__((noinline)) static int change(int &number, const Point &point, const int &constant, Pair &pair) {
    number += 1; // @inside
    return number + point.x + constant + pair.second.y;
}

int main() {
    int number = 3;
    int &other = number;
    Point point = {1, 2};
    Pair pair = {number, point};
    return change(other, point, 9, pair) - 16;
}
