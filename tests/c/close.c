/* Opens and closes libwootz.so, and then gets a signal of its own making. The program was ready for that before. */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <wootz.h>

static void handle(int number) {
    static const char text[] = "the program's own handler\n";
    _exit(number == SIGSEGV && write(1, text, sizeof text - 1) > 0 ? 0 : 1);
}

int main(int argc, char **argv) {
    wootz_error_t *(*engine_new)(const wootz_config_t *, wootz_engine_t **);
    void (*engine_delete)(wootz_engine_t *);
    wootz_store_t *(*store_new)(const wootz_engine_t *);
    void (*store_delete)(wootz_store_t *);
    wootz_engine_t *engine = NULL;
    void *library;
    signal(SIGSEGV, handle);
    library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!library) {
        return 1;
    }
    *(void **)&engine_new = dlsym(library, "wootz_engine_new");
    *(void **)&engine_delete = dlsym(library, "wootz_engine_delete");
    *(void **)&store_new = dlsym(library, "wootz_store_new");
    *(void **)&store_delete = dlsym(library, "wootz_store_delete");
    if (engine_new(NULL, &engine)) {
        return 1;
    }
    store_delete(store_new(engine));
    engine_delete(engine);
    if (dlclose(library) != 0) {
        return 1;
    }
    puts("closed");
    fflush(stdout);
    raise(SIGSEGV);
    return 1;
}
