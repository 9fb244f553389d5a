// Small structures by value: spheres over a chequered floor with mirrors and shadows, n by n rays with up to four reflections.

#include <stdint.h>

typedef struct {
    double x, y, z;
} Vector;

typedef struct {
    Vector centre, colour;
    double radius, mirror;
} Sphere;

enum { SPHERES = 9, DEEPEST = 4 };
static Sphere spheres[SPHERES];

static Vector vector(double x, double y, double z) { return (Vector){x, y, z}; }
static Vector plus(Vector a, Vector b) { return vector(a.x + b.x, a.y + b.y, a.z + b.z); }
static Vector minus(Vector a, Vector b) { return vector(a.x - b.x, a.y - b.y, a.z - b.z); }
static Vector times(Vector a, double by) { return vector(a.x * by, a.y * by, a.z * by); }
static double dot(Vector a, Vector b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static Vector unit(Vector a) { return times(a, 1 / __builtin_sqrt(dot(a, a))); }

// How far away a sphere is along a ray, or a negative number.
static double distance(const Sphere *sphere, Vector from, Vector direction) {
    Vector to = minus(sphere->centre, from);
    double along = dot(to, direction), square = dot(to, to) - along * along, rest = sphere->radius * sphere->radius - square;
    if (rest < 0)
        return -1;
    double root = __builtin_sqrt(rest);
    return along - root > 1e-4 ? along - root : along + root > 1e-4 ? along + root : -1;
}

static int in_shadow(Vector from, Vector light) {
    for (int i = 0; i < SPHERES; i++)
        if (distance(&spheres[i], from, light) > 0)
            return 1;
    return 0;
}

static Vector trace(Vector from, Vector direction, int depth) {
    const Vector light = {0.48, 0.8, -0.36};
    const Sphere *hit = 0;
    double nearest = 1e9;
    for (int i = 0; i < SPHERES; i++) {
        double away = distance(&spheres[i], from, direction);
        if (away > 0 && away < nearest) {
            nearest = away;
            hit = &spheres[i];
        }
    }
    Vector normal, colour;
    double mirror;
    if (hit) {
        Vector point = plus(from, times(direction, nearest));
        normal = times(minus(point, hit->centre), 1 / hit->radius);
        colour = hit->colour;
        mirror = hit->mirror;
    } else if (direction.y < -1e-3) {
        nearest = -from.y / direction.y;
        Vector point = plus(from, times(direction, nearest));
        if (nearest > 200)
            return vector(0.5, 0.6, 0.7);
        normal = vector(0, 1, 0);
        int dark = ((int32_t)(point.x + 1000) ^ (int32_t)(point.z + 1000)) & 1;
        colour = dark ? vector(0.2, 0.2, 0.2) : vector(0.9, 0.9, 0.8);
        mirror = 0.1;
    } else {
        return vector(0.4 + 0.3 * direction.y, 0.6 + 0.2 * direction.y, 0.9);
    }
    Vector point = plus(from, times(direction, nearest));
    double shade = dot(normal, light);
    if (shade < 0 || in_shadow(point, light))
        shade = 0;
    Vector own = times(colour, 0.2 + 0.8 * shade);
    if (depth == 0 || mirror == 0)
        return own;
    Vector reflected = minus(direction, times(normal, 2 * dot(direction, normal)));
    return plus(times(own, 1 - mirror), times(trace(point, reflected, depth - 1), mirror));
}

int64_t run(int32_t n) {
    for (int i = 0; i < SPHERES; i++)
        spheres[i] = (Sphere){
            .centre = {(i % 3) * 2.2 - 2.2, 0.9 + (i % 2) * 0.4, (i / 3) * 2.5 + 1},
            .colour = {0.3 + 0.08 * i, 0.9 - 0.07 * i, 0.5},
            .radius = 0.8 + 0.05 * (i % 4), .mirror = 0.15 * (i % 4),
        };
    uint64_t sum = 0;
    for (int32_t y = 0; y < n; y++)
        for (int32_t x = 0; x < n; x++) {
            Vector direction = unit(vector(2.0 * x / n - 1, 0.7 - 1.4 * y / n, 1.5));
            Vector colour = trace(vector(0.3, 2, -5), direction, DEEPEST);
            sum = sum * 31 + (uint64_t)(colour.x * 255) + ((uint64_t)(colour.y * 255) << 8) + ((uint64_t)(colour.z * 255) << 16);
        }
    return (int64_t)sum;
}
