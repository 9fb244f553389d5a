// Counts the lines, words and bytes of standard input, as `wc` does.
//
//   echo "one two" | wootz run wordcount.so
//
// Shows a program that reads a stream of any length in a fixed amount of memory.

#include <stdio.h>

int main(void) {
    static unsigned char buffer[1 << 16];
    long lines = 0, words = 0, bytes = 0;
    int in_word = 0;
    size_t length;

    while ((length = fread(buffer, 1, sizeof buffer, stdin)) > 0) {
        bytes += (long)length;
        for (size_t i = 0; i < length; i++) {
            unsigned char c = buffer[i];
            int space = c == ' ' || (c >= '\t' && c <= '\r');
            lines += c == '\n';
            words += !space && !in_word;
            in_word = !space;
        }
    }
    if (ferror(stdin)) {
        perror("wordcount");
        return 1;
    }
    printf("%ld lines, %ld words, %ld bytes\n", lines, words, bytes);
    return 0;
}
