/*
 * What needs more than one thread, a clock or a system: fuel, epochs, stores on several threads, shared memories, WASI, and modules
 * in files. The first argument is a file with a compiled WASI command that prints its arguments.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "guest.h"

#define CHECK(condition)                                                                          \
    do {                                                                                          \
        if (!(condition)) {                                                                       \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                       \
            exit(1);                                                                              \
        }                                                                                         \
    } while (0)

static void check_ok(int line, wootz_error_t *error) {
    if (error) {
        fprintf(stderr, "line %d: %s\n", line, wootz_error_message(error));
        exit(1);
    }
}

#define OK(call) check_ok(__LINE__, call)

static void check_trap(int line, wootz_error_t *error, wootz_trap_t trap) {
    if (!error || wootz_error_trap(error) != trap) {
        fprintf(stderr, "line %d: %s\n", line, error ? wootz_error_message(error) : "no error");
        exit(1);
    }
    wootz_error_delete(error);
}

#define TRAPS(call, trap) check_trap(__LINE__, call, trap)

/* A store with an instance in it, which has this memory if there is one. */
struct guest_in_store {
    wootz_store_t *store;
    struct guest *guest;
    wootz_memory_t *shared;
};

static struct guest_in_store make(wootz_engine_t *engine, const wootz_memory_t *shared) {
    struct guest_in_store made;
    struct guest_imports imports;
    wootz_memory_type_t type = {1, 2, false, true, 16};
    wootz_wasi_t *wasi = wootz_wasi_new();
    made.store = wootz_store_new(engine);
    OK(wootz_store_set_wasi(made.store, wasi));
    OK(wootz_store_set_fuel(made.store, 1000000));
    OK(wootz_store_set_epoch_deadline(made.store, 1000));
    if (shared) {
        OK(wootz_memory_share(shared, made.store, &made.shared));
    } else {
        OK(wootz_memory_new(made.store, &type, &made.shared));
    }
    imports.data = NULL;
    imports.host.shared = made.shared;
    OK(guest_wootz_instantiate(made.store, &imports, &made.guest));
    return made;
}

static void check_fuel(wootz_engine_t *engine) {
    struct guest_in_store made = make(engine, NULL);
    int32_t sum = 0;
    uint64_t before = 0, after = 0;
    OK(wootz_store_get_fuel(made.store, &before));
    OK(guest_work(made.guest, 100, &sum));
    OK(wootz_store_get_fuel(made.store, &after));
    CHECK(sum == 5050 && after < before && before - after > 500);
    OK(wootz_store_set_fuel(made.store, 1000));
    TRAPS(guest_spin(made.guest), WOOTZ_TRAP_OUT_OF_FUEL);
    wootz_store_delete(made.store);
}

static void *tick(void *engine) {
    struct timespec pause = {0, 20 * 1000 * 1000};
    nanosleep(&pause, NULL);
    wootz_engine_increment_epoch((wootz_engine_t *)engine);
    return NULL;
}

static void check_epochs(wootz_engine_t *engine) {
    struct guest_in_store made = make(engine, NULL);
    pthread_t clock;
    OK(wootz_store_set_fuel(made.store, UINT64_MAX));
    OK(wootz_store_set_epoch_deadline(made.store, 1));
    CHECK(pthread_create(&clock, NULL, tick, engine) == 0);
    TRAPS(guest_spin(made.guest), WOOTZ_TRAP_INTERRUPT);
    CHECK(pthread_join(clock, NULL) == 0);
    wootz_store_delete(made.store);
}

/* A store may go from thread to thread. */
static void *work(void *data) {
    struct guest_in_store *made = (struct guest_in_store *)data;
    int round;
    int32_t sum;
    for (round = 0; round < 100; round++) {
        OK(guest_work(made->guest, 100, &sum));
        CHECK(sum == 5050);
        OK(guest_add_x2Dshared(made->guest, 2));
        TRAPS(wootz_instance_call(guest_wootz_instance(made->guest), "spin", NULL, 0), WOOTZ_TRAP_OUT_OF_FUEL);
        OK(wootz_store_set_fuel(made->store, 10000));
    }
    return NULL;
}

static void check_threads(wootz_engine_t *engine) {
    struct guest_in_store made[4];
    pthread_t threads[4];
    int32_t count = 0;
    size_t i;
    for (i = 0; i < 4; i++) {
        /* The first two have a memory together. */
        made[i] = make(engine, i == 1 ? made[0].shared : NULL);
        CHECK(pthread_create(&threads[i], NULL, work, &made[i]) == 0);
    }
    for (i = 0; i < 4; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    for (i = 0; i < 4; i++) {
        OK(wootz_memory_read(made[i].shared, 64, &count, 4));
        CHECK(count == (i < 2 ? 400 : 200));
        CHECK(wootz_memory_pages(made[i].shared) == (i == 1 ? 2 : 1));
        if (i != 1) {
            OK(wootz_memory_grow(made[i].shared, 1, NULL));
        }
        CHECK(wootz_memory_size(made[i].shared) == 2 * 65536);
        wootz_store_delete(made[i].store);
    }
}

static void check_exit(wootz_engine_t *engine) {
    struct guest_in_store made = make(engine, NULL);
    wootz_error_t *error = guest_exit(made.guest, 7);
    int status = 0;
    CHECK(wootz_error_exit_status(error, &status) && status == 7);
    CHECK(wootz_error_exit_status(error, NULL) && wootz_error_trap(error) == WOOTZ_NO_TRAP);
    wootz_error_delete(error);
    wootz_store_delete(made.store);
}

static void check_command(const char *path) {
    static const char *const args[] = {"hello", "one", "two"};
    wootz_engine_t *engine = NULL;
    wootz_module_t *module = NULL;
    wootz_store_t *store;
    wootz_instance_t *instance = NULL;
    wootz_error_t *error;
    wootz_wasi_t *wasi = wootz_wasi_new();
    int status = 0;
    OK(wootz_engine_new(NULL, &engine));
    OK(wootz_module_load(engine, path, &module));
    store = wootz_store_new(engine);
    error = wootz_instance_new(store, module, NULL, 0, &instance);
    CHECK(error && strstr(wootz_error_message(error), "a function of WASI, which the store does not have"));
    wootz_error_delete(error);
    wootz_wasi_inherit_stdio(wasi);
    OK(wootz_wasi_args(wasi, 3, args));
    OK(wootz_wasi_env(wasi, "GREETING_NAME", "C"));
    OK(wootz_wasi_dir(wasi, ".", "/", true));
    error = wootz_wasi_dir(wasi, "/nowhere/at/all", "/", true);
    CHECK(error && strstr(wootz_error_message(error), "/nowhere/at/all"));
    wootz_error_delete(error);
    error = wootz_wasi_args(wasi, 2, NULL);
    CHECK(error && strstr(wootz_error_message(error), "expected 2 arguments, found a null pointer"));
    wootz_error_delete(error);
    OK(wootz_store_set_wasi(store, wasi));
    OK(wootz_instance_new(store, module, NULL, 0, &instance));
    wootz_module_delete(module);
    error = wootz_instance_call(instance, "_start", NULL, 0);
    CHECK(!error || (wootz_error_exit_status(error, &status) && status == 0));
    wootz_error_delete(error);
    wootz_store_delete(store);
    wootz_engine_delete(engine);
}

int main(int argc, char **argv) {
    wootz_config_t *config = wootz_config_new();
    wootz_engine_t *engine = NULL;
    CHECK(argc == 2);
    wootz_config_consume_fuel(config, true);
    wootz_config_epoch_interruption(config, true);
    wootz_config_max_wasm_stack(config, 1 << 18);
    OK(wootz_engine_new(config, &engine));
    wootz_config_delete(config);
    check_fuel(engine);
    check_epochs(engine);
    check_threads(engine);
    check_exit(engine);
    wootz_engine_delete(engine);
    /* Settings that do not fit the module's, and such that fit nothing. */
    config = wootz_config_new();
    OK(wootz_engine_new(config, &engine));
    {
        wootz_module_t *module = NULL;
        wootz_error_t *error = wootz_module_from_static(engine, &guest_wootz_module, &module);
        CHECK(error && !module && strstr(wootz_error_message(error), "consume_fuel"));
        wootz_error_delete(error);
    }
    wootz_engine_delete(engine);
    wootz_config_max_wasm_stack(config, 0);
    {
        wootz_error_t *error = wootz_engine_new(config, &engine);
        CHECK(error && !engine && strstr(wootz_error_message(error), "max_wasm_stack"));
        wootz_error_delete(error);
    }
    wootz_config_delete(config);
    check_command(argv[1]);
    fflush(stdout);
    puts("done");
    return 0;
}
