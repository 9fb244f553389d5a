// Compresses made-up data with zstd, decompresses it, compares. The arguments are the levels, 3 if there are none.
//
// The data is half repetition and half noise, so that both the match finder and the entropy coder have work.
// A first argument that is no number is a command about files: zstd_files.c.

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zstd.h"

#include "zstd_program.h"

static uint64_t state = 0x9e3779b97f4a7c15u;
static uint32_t random_below(uint32_t limit) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 32) % limit);
}

static uint64_t fnv1a(const unsigned char *bytes, size_t length) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

// Runs of text-like bytes, copies of something earlier, numbers that grow, and plain noise.
void fill(unsigned char *bytes) {
    size_t at = 0;
    while (at < SIZE) {
        size_t length = 8 + random_below(120);
        if (length > SIZE - at)
            length = SIZE - at;
        uint32_t kind = random_below(8);
        if (kind < 4 && at > 1000) {
            size_t reach = at < 300000 ? at : 300000;
            memmove(bytes + at, bytes + at - length - random_below((uint32_t)(reach - length)), length);
        } else if (kind < 6) {
            for (size_t i = 0; i < length; i++)
                bytes[at + i] = (unsigned char)("etaoin shrdlucmf"[random_below(4) * random_below(5)]);
        } else if (kind < 7) {
            for (size_t i = 0; i < length; i++)
                bytes[at + i] = (unsigned char)(i & 3 ? 0 : at + i);
        } else {
            for (size_t i = 0; i < length; i++)
                bytes[at + i] = (unsigned char)random_below(256);
        }
        at += length;
    }
}

size_t check(const char *what, size_t result) {
    if (ZSTD_isError(result)) {
        fflush(stdout);
        fprintf(stderr, "%s: %s\n", what, ZSTD_getErrorName(result));
        exit(1);
    }
    return result;
}

int main(int argc, char **argv) {
    if (argc > 1 && isalpha((unsigned char)argv[1][0]))
        return on_files(argc, argv);

    size_t bound = ZSTD_compressBound(SIZE);
    unsigned char *data = malloc(SIZE), *packed = malloc(bound), *again = malloc(SIZE);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    if (!data || !packed || !again || !context) {
        fprintf(stderr, "zstd: out of memory\n");
        return 1;
    }
    fill(data);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    printf("%d bytes, %016llx\n", SIZE, (unsigned long long)fnv1a(data, SIZE));

    for (int i = 1; i < argc || i == 1; i++) {
        int level = i < argc ? atoi(argv[i]) : 3;
        check("level", ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level));
        size_t size = check("compress", ZSTD_compress2(context, packed, bound, data, SIZE));
        printf("level %d: %zu bytes, %016llx", level, size, (unsigned long long)fnv1a(packed, size));

        memset(again, 0, SIZE);
        size_t restored = check("decompress", ZSTD_decompress(again, SIZE, packed, size));
        int same = restored == SIZE && memcmp(data, again, SIZE) == 0;
        printf(", %s\n", same ? "restored" : "DIFFERENT");
        if (!same)
            return 1;

        // The checksum in the frame gives away a damaged byte, whatever it did to the decoder.
        packed[size / 2] ^= 0x55;
        int noticed = ZSTD_isError(ZSTD_decompress(again, SIZE, packed, size));
        printf("  damaged: %s\n", noticed ? "refused" : "UNNOTICED");
        if (!noticed)
            return 1;
    }
    ZSTD_freeCCtx(context);
    free(data);
    free(packed);
    free(again);
    return 0;
}
