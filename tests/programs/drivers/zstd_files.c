// zstd on files, through its streaming interface and stdio:
//
//   zstd make FILE                    writes made-up data, and sets the file's time to a day in 2009
//   zstd compress LEVEL FROM TO       as zstd's own program does, TO gets the time of FROM
//   zstd decompress FROM TO           likewise; what cannot be decompressed leaves no TO behind
//   zstd damage FILE                  changes one byte in the middle
//   zstd compare FILE FILE            byte by byte
//
// Each command says what the files are like afterwards.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "zstd.h"

#include "zstd_program.h"

static void fail(const char *path) {
    int error = errno;
    fflush(stdout);
    fprintf(stderr, "zstd: %s: %s\n", path, strerror(error));
    exit(1);
}

static FILE *open_file(const char *path, const char *mode) {
    FILE *file = fopen(path, mode);
    if (!file)
        fail(path);
    return file;
}

// What is still in the buffer of the C library is written now, and may fail.
static void close_file(FILE *file, const char *path) {
    if (ferror(file) || fclose(file) != 0)
        fail(path);
}

static struct stat status_of(const char *path) {
    struct stat status;
    if (stat(path, &status) != 0)
        fail(path);
    return status;
}

static void set_time(const char *path, struct timespec time) {
    struct timespec both[2] = {time, time};
    if (utimensat(AT_FDCWD, path, both, 0) != 0)
        fail(path);
}

static void show(const char *path) {
    struct stat status = status_of(path);
    printf("%s: %lld bytes, %s, changed at %lld and %ld ns\n", path, (long long)status.st_size,
           S_ISREG(status.st_mode) ? "a file" : "NO FILE", (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

static void make(const char *path) {
    unsigned char *data = malloc(SIZE);
    if (!data)
        fail("memory");
    fill(data);
    FILE *file = open_file(path, "wb");
    fwrite(data, 1, SIZE, file);
    close_file(file, path);
    free(data);
    set_time(path, (struct timespec){.tv_sec = 1234567890, .tv_nsec = 123456789});
    show(path);
}

// Reads pieces of one size and writes pieces of another, so that they do not meet.
enum { PIECE_IN = 50000, PIECE_OUT = 30000 };
static unsigned char in_bytes[PIECE_IN], out_bytes[PIECE_OUT];

static void compress(const char *level, const char *from, const char *to) {
    ZSTD_CCtx *context = ZSTD_createCCtx();
    FILE *in = open_file(from, "rb"), *out = open_file(to, "wb");
    check("level", ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, atoi(level)));
    check("checksum", ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1));
    int at_end = 0;
    while (!at_end) {
        ZSTD_inBuffer piece = {in_bytes, fread(in_bytes, 1, PIECE_IN, in), 0};
        at_end = piece.size < PIECE_IN;
        size_t left;
        do {
            ZSTD_outBuffer packed = {out_bytes, PIECE_OUT, 0};
            left = check("compress", ZSTD_compressStream2(context, &packed, &piece, at_end ? ZSTD_e_end : ZSTD_e_continue));
            fwrite(out_bytes, 1, packed.pos, out);
        } while (at_end ? left != 0 : piece.pos < piece.size);
    }
    close_file(in, from);
    close_file(out, to);
    set_time(to, status_of(from).st_mtim);
    ZSTD_freeCCtx(context);
    show(to);
}

static int decompress(const char *from, const char *to) {
    ZSTD_DCtx *context = ZSTD_createDCtx();
    FILE *in = open_file(from, "rb"), *out = open_file(to, "wb");
    size_t left = 0;
    for (;;) {
        ZSTD_inBuffer piece = {in_bytes, fread(in_bytes, 1, PIECE_IN, in), 0};
        if (piece.size == 0)
            break;
        // A frame that is complete may still have bytes waiting for room.
        ZSTD_outBuffer unpacked;
        do {
            unpacked = (ZSTD_outBuffer){out_bytes, PIECE_OUT, 0};
            left = ZSTD_decompressStream(context, &unpacked, &piece);
            fwrite(out_bytes, 1, unpacked.pos, out);
        } while (!ZSTD_isError(left) && (piece.pos < piece.size || unpacked.pos == unpacked.size));
        if (ZSTD_isError(left))
            break;
    }
    close_file(in, from);
    close_file(out, to);
    ZSTD_freeDCtx(context);
    if (left != 0) {
        fprintf(stderr, "zstd: %s: %s\n", from, ZSTD_isError(left) ? ZSTD_getErrorName(left) : "it ends too early");
        if (remove(to) != 0)
            fail(to);
        return 1;
    }
    set_time(to, status_of(from).st_mtim);
    show(to);
    return 0;
}

static void damage(const char *path) {
    FILE *file = open_file(path, "r+b");
    if (fseek(file, 0, SEEK_END) != 0)
        fail(path);
    long middle = ftell(file) / 2;
    if (fseek(file, middle, SEEK_SET) != 0)
        fail(path);
    int byte = fgetc(file);
    // Between reading and writing a stream has to be told where it is.
    if (byte == EOF || fseek(file, middle, SEEK_SET) != 0 || fputc(byte ^ 0x55, file) == EOF)
        fail(path);
    close_file(file, path);
    printf("%s: byte %ld was %d\n", path, middle, byte);
}

static int compare(const char *one, const char *other) {
    FILE *a = open_file(one, "rb"), *b = open_file(other, "rb");
    long at = 0;
    int from_a, from_b;
    while ((from_a = fgetc(a)) == (from_b = fgetc(b)) && from_a != EOF)
        at++;
    int same = from_a == from_b;
    close_file(a, one);
    close_file(b, other);
    printf(same ? "%ld bytes, the same\n" : "DIFFERENT from byte %ld on\n", at);
    return !same;
}

int on_files(int argc, char **argv) {
    const char *command = argv[1];
    if (!strcmp(command, "make") && argc == 3)
        make(argv[2]);
    else if (!strcmp(command, "compress") && argc == 5)
        compress(argv[2], argv[3], argv[4]);
    else if (!strcmp(command, "decompress") && argc == 4)
        return decompress(argv[2], argv[3]);
    else if (!strcmp(command, "damage") && argc == 3)
        damage(argv[2]);
    else if (!strcmp(command, "compare") && argc == 4)
        return compare(argv[2], argv[3]);
    else {
        fprintf(stderr, "zstd: zstd_files.c says what can be asked for\n");
        return 2;
    }
    return 0;
}
