// What the two halves of the zstd program share: zstd.c, which stays in memory, and zstd_files.c.

#include <stddef.h>

enum { SIZE = 6 << 20 };

// SIZE made-up bytes, the same every time in a fresh process.
void fill(unsigned char *bytes);

// Returns the result of a function of zstd's; if it is an error, prints it and ends the program with status 1.
size_t check(const char *what, size_t result);

// Does what the command line says with files.
int on_files(int argc, char **argv);
