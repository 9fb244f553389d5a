// Text: n times, is it UTF-8, and where are the lines? Tables of 16 bytes looked up by halves of bytes, and masks of bits.
// (The method of Keiser and Lemire, "Validating UTF-8 In Less Than One Instruction Per Byte".)

#include <stdint.h>
#include <wasm_simd128.h>

enum { SIZE = 64 * 1024 };
static uint8_t text[SIZE + 16];

enum {
    TOO_SHORT = 1, TOO_LONG = 2, OVERLONG_3 = 4, TOO_LARGE = 8, SURROGATE = 16, OVERLONG_2 = 32,
    TOO_LARGE_1000 = 64, OVERLONG_4 = 64, TWO_CONTS = 128, CARRY = TOO_SHORT | TOO_LONG | TWO_CONTS,
};

static v128_t errors(v128_t input, v128_t before) {
    const v128_t first_high = wasm_u8x16_const(
        TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TWO_CONTS, TWO_CONTS, TWO_CONTS,
        TWO_CONTS, TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE,
        TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4);
    const v128_t first_low = wasm_u8x16_const(
        CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4, CARRY | OVERLONG_2, CARRY, CARRY, CARRY | TOO_LARGE,
        CARRY | TOO_LARGE | TOO_LARGE_1000, CARRY | TOO_LARGE | TOO_LARGE_1000, CARRY | TOO_LARGE | TOO_LARGE_1000,
        CARRY | TOO_LARGE | TOO_LARGE_1000, CARRY | TOO_LARGE | TOO_LARGE_1000, CARRY | TOO_LARGE | TOO_LARGE_1000,
        CARRY | TOO_LARGE | TOO_LARGE_1000, CARRY | TOO_LARGE | TOO_LARGE_1000,
        CARRY | TOO_LARGE | TOO_LARGE_1000 | SURROGATE, CARRY | TOO_LARGE | TOO_LARGE_1000,
        CARRY | TOO_LARGE | TOO_LARGE_1000);
    const v128_t second_high = wasm_u8x16_const(
        TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
        TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4,
        TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | TOO_LARGE, TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE,
        TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT);
    const v128_t low = wasm_u8x16_splat(15);
    v128_t one = wasm_i8x16_shuffle(before, input, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
    v128_t two = wasm_i8x16_shuffle(before, input, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29);
    v128_t three = wasm_i8x16_shuffle(before, input, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28);
    v128_t special = wasm_v128_and(
        wasm_v128_and(wasm_i8x16_swizzle(first_high, wasm_u8x16_shr(one, 4)),
                      wasm_i8x16_swizzle(first_low, wasm_v128_and(one, low))),
        wasm_i8x16_swizzle(second_high, wasm_u8x16_shr(input, 4)));
    v128_t third = wasm_u8x16_sub_sat(two, wasm_u8x16_splat(0xe0 - 0x80));
    v128_t fourth = wasm_u8x16_sub_sat(three, wasm_u8x16_splat(0xf0 - 0x80));
    v128_t must = wasm_v128_and(wasm_v128_or(third, fourth), wasm_u8x16_splat(0x80));
    return wasm_v128_xor(must, special);
}

int64_t run(int32_t n) {
    static const char word[] = "Gr\xc3\xbc\xc3\x9f Gott, \xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x8c\x8d and so on\n";
    for (int32_t i = 0; i < SIZE; i++)
        text[i] = i < SIZE - (int32_t)sizeof word ? (uint8_t)word[i % (sizeof word - 1)] : ' ';
    int64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        v128_t before = wasm_u8x16_splat(0), error = before;
        for (int32_t i = 0; i < SIZE; i += 16) {
            v128_t input = wasm_v128_load(text + i);
            if (wasm_i8x16_bitmask(input) != 0)
                error = wasm_v128_or(error, errors(input, before));
            before = input;
            uint32_t lines = wasm_i8x16_bitmask(wasm_i8x16_eq(input, wasm_i8x16_splat('\n')));
            for (; lines; lines &= lines - 1)
                sum += i + __builtin_ctz(lines);
        }
        sum += wasm_v128_any_true(error);
    }
    return sum;
}
