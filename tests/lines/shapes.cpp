// Traps in a method that is inlined into another one; both have mangled names.

namespace geometry {

struct Square {
    int side;

    int half() const {
        if (side & 1)
            __builtin_trap();
        return side / 2;
    }

    [[gnu::noinline]] int area(int scale) const {
        return half() * 2 * side * scale;
    }
};

} // namespace geometry

extern "C" [[gnu::noinline]] int area(int side, int scale) {
    return geometry::Square{side}.area(scale) + 1;
}

extern "C" void _start() {
    volatile int result = area(7, 2);
    (void)result;
}
