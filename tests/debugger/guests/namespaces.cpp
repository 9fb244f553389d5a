// Namespaces, overloaded functions, enum classes, statics of classes and lambdas.
//
// builds: O0 O0+speed
// not on: s390x-linux
//
// > break number
// > run
// > in geometry::scale
// > p by = 3
// > p mode = Twice
// > bt geometry::scale main ...
// > break real
// > continue
// > p by = 1.5
// > break lambda
// > continue
// > p given = 4
// gdb> p captured = 10
// > up
// > in main
// > p mode = Twice
// > exits 0

namespace geometry {
enum class Mode { Once, Twice = 7 };

__attribute__((noinline)) int scale(int by, Mode mode) {
    return by * (mode == Mode::Twice ? 2 : 1); // @number
}

__attribute__((noinline)) double scale(double by) {
    return by * 2; // @real
}
} // namespace geometry

int main() {
    geometry::Mode mode = geometry::Mode::Twice;
    int captured = 10;
    int scaled = geometry::scale(3, mode);
    double real = geometry::scale(1.5);
    auto add = [captured](int given) {
        return given + captured; // @lambda
    };
    int result = add(4);
    return scaled + real + result - 23;
}
