// Classes: this, members, bases, virtual functions, statics.
//
// builds: O0 O0+speed O0+dwarf4 O0+memory64
// not on: s390x-linux
//
// > break inside
// > run
// > in Square::area
// > bt Square::area measure main ...
// > p this->side = 6
// gdb> p side = 6
// > p this->number = 2
// gdb> p *this = {Shape = {_vptr$Shape = _, number = 2}, side = 6}
// lldb> p *this = {Shape = {number = 2}, side = 6}
// > up
// > in measure
// > p shape.number = 2
// > break counted
// > continue
// > in Counter::add
// > p by = 5
// > p this->count = 10
// > p this->last->count = 1
// > up
// > p counter.count = 10
// > p counter = {count = 10, last = _}
// > p square.side = 6
// > exits 0

class Shape {
public:
    explicit Shape(int number) : number(number) {}
    virtual int area() const = 0;
    int number;
};

class Square : public Shape {
public:
    Square(int number, int side) : Shape(number), side(side) {}
    int area() const override {
        int area = side * side; // @inside
        return area;
    }

private:
    int side;
};

struct Counter {
    int count;
    Counter *last;
    void add(int by);
};

void Counter::add(int by) {
    count += by; // @counted
}

__attribute__((noinline)) static int measure(const Shape &shape) {
    return shape.area() + shape.number;
}

// What virtual functions without a body call; there is no library of C++.
extern "C" void __cxa_pure_virtual() {
    __builtin_trap();
}

int main() {
    Square square(2, 6);
    Counter first = {1, nullptr}, counter = {10, &first};
    int area = measure(square);
    counter.add(5);
    return area + counter.count - 53;
}
