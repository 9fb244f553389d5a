// A library rather than a program: no main, no imports, four functions for the host to call.
//
// Shows calls with numbers, and how a host passes bytes: it asks `alloc` for room in the linear
// memory, writes there, and hands over the address.

#include <stddef.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name)))

EXPORT(add) int32_t add(int32_t a, int32_t b) {
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

EXPORT(fib) int64_t fib(int32_t n) {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

// Adler-32 of `length` bytes.
EXPORT(checksum) uint32_t checksum(const uint8_t *bytes, size_t length) {
    uint32_t low = 1, high = 0;
    for (size_t i = 0; i < length; i++) {
        low = (low + bytes[i]) % 65521;
        high = (high + low) % 65521;
    }
    return high << 16 | low;
}

// `size` fresh bytes, aligned to 16, never freed; 0 if the memory cannot grow far enough.
EXPORT(alloc) void *alloc(size_t size) {
    extern unsigned char __heap_base; // Defined by the linker: the first byte behind all data.
    enum { PAGE = 65536 };
    static uint64_t next;
    if (!next)
        next = (uintptr_t)&__heap_base;

    uint64_t start = (next + 15) & ~(uint64_t)15;
    uint64_t end = start + size;
    uint64_t have = (uint64_t)__builtin_wasm_memory_size(0) * PAGE;
    if (end > (uint64_t)PAGE * PAGE)
        return NULL;
    if (end > have && __builtin_wasm_memory_grow(0, (end - have + PAGE - 1) / PAGE) == (size_t)-1)
        return NULL;
    next = end;
    return (void *)(uintptr_t)start;
}
