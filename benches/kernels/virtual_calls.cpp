// Virtual calls: n rounds over a scene of shapes of six classes in mixed order, and over trees of expressions.

#include <stddef.h>
#include <stdint.h>

namespace {

uint32_t seed;

uint32_t random_number() {
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

class Shape {
public:
    virtual int64_t area() const = 0;
    virtual int64_t outline() const = 0;
    virtual void grow(int32_t by) = 0;
    virtual bool is_large() const { return area() > 4000; }
};

class Box : public Shape {
public:
    Box(int32_t width, int32_t height) : width(width), height(height) {}
    int64_t area() const override { return (int64_t)width * height; }
    int64_t outline() const override { return 2 * (int64_t)(width + height); }
    void grow(int32_t by) override { width = (width + by) & 127, height = (height + 1) & 127; }

protected:
    int32_t width, height;
};

class Square final : public Box {
public:
    explicit Square(int32_t side) : Box(side, side) {}
    void grow(int32_t by) override { width = height = (width + by) & 63; }
};

class Frame final : public Box {
public:
    Frame(int32_t width, int32_t height) : Box(width, height) {}
    int64_t area() const override { return Box::area() - Box::area() / 4; }
    bool is_large() const override { return width > 60 && height > 60; }
};

class Circle : public Shape {
public:
    explicit Circle(int32_t radius) : radius(radius) {}
    int64_t area() const override { return (int64_t)radius * radius * 355 / 113; }
    int64_t outline() const override { return (int64_t)radius * 710 / 113; }
    void grow(int32_t by) override { radius = (radius + by) & 63; }

protected:
    int32_t radius;
};

class Ring final : public Circle {
public:
    Ring(int32_t radius, int32_t hole) : Circle(radius), hole(hole) {}
    int64_t area() const override { return Circle::area() - (int64_t)hole * hole * 355 / 113; }
    int64_t outline() const override { return Circle::outline() + (int64_t)hole * 710 / 113; }

private:
    int32_t hole;
};

class Triangle final : public Shape {
public:
    Triangle(int32_t a, int32_t b) : a(a), b(b) {}
    int64_t area() const override { return (int64_t)a * b / 2; }
    int64_t outline() const override { return a + b + (a > b ? a : b); }
    void grow(int32_t by) override { a = (a ^ by) & 127, b = (b + by) & 127; }

private:
    int32_t a, b;
};

class Term {
public:
    virtual int64_t value(int64_t x) const = 0;
};

class Number final : public Term {
public:
    explicit Number(int64_t number) : number(number) {}
    int64_t value(int64_t) const override { return number; }

private:
    int64_t number;
};

class Variable final : public Term {
public:
    int64_t value(int64_t x) const override { return x; }
};

class Binary : public Term {
public:
    Binary(const Term *left, const Term *right) : left(left), right(right) {}
    int64_t value(int64_t x) const override { return apply(left->value(x), right->value(x)); }

protected:
    virtual int64_t apply(int64_t a, int64_t b) const = 0;

private:
    const Term *left, *right;
};

class Sum final : public Binary {
public:
    using Binary::Binary;
    int64_t apply(int64_t a, int64_t b) const override { return (int64_t)((uint64_t)a + (uint64_t)b); }
};

class Product final : public Binary {
public:
    using Binary::Binary;
    int64_t apply(int64_t a, int64_t b) const override { return (int64_t)((uint64_t)a * (uint64_t)b >> 3); }
};

class Difference final : public Binary {
public:
    using Binary::Binary;
    int64_t apply(int64_t a, int64_t b) const override { return a ^ (b >> 1); }
};

// Where objects are made; they all go at once.
alignas(16) char arena[1 << 18];
size_t used;

} // namespace

// What a method without a body calls, if it is called after all.
extern "C" void __cxa_pure_virtual() { __builtin_trap(); }

inline void *operator new(size_t, char *place) noexcept { return place; }

namespace {

char *room(size_t size) {
    char *place = arena + used;
    used += (size + 15) & ~(size_t)15;
    return place;
}

#define NEW(type, ...) new (room(sizeof(type))) type(__VA_ARGS__)

Shape *make_shape() {
    int32_t a = (int32_t)(random_number() % 100 + 1), b = (int32_t)(random_number() % 100 + 1);
    switch (random_number() % 6) {
    case 0: return NEW(Box, a, b);
    case 1: return NEW(Square, a & 63);
    case 2: return NEW(Frame, a, b);
    case 3: return NEW(Circle, a & 63);
    case 4: return NEW(Ring, a & 63, b & 15);
    default: return NEW(Triangle, a, b);
    }
}

const Term *make_term(int depth) {
    if (depth == 0) {
        if (random_number() % 2)
            return NEW(Variable);
        return NEW(Number, random_number() % 1000);
    }
    const Term *left = make_term(depth - 1), *right = make_term(depth - 1);
    switch (random_number() % 3) {
    case 0: return NEW(Sum, left, right);
    case 1: return NEW(Product, left, right);
    default: return NEW(Difference, left, right);
    }
}

enum { SHAPES = 1000 };
Shape *shapes[SHAPES];

} // namespace

extern "C" int64_t run(int32_t n) {
    used = 0;
    seed = 2024;
    for (int32_t i = 0; i < SHAPES; i++)
        shapes[i] = make_shape();
    const Term *term = make_term(9);

    uint64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        for (int32_t i = 0; i < SHAPES; i++) {
            Shape *shape = shapes[i];
            shape->grow(round & 7);
            sum += (uint64_t)(shape->is_large() ? shape->area() : shape->outline());
        }
        sum = sum * 31 + (uint64_t)term->value(round);
    }
    return (int64_t)sum;
}
