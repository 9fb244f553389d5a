// Templates: functions and classes of several types, with values as parameters.
//
// builds: O0 O0+speed O0+dwarf4
// not on: s390x-linux
//
// > break largest
// > run
// > p first = 3
// > p second = 8
// > bt largest<int> main ...
// > continue
// > at largest
// > p first = 2.5
// > p second = 0.25
// > bt largest<double> main ...
// > break pushed
// > continue
// > p item = 7
// > p this->used = 1
// > p this->items = {5, 0, 0, 0}
// > up
// > in main
// > p stack.items[0] = 5
// > p doubles.items[0] = 1.5
// > p nested.inner.used = 0
// > exits 0

template <typename T> __attribute__((noinline)) T largest(T first, T second) {
    return first > second ? first : second; // @largest
}

template <typename T, int N> struct Stack {
    T items[N] = {};
    int used = 0;
    void push(T item) {
        items[used++] = item; // @pushed
    }
};

template <typename T> struct Holder {
    T inner;
};

int main() {
    Stack<int, 4> stack;
    Stack<double, 2> doubles;
    Holder<Stack<int, 2>> nested;
    int i = largest(3, 8);
    double d = largest(2.5, 0.25);
    doubles.items[0] = 1.5;
    stack.items[0] = 5;
    stack.used = 1;
    stack.push(7);
    return i + d - 10.5 + nested.inner.used;
}
