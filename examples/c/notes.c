// Keeps notes, one a line, in the file that its first argument names; the others are a note to add.
//
//   wootz run --dir . notes.so notes.txt buy milk
//
// Shows a program that uses files, and says why it cannot.

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int failed(const char *what, const char *file) {
    fprintf(stderr, "cannot %s %s: %s\n", what, file, strerror(errno));
    return 1;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE [WORD...]\n", argv[0]);
        return 2;
    }
    if (argc > 2) {
        FILE *file = fopen(argv[1], "a");
        if (!file) return failed("write", argv[1]);
        for (int i = 2; i < argc; i++) {
            fprintf(file, "%s%c", argv[i], i + 1 < argc ? ' ' : '\n');
        }
        if (fclose(file) != 0) return failed("write", argv[1]);
    }
    FILE *file = fopen(argv[1], "r");
    if (!file) return failed("read", argv[1]);
    char line[256];
    for (int number = 1; fgets(line, sizeof line, file); number++) {
        printf("%d. %s", number, line);
    }
    fclose(file);
    return 0;
}
