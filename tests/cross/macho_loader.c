/* A loader of libraries for macOS that runs on Linux: code is code. It maps the segments that load commands name, with the
   protection that they name, finds the descriptor in the tree of exports, and shows the unwind tables to the C library's
   unwinder, as macOS does all of it by itself. It ends the program if the file is not what it should be. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "leb.h"
#include <sys/stat.h>
#include <unistd.h>

const void *descriptor_of_library(const char *path);
void __register_frame(const void *entries); /* the C library's */

typedef struct { uint32_t magic, cpu, cpu_kind, type, commands, command_bytes, flags, zero; } header;
typedef struct { uint32_t command, bytes; } command;
typedef struct {
    command command;
    char name[16];
    uint64_t address, memory_bytes, offset, bytes;
    uint32_t most_protection, protection, sections, flags;
} segment;
typedef struct {
    char name[16], segment[16];
    uint64_t address, bytes;
    uint32_t offset, alignment, relocations, relocation_count, flags, unused[3];
} section;
typedef struct { command command; uint32_t rebase[2], bind[2], weak_bind[2], lazy_bind[2], exports[2]; } dyld_info;

#define NEED(condition, ...)              \
    do {                                  \
        if (!(condition)) {               \
            printf(__VA_ARGS__);          \
            printf(": %s\n", #condition); \
            fflush(stdout);               \
            exit(1);                      \
        }                                 \
    } while (0)

/* The address of a symbol in a tree of exports, or 0. */
static uint64_t exported(const uint8_t *tree, const char *name) {
    const uint8_t *node = tree;
    while (*name) {
        uint64_t bytes = leb(&node);
        node += bytes;
        const uint8_t *child = NULL;
        for (int branches = *node++; branches > 0 && !child; branches--) {
            const char *label = (const char *)node;
            size_t length = strlen(label);
            node += length + 1;
            uint64_t place = leb(&node);
            if (length && strncmp(name, label, length) == 0) child = tree + place, name += length;
        }
        if (!child) return 0;
        node = child;
    }
    if (leb(&node) == 0 || leb(&node) != 0) return 0;
    return leb(&node);
}

/* Shows entries of unwind tables to the C library's unwinder. */
static void show(uint8_t *entries, size_t bytes) {
    /* That of GCC 12 takes the place of what is said about signed return addresses for what is said: that there are none, which
       macOS is told of functions with C's convention. It is left out. */
    static const uint8_t not_signed[] = {0x16, 34, 1, 0x30};
    uint8_t *page = (uint8_t *)((uintptr_t)entries & -(uintptr_t)4096);
    size_t length = entries + bytes - page;
    NEED(mprotect(page, length, PROT_READ | PROT_WRITE) == 0, "unwind tables");
    for (uint8_t *at = entries; (at = memmem(at, entries + bytes - at, not_signed, sizeof not_signed));)
        memset(at, 0, sizeof not_signed);
    NEED(mprotect(page, length, PROT_READ | PROT_EXEC) == 0, "unwind tables");
    __register_frame(entries);
}

const void *descriptor_of_library(const char *path) {
    int file = open(path, O_RDONLY);
    struct stat status;
    NEED(file >= 0 && fstat(file, &status) == 0, "%s", path);
    const uint8_t *bytes = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    NEED(bytes != MAP_FAILED, "%s", path);
    const header *head = (const header *)bytes;
#ifdef __x86_64__
    NEED(head->magic == 0xfeedfacf && head->cpu == 0x01000007 && head->type == 6, "%s", path);
#else
    NEED(head->magic == 0xfeedfacf && head->cpu == 0x0100000c && head->type == 6, "%s", path);
#endif

    uint64_t memory_bytes = 0, exports = 0;
    uint8_t *memory = NULL;
    uint8_t *frames = NULL;
    size_t frame_bytes = 0;
    /* First how much there is, then what. */
    for (int pass = 0; pass < 2; pass++) {
        const command *next = (const command *)(head + 1);
        for (uint32_t i = 0; i < head->commands; i++, next = (const command *)((const uint8_t *)next + next->bytes)) {
            const segment *s = (const segment *)next;
            if (next->command == 0x80000022) exports = ((const dyld_info *)next)->exports[0];
            if (next->command != 0x19) continue;
            if (pass == 0) {
                if (s->address + s->memory_bytes > memory_bytes) memory_bytes = s->address + s->memory_bytes;
                continue;
            }
            NEED((s->protection & 6) != 6 && s->most_protection == s->protection, "%s: %s", path, s->name);
            int protection = (s->protection & 1 ? PROT_READ : 0) | (s->protection & 2 ? PROT_WRITE : 0) |
                             (s->protection & 4 ? PROT_EXEC : 0);
            uint8_t *at = memory + s->address;
            NEED(mmap(at, s->bytes, protection, MAP_PRIVATE | MAP_FIXED, file, s->offset) == at, "%s: %s", path, s->name);
            const section *sections = (const section *)(s + 1);
            for (uint32_t k = 0; k < s->sections; k++)
                if (strncmp(sections[k].name, "__eh_frame", 16) == 0)
                    frames = memory + sections[k].address, frame_bytes = sections[k].bytes;
        }
        if (pass == 0) {
            memory = mmap(NULL, memory_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            NEED(memory != MAP_FAILED, "%s", path);
        }
    }
    NEED(exports && frames, "%s", path);
    show(frames, frame_bytes);
    uint64_t descriptor = exported(bytes + exports, "_wootz_module");
    NEED(descriptor && exported(bytes + exports, "_wootz_modul") == 0, "%s", path);
    return memory + descriptor;
}
