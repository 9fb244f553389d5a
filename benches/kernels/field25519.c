// Multiplies in the field of Curve25519, in five limbs of 51 bits: products of 64 bits by 64 with sums of 128, for which wasm has
// no operators.

typedef unsigned long long limb;
typedef unsigned __int128 wide;

typedef struct {
    limb at[5];
} element;

#define MASK ((1ULL << 51) - 1)

static element multiply(element x, element y) {
    limb r0 = 19 * y.at[1], r1 = 19 * y.at[2], r2 = 19 * y.at[3], r3 = 19 * y.at[4];
    wide t[5];
    t[0] = (wide)x.at[0] * y.at[0] + (wide)x.at[1] * r3 + (wide)x.at[2] * r2 + (wide)x.at[3] * r1 + (wide)x.at[4] * r0;
    t[1] = (wide)x.at[0] * y.at[1] + (wide)x.at[1] * y.at[0] + (wide)x.at[2] * r3 + (wide)x.at[3] * r2 + (wide)x.at[4] * r1;
    t[2] = (wide)x.at[0] * y.at[2] + (wide)x.at[1] * y.at[1] + (wide)x.at[2] * y.at[0] + (wide)x.at[3] * r3 + (wide)x.at[4] * r2;
    t[3] = (wide)x.at[0] * y.at[3] + (wide)x.at[1] * y.at[2] + (wide)x.at[2] * y.at[1] + (wide)x.at[3] * y.at[0] + (wide)x.at[4] * r3;
    t[4] = (wide)x.at[0] * y.at[4] + (wide)x.at[1] * y.at[3] + (wide)x.at[2] * y.at[2] + (wide)x.at[3] * y.at[1] + (wide)x.at[4] * y.at[0];
    element result;
    limb carry = 0;
    for (int i = 0; i < 5; i++) {
        t[i] += carry;
        result.at[i] = (limb)t[i] & MASK;
        carry = (limb)(t[i] >> 51);
    }
    result.at[0] += 19 * carry;
    result.at[1] += result.at[0] >> 51;
    result.at[0] &= MASK;
    return result;
}

// The inverse of a number, as its power of 2^255 - 21, n times over.
__attribute__((visibility("default"))) long long run(int n) {
    element x = {{9, 8, 7, 6, 5}};
    limb sum = 0;
    for (int round = 0; round < n; round++) {
        element power = x;
        for (int bit = 253; bit >= 0; bit--) {
            power = multiply(power, power);
            if (bit != 2 && bit != 4)
                power = multiply(power, x);
        }
        sum += power.at[0] ^ power.at[4];
        x = power;
        x.at[0] ^= (limb)round;
    }
    return (long long)sum;
}
