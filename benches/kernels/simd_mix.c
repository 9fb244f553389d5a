// Audio: n rounds of mixing 16-bit channels with saturation, each at its own volume, and the loudest sample.

#include <stdint.h>
#include <wasm_simd128.h>

enum { SAMPLES = 32 * 1024, CHANNELS = 4 };
static int16_t channels[CHANNELS][SAMPLES], mixed[SAMPLES];

int64_t run(int32_t n) {
    uint32_t seed = 1;
    for (int32_t channel = 0; channel < CHANNELS; channel++)
        for (int32_t i = 0; i < SAMPLES; i++)
            channels[channel][i] = (int16_t)((seed = seed * 1664525 + 1013904223) >> 16);
    int64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        v128_t loudest = wasm_i16x8_splat(0), energy = loudest;
        for (int32_t i = 0; i < SAMPLES; i += 8) {
            v128_t mix = wasm_i16x8_splat(0);
            for (int32_t channel = 0; channel < CHANNELS; channel++) {
                v128_t volume = wasm_i16x8_splat((int16_t)(8000 * (channel + 1) + round % 7));
                v128_t sample = wasm_v128_load(&channels[channel][i]);
                mix = wasm_i16x8_add_sat(mix, wasm_i16x8_q15mulr_sat(sample, volume));
            }
            loudest = wasm_i16x8_max(loudest, wasm_i16x8_abs(mix));
            energy = wasm_i32x4_add(energy, wasm_i32x4_shr(wasm_i32x4_dot_i16x8(mix, mix), 12));
            wasm_v128_store(&mixed[i], mix);
        }
        sum += wasm_i16x8_extract_lane(loudest, 5) + wasm_i32x4_extract_lane(energy, 2);
        sum = sum * 31 + mixed[round % SAMPLES];
    }
    return sum;
}
