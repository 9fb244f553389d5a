// The fast Fourier transform, there and back, of 4096 complex numbers of f64: strides that double, and products that share their
// factors; n rounds.

#include <stdint.h>

enum { BITS = 12, SIZE = 1 << BITS };
typedef struct {
    double re, im;
} Complex;

static Complex values[SIZE], roots[SIZE / 2];

static Complex times(Complex a, Complex b) {
    return (Complex){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

// The roots of one, by halving the angle of half a turn: there is no library with sines.
static void make_roots(void) {
    Complex halves[BITS]; // The root for an angle of a turn by 2^(i + 1).
    double cosine = -1;
    for (int i = 0; i < BITS; i++) {
        halves[i] = (Complex){cosine, i == 0 ? 0 : -__builtin_sqrt((1 - cosine) * (1 + cosine))};
        cosine = __builtin_sqrt((1 + cosine) / 2);
    }
    for (int32_t i = 0; i < SIZE / 2; i++) {
        Complex root = {1, 0};
        for (int bit = 0; bit < BITS; bit++)
            if (i >> bit & 1)
                root = times(root, halves[BITS - 1 - bit]);
        roots[i] = root;
    }
}

static void transform(int inverse) {
    for (uint32_t i = 0, j = 0; i < SIZE; i++) {
        if (i < j) {
            Complex t = values[i];
            values[i] = values[j];
            values[j] = t;
        }
        // Counts from the other end.
        uint32_t bit = SIZE >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
    }
    for (int32_t half = 1; half < SIZE; half *= 2) {
        int32_t stride = SIZE / 2 / half;
        for (int32_t start = 0; start < SIZE; start += 2 * half)
            for (int32_t i = 0; i < half; i++) {
                Complex root = roots[i * stride];
                if (inverse)
                    root.im = -root.im;
                Complex a = values[start + i], b = times(values[start + half + i], root);
                values[start + i] = (Complex){a.re + b.re, a.im + b.im};
                values[start + half + i] = (Complex){a.re - b.re, a.im - b.im};
            }
    }
}

int64_t run(int32_t n) {
    make_roots();
    for (int32_t i = 0; i < SIZE; i++)
        values[i] = (Complex){(i * 37 % 101) - 50, (i * 11 % 17) - 8};
    double sum = 0;
    for (int32_t round = 0; round < n; round++) {
        transform(0);
        sum += values[round % SIZE].re + values[(round * 7) % SIZE].im;
        transform(1);
        for (int32_t i = 0; i < SIZE; i++) {
            values[i].re /= SIZE;
            values[i].im /= SIZE;
        }
    }
    for (int32_t i = 0; i < SIZE; i++) {
        double off = values[i].re - ((i * 37 % 101) - 50);
        if (off > 1e-6 || off < -1e-6)
            return -1;
    }
    return (int64_t)(sum * 1000);
}
