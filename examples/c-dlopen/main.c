/*
 * A program that opens a compiled module at run time, as it opens any shared library, and uses it without knowing it:
 * lists its exports, and calls some of them by name.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include <wootz.h>

static void check(wootz_error_t *error) {
    if (error) {
        fprintf(stderr, "error: %s\n", wootz_error_message(error));
        exit(1);
    }
}

static void list_exports(const wootz_module_t *module) {
    static const char *const kinds[] = {"function", "table", "memory", "global", "tag"};
    wootz_export_type_t type;
    size_t i;
    for (i = 0; wootz_module_export(module, i, &type); i++) {
        printf("%-8s %.*s\n", kinds[type.kind], (int)type.name_size, type.name);
    }
}

int main(int argc, char **argv) {
    static const char text[] = "Wikipedia";
    void *library;
    const wootz_static_module_t *descriptor;
    wootz_engine_t *engine = NULL;
    wootz_module_t *module = NULL;
    wootz_store_t *store;
    wootz_instance_t *instance = NULL;
    wootz_value_t values[2];
    wootz_memory_t *memory;

    if (argc != 2) {
        fprintf(stderr, "usage: %s MODULE.so\n", argv[0]);
        return 2;
    }
    library = dlopen(argv[1], RTLD_NOW);
    descriptor = library ? (const wootz_static_module_t *)dlsym(library, "wootz_module") : NULL;
    if (!descriptor) {
        fprintf(stderr, "error: %s\n", dlerror());
        return 1;
    }
    check(wootz_engine_new(NULL, &engine));
    check(wootz_module_from_static(engine, descriptor, &module));
    list_exports(module);

    store = wootz_store_new(engine);
    check(wootz_instance_new(store, module, NULL, 0, &instance));
    values[0].i32 = 20;
    check(wootz_instance_call(instance, "fib", values, 1));
    printf("fib(20) = %lld\n", (long long)values[0].i64);

    /* Bytes for the module go into its memory, where it says. */
    memory = wootz_instance_memory(instance, "memory");
    values[0].i32 = sizeof text - 1;
    check(wootz_instance_call(instance, "alloc", values, 1));
    check(wootz_memory_write(memory, (uint32_t)values[0].i32, text, sizeof text - 1));
    values[1].i32 = sizeof text - 1;
    check(wootz_instance_call(instance, "checksum", values, 2));
    printf("checksum(\"%s\") = %08x\n", text, (unsigned)values[0].i32);

    /* The library is closed when nothing uses the module any more. */
    wootz_store_delete(store);
    wootz_module_delete(module);
    wootz_engine_delete(engine);
    return dlclose(library);
}
