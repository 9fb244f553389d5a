// What begins programs for which there is no C library.

int main(void);

__attribute__((export_name("_start"))) void begin(void) {
    if (main() != 0)
        __builtin_trap();
}
