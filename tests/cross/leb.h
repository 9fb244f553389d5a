/* Numbers of any size, as WebAssembly, Mach-O and the tables of artifacts have them: unsigned LEB128. */

#include <stdint.h>

/* The number here, behind which `at` is moved. */
static uint64_t leb(const uint8_t **at) {
    uint64_t number = 0;
    for (int shift = 0;; shift += 7) {
        uint8_t byte = *(*at)++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return number;
    }
}
