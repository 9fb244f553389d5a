// Floating-point chains with square roots and divisions: five bodies attract each other for n steps.

#include <stdint.h>

enum { BODIES = 5 };
static const double STEP = 0.001;

typedef struct {
    double x, y, z, vx, vy, vz, mass;
} Body;

static Body body[BODIES];

static void reset(void) {
    for (int i = 0; i < BODIES; i++)
        body[i] = (Body){
            .x = 3.0 * i - 5.5, .y = (i * i) % 7 - 2.25, .z = 0.5 * i - 1,
            .vx = 0.3 - 0.11 * i, .vy = 0.21 * (i % 3) - 0.2, .vz = 0.07 * i - 0.1,
            .mass = i == 0 ? 9.0 : 0.1 * (i + 1),
        };
}

static void step(void) {
    for (int i = 0; i < BODIES; i++)
        for (int j = i + 1; j < BODIES; j++) {
            Body *p = &body[i], *q = &body[j];
            double dx = p->x - q->x, dy = p->y - q->y, dz = p->z - q->z;
            double square = dx * dx + dy * dy + dz * dz + 0.01; // Softened: no body is flung away.
            double pull = STEP / (square * __builtin_sqrt(square));
            p->vx -= dx * q->mass * pull;
            p->vy -= dy * q->mass * pull;
            p->vz -= dz * q->mass * pull;
            q->vx += dx * p->mass * pull;
            q->vy += dy * p->mass * pull;
            q->vz += dz * p->mass * pull;
        }
    for (int i = 0; i < BODIES; i++) {
        body[i].x += STEP * body[i].vx;
        body[i].y += STEP * body[i].vy;
        body[i].z += STEP * body[i].vz;
    }
}

int64_t run(int32_t n) {
    reset();
    for (int32_t i = 0; i < n; i++)
        step();
    double sum = 0;
    for (int i = 0; i < BODIES; i++)
        sum += body[i].x + 2 * body[i].y + 3 * body[i].z;
    return (int64_t)(sum * 1e9);
}
