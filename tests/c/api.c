/* Everything that wootz.h has, and everything that a generated header has, with what goes wrong. */
#include <stdio.h>
#include <stdlib.h>

#include "kitchen.h"

static int checks;

#define CHECK(condition)                                                                          \
    do {                                                                                          \
        checks++;                                                                                 \
        if (!(condition)) {                                                                       \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                       \
            exit(1);                                                                              \
        }                                                                                         \
    } while (0)

static void check_ok(int line, wootz_error_t *error) {
    checks++;
    if (error) {
        fprintf(stderr, "line %d: %s\n", line, wootz_error_message(error));
        exit(1);
    }
}

/* The error must have this in its message. */
static void check_error(int line, wootz_error_t *error, const char *part) {
    checks++;
    if (!error || !strstr(wootz_error_message(error), part)) {
        fprintf(stderr, "line %d: expected `%s`, found `%s`\n", line, part,
            error ? wootz_error_message(error) : "no error");
        exit(1);
    }
    wootz_error_delete(error);
}

#define OK(call) check_ok(__LINE__, call)
#define FAILS(call, part) check_error(__LINE__, call, part)

/* ---- The host's side ---- */

struct host {
    wootz_store_t *store;
    struct kitchen *instance; /* NULL until it is made */
    int starts;
    int depth;
};

static wootz_error_t *mix(
    void *data, struct kitchen *caller, int32_t p0, int64_t p1, float p2, double p3, double *r0) {
    struct host *host = (struct host *)data;
    CHECK(caller == host->instance);
    *r0 = p0 + (double)p1 + p2 + p3;
    return NULL;
}

static wootz_error_t *swap(
    void *data, struct kitchen *caller, const wootz_v128_t *p0, int32_t p1, int32_t *r0, wootz_v128_t *r1) {
    int lane;
    (void)data;
    (void)caller;
    *r0 = -p1;
    for (lane = 0; lane < 16; lane++) {
        r1->bytes[lane] = p0->bytes[15 - lane];
    }
    return NULL;
}

static wootz_error_t *refs(void *data, struct kitchen *caller, void *p0, wootz_func_t *p1,
    wootz_func_t **r0, void **r1) {
    (void)caller;
    CHECK(p0 == NULL || p0 == data);
    *r0 = p1;
    *r1 = p0;
    return NULL;
}

/* Calls the guest again, by turns through the caller and through the first handle, until n is 0. */
static wootz_error_t *reenter(void *data, struct kitchen *caller, int32_t p0, int32_t *r0) {
    struct host *host = (struct host *)data;
    wootz_memory_t *memory = kitchen_memory(caller);
    char text[15] = {0};
    int32_t below = 0;
    wootz_error_t *error;
    CHECK(caller == host->instance);
    CHECK(wootz_instance_store(kitchen_wootz_instance(caller)) == host->store);
    OK(wootz_memory_read(memory, 16, text, 14));
    CHECK(strcmp(text, "from the guest") == 0);
    host->depth++;
    if (p0 == 0) {
        uint64_t former = 0;
        OK(wootz_memory_grow(memory, 1, &former));
        CHECK(former == 1);
        /* The store cannot go while its guests run, and its limits cannot change. */
        wootz_store_delete(host->store);
        FAILS(wootz_store_limit(host->store, 1, 1, 1, 1, 1), "while a guest runs");
        *r0 = 100;
        return NULL;
    }
    error = kitchen_reenter(p0 % 2 ? caller : host->instance, p0 - 1, &below);
    *r0 = below + 1;
    return error;
}

static wootz_error_t *fail(void *data, struct kitchen *caller, int32_t p0) {
    int32_t quotient;
    (void)data;
    switch (p0) {
    case 0:
        return wootz_error_new("the host does not want to");
    case 1: /* an error that comes from a guest below */
        return kitchen_divide(caller, 1, 0, &quotient);
    case 2: /* the caller is of this module, and has a pointer */
        CHECK(caller != NULL && kitchen_wootz_of(kitchen_wootz_instance(caller)) == caller);
        return NULL;
    default:
        return NULL;
    }
}

static wootz_error_t *start(void *data, struct kitchen *caller) {
    struct host *host = (struct host *)data;
    int32_t result = 0;
    CHECK(caller != NULL && host->instance == NULL);
    CHECK(wootz_memory_size(kitchen_memory(caller)) == 65536);
    OK(kitchen_seven(caller, &result));
    CHECK(result == 7);
    host->instance = caller;
    host->starts++;
    return NULL;
}

static wootz_error_t *thirteen(void *data, wootz_function_t function, wootz_instance_t *caller,
    wootz_value_t *values, size_t count) {
    CHECK(count == 1 && function == NULL && data != NULL);
    (void)caller;
    values[0].i32 = 13;
    return NULL;
}

/* ---- What is checked ---- */

static struct kitchen_imports imports_of(struct host *host) {
    struct kitchen_imports imports;
    wootz_memory_type_t memory_type = {1, 2, false, false, 16};
    wootz_value_t zero;
    memset(&imports, 0, sizeof imports);
    memset(&zero, 0, sizeof zero);
    imports.data = host;
    imports.host.mix = mix;
    imports.host.swap = swap;
    imports.host.refs = refs;
    imports.host.reenter = reenter;
    imports.host.fail = fail;
    imports.host.start = start;
    OK(wootz_memory_new(host->store, &memory_type, &imports.host.memory));
    OK(wootz_table_new(host->store, WOOTZ_FUNCREF, 2, UINT64_MAX, NULL, &imports.host.table));
    OK(wootz_global_new(host->store, WOOTZ_I64, true, &zero, &imports.host.counter));
    return imports;
}

static void check_calls(struct host *host) {
    struct kitchen *instance = host->instance;
    double mixed = 0;
    int32_t number = 0, one, five;
    int64_t two, six;
    float three;
    double four;
    wootz_v128_t vector, reversed;
    int lane;
    OK(kitchen_mix(instance, 1, 1LL << 40, 0.25f, 0.5, &mixed));
    CHECK(mixed == 1 + 1099511627776.0 + 0.25 + 0.5);
    OK(kitchen_sum_x2D20(instance, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, &mixed));
    CHECK(mixed == 210);
    OK(kitchen_six(instance, &one, &two, &three, &four, &five, &six));
    CHECK(one == 1 && two == 2 && three == 3 && four == 4 && five == 5 && six == 6);
    for (lane = 0; lane < 16; lane++) {
        vector.bytes[lane] = (uint8_t)lane;
    }
    OK(kitchen_swap(instance, &vector, 9, &number, &reversed));
    CHECK(number == -9 && reversed.bytes[0] == 15 && reversed.bytes[15] == 0);
    OK(kitchen_reenter(instance, 5, &number));
    CHECK(number == 105 && host->depth == 6);
    OK(kitchen_grow(instance, 1, &number));
    CHECK(number == 2);
}

/* Guest and host call each other without end. */
static void check_recursion(struct host *host) {
    int32_t number = 0;
    wootz_error_t *error;
    host->depth = 0;
    error = kitchen_reenter(host->instance, 100000000, &number);
    CHECK(error != NULL && wootz_error_trap(error) == WOOTZ_TRAP_STACK_OVERFLOW);
    CHECK(host->depth > 10);
    wootz_error_delete(error);
    OK(kitchen_seven(host->instance, &number));
}

static void check_references(struct host *host, struct kitchen_imports *imports) {
    struct kitchen *instance = host->instance;
    wootz_func_t *seven = wootz_instance_func(kitchen_wootz_instance(instance), "seven");
    wootz_func_t *mine = NULL, *func = NULL;
    void *pointer = NULL;
    wootz_value_kind_t result = WOOTZ_I32;
    wootz_func_type_t type = {NULL, 0, &result, 1};
    wootz_value_t value, values[2];
    wootz_global_t *kept = kitchen_kept(instance);
    wootz_table_t *objects = kitchen_objects(instance);
    uint64_t former = 0;
    int32_t number = 0;
    int round;

    CHECK(seven != NULL);
    OK(kitchen_refs(instance, host, seven, &func, &pointer));
    CHECK(func == seven && pointer == host);
    OK(wootz_global_get(kept, WOOTZ_EXTERNREF, &value));
    CHECK(value.externref == host);
    for (round = 0; round < 3000; round++) { /* more than are kept without looking for those that are unused */
        OK(kitchen_refs(instance, host, NULL, &func, &pointer));
        CHECK(func == NULL && pointer == host);
    }
    OK(kitchen_refs(instance, NULL, NULL, &func, &pointer));
    CHECK(func == NULL && pointer == NULL);
    wootz_store_gc(host->store);

    OK(wootz_func_new(host->store, &type, thirteen, host, &mine));
    CHECK(wootz_func_param_count(mine) == 0 && wootz_func_result_count(mine) == 1);
    CHECK(wootz_func_result_kind(mine, 0) == WOOTZ_I32 && wootz_func_result_kind(mine, 1) == -1);
    CHECK(wootz_func_param_kind(mine, 0) == -1);
    OK(wootz_func_call(mine, &value, 1));
    CHECK(value.i32 == 13);
    value.funcref = mine;
    OK(wootz_table_set(imports->host.table, 1, &value));
    OK(kitchen_indirect(instance, 1, &number));
    CHECK(number == 13);
    value.funcref = seven;
    OK(wootz_table_set(imports->host.table, 0, &value));
    OK(kitchen_indirect(instance, 0, &number));
    CHECK(number == 7);
    OK(wootz_table_get(imports->host.table, 1, &value));
    CHECK(value.funcref == mine);
    FAILS(kitchen_indirect(instance, 2, &number), "out of bounds table access");
    FAILS(wootz_table_get(imports->host.table, 2, &value), "the table has 2 elements");

    value.externref = host;
    OK(wootz_table_set(objects, 2, &value));
    OK(wootz_table_grow(objects, 1, &value, &former));
    CHECK(former == 3 && wootz_table_size(objects) == 4);
    OK(wootz_table_get(objects, 3, &value));
    CHECK(value.externref == host && wootz_table_kind(objects) == WOOTZ_EXTERNREF);
    OK(wootz_table_get(objects, 0, &value));
    CHECK(value.externref == NULL);
    FAILS(wootz_table_grow(objects, 2, NULL, NULL), "failed to grow table");

    values[0].externref = NULL;
    values[1].funcref = (wootz_func_t *)objects;
    FAILS(wootz_instance_call(kitchen_wootz_instance(instance), "refs", values, 2), "expected a wootz_func_t");
    values[1].funcref = (wootz_func_t *)&values; /* is not even looked at */
    FAILS(wootz_instance_call(kitchen_wootz_instance(instance), "refs", values, 2), "of this store");
}

static void check_memories_and_globals(struct host *host, struct kitchen_imports *imports) {
    struct kitchen *instance = host->instance;
    wootz_memory_t *memory = kitchen_memory(instance);
    wootz_memory_type_t type;
    int32_t number = 0;
    unsigned char bytes[4];
    int64_t count = 0;
    float ratio = 0;
    wootz_value_t value;
    uint64_t former = 0;
    CHECK(memory == wootz_instance_memory(kitchen_wootz_instance(instance), "memory"));
    CHECK(wootz_memory_pages(memory) == 3 && wootz_memory_size(memory) == 3 * 65536);
    CHECK(memcmp((char *)wootz_memory_data(memory) + 16, "from the guest", 14) == 0);
    OK(wootz_memory_write(memory, 3 * 65536 - 2, "ab", 2));
    FAILS(wootz_memory_write(memory, 3 * 65536 - 1, "ab", 2), "the memory has 196608 bytes");
    FAILS(wootz_memory_read(memory, UINT64_MAX, &number, 4), "out of bounds");
    OK(wootz_memory_read(memory, 3 * 65536, NULL, 0));
    FAILS(wootz_memory_read(memory, 0, NULL, 1), "nothing to read into");
    FAILS(wootz_memory_grow(memory, 1, &former), "failed to grow memory");
    OK(wootz_memory_type(memory, &type));
    CHECK(type.minimum == 1 && type.maximum == 3 && !type.is_64 && !type.is_shared && type.page_size_log2 == 16);
    OK(kitchen_poke(instance, 8, 0x01020304));
    OK(wootz_memory_read(imports->host.memory, 8, bytes, 4));
    CHECK(memcmp(bytes, "\4\3\2\1", 4) == 0); /* on every machine */

    OK(wootz_global_get_i32(kitchen_answer(instance), &number));
    CHECK(number == 42 && !wootz_global_is_mutable(kitchen_answer(instance)));
    FAILS(wootz_global_set_i32(kitchen_answer(instance), 1), "immutable global");
    FAILS(wootz_global_get_i64(kitchen_answer(instance), &count), "expected a global of kind I64, found I32");
    OK(wootz_global_set_f32(kitchen_ratio(instance), 2.5f));
    OK(wootz_global_get_f32(kitchen_ratio(instance), &ratio));
    CHECK(ratio == 2.5f && wootz_global_kind(kitchen_ratio(instance)) == WOOTZ_F32);
    OK(wootz_global_set_i64(imports->host.counter, 40));
    OK(kitchen_count(instance, &count));
    CHECK(count == 41);
    OK(wootz_global_get_i64(imports->host.counter, &count));
    CHECK(count == 41);
    value.i32 = 1;
    FAILS(wootz_global_set(kitchen_ratio(instance), (wootz_value_kind_t)77, &value), "found 77");
}

static void check_errors(struct host *host) {
    struct kitchen *instance = host->instance;
    wootz_instance_t *plain = kitchen_wootz_instance(instance);
    wootz_error_t *error;
    const wootz_frame_t *frame;
    wootz_value_t values[5];
    int32_t number = 0;
    int status;
    error = kitchen_trap(instance);
    CHECK(error != NULL && wootz_error_trap(error) == WOOTZ_TRAP_UNREACHABLE);
    CHECK(strncmp(wootz_error_message(error), "wasm trap: wasm `unreachable` instruction executed\n", 50) == 0);
    CHECK(strstr(wootz_error_message(error), "kitchen!inner") != NULL);
    CHECK(wootz_error_frame_count(error) == 2 && wootz_error_frame(error, 2) == NULL);
    frame = wootz_error_frame(error, 0);
    CHECK(strcmp(frame->function, "inner") == 0 && strcmp(frame->module, "kitchen") == 0);
    CHECK(frame->file == NULL && frame->line == 0 && frame->wasm_offset != UINT64_MAX);
    CHECK(strcmp(wootz_error_frame(error, 1)->function, "outer") == 0);
    CHECK(wootz_error_frame(error, 1)->function_index == frame->function_index + 1);
    CHECK(!wootz_error_exit_status(error, &status));
    wootz_error_delete(error);

    FAILS(kitchen_fail(instance, 0), "the host does not want to\nerror while executing at wasm backtrace:");
    error = kitchen_fail(instance, 1);
    CHECK(error != NULL && wootz_error_trap(error) == WOOTZ_TRAP_INTEGER_DIVISION_BY_ZERO);
    wootz_error_delete(error);
    OK(kitchen_fail(instance, 2));
    error = kitchen_divide(instance, 7, 0, &number);
    CHECK(wootz_error_trap(error) == WOOTZ_TRAP_INTEGER_DIVISION_BY_ZERO);
    wootz_error_delete(error);

    memset(values, 0, sizeof values);
    values[0].i32 = 8;
    values[1].i32 = 2;
    OK(wootz_instance_call(plain, "divide", values, 2));
    CHECK(values[0].i32 == 4);
    FAILS(wootz_instance_call(plain, "divide", values, 3), "expected 2 values");
    FAILS(wootz_instance_call(plain, "divide", NULL, 2), "expected 2 values, found a null pointer");
    FAILS(wootz_instance_call(plain, "divide", (wootz_value_t *)(void *)((char *)values + 8), 2), "aligned to 16 bytes");
    FAILS(wootz_instance_call(plain, "nothing", values, 0), "exports nothing named `nothing`");
    FAILS(wootz_instance_call(plain, "memory", values, 0), "expected a function, found a memory: the export `memory`");
    FAILS(wootz_instance_call(plain, NULL, values, 0), "expected the name of an export, found a null pointer");
    FAILS(wootz_instance_call(plain, "\xff", values, 0), "in UTF-8");
    FAILS(wootz_instance_call((wootz_instance_t *)host->store, "divide", values, 2), "expected a wootz_instance_t");
    CHECK(wootz_instance_memory(plain, "seven") == NULL && wootz_instance_func_at(plain, 1000) == NULL);
    CHECK(wootz_instance_global_at(plain, 0) == NULL && wootz_instance_memory_at(plain, 0) == kitchen_memory(instance));
    CHECK(wootz_memory_data((wootz_memory_t *)kitchen_kept(instance)) == NULL);
    CHECK(wootz_instance_is_of(plain, &kitchen_wootz_module) && !wootz_instance_is_of(plain, NULL));
    CHECK(kitchen_wootz_of(plain) == instance && kitchen_wootz_of(NULL) == NULL);
}

static void check_null(wootz_engine_t *engine, wootz_store_t *store) {
    wootz_module_t *module = (wootz_module_t *)store;
    wootz_instance_t *instance = NULL;
    wootz_engine_t *other = NULL;
    wootz_import_t unnamed;
    struct kitchen *kitchen = NULL;
    struct kitchen_imports empty;
    uint64_t fuel;
    FAILS(wootz_engine_new(NULL, NULL), "no place for the result");
    FAILS(wootz_engine_new((wootz_config_t *)store, &other), "expected a wootz_config_t, found a pointer to something else");
    CHECK(other == NULL);
    /* What is smaller than that for which it is taken. */
    FAILS(wootz_instance_call((wootz_instance_t *)engine, "x", NULL, 0), "expected a wootz_instance_t, found a pointer to");
    FAILS(wootz_module_load(NULL, "x", &module), "expected a wootz_engine_t, found a null pointer");
    CHECK(module == NULL);
    FAILS(wootz_module_load(engine, NULL, &module), "expected the path of a module");
    FAILS(wootz_module_load(engine, "/nowhere/at-all.so", &module), "/nowhere/at-all.so");
    FAILS(wootz_module_from_static(engine, NULL, &module), "expected a wootz_static_module_t");
    FAILS(wootz_module_from_static(engine, (const wootz_static_module_t *)"this is no descriptor, but it has many bytes .....",
              &module), "failed to use a module that is part of the program");
    CHECK(module == NULL && wootz_store_new(NULL) == NULL);
    FAILS(wootz_store_set_fuel(NULL, 1), "expected a wootz_store_t");
    FAILS(wootz_store_get_fuel(store, &fuel), "fuel is not configured");
    FAILS(wootz_store_get_fuel(store, NULL), "no place");
    FAILS(wootz_store_set_wasi(store, NULL), "expected a wootz_wasi_t");
    FAILS(wootz_instance_new(store, NULL, NULL, 0, &instance), "expected a wootz_module_t");
    FAILS(wootz_func_new(store, NULL, thirteen, NULL, NULL), "no place");
    FAILS(kitchen_wootz_instantiate(store, NULL, &kitchen), "`imports` is NULL");
    FAILS(kitchen_wootz_instantiate(NULL, NULL, &kitchen), "expected a wootz_engine_t");
    memset(&empty, 0, sizeof empty);
    FAILS(kitchen_wootz_instantiate(store, &empty, NULL), "no place");
    FAILS(kitchen_wootz_instantiate(store, &empty, &kitchen),
        "wrong import for `host::mix`, a function (func (param i32 i64 f32 f64) (result f64)): it is null in the list");
    CHECK(kitchen == NULL);
    OK(wootz_module_from_static(engine, &kitchen_wootz_module, &module));
    FAILS(wootz_instance_new(store, module, NULL, 0, &instance), "the module imports `host::mix`");
    FAILS(wootz_instance_new(store, module, NULL, 1, &instance), "expected 1 imports, found a null pointer");
    unnamed = wootz_import_func(NULL, "mix", NULL);
    unnamed.module_size = 3;
    FAILS(wootz_instance_new(store, module, &unnamed, 1, &instance), "expected 3 bytes of a module's name");
    unnamed = wootz_import_memory("host", "mix", NULL);
    FAILS(wootz_instance_new(store, module, &unnamed, 1, &instance), "expected a function, found a memory");
    unnamed.kind = (wootz_kind_t)9;
    FAILS(wootz_instance_new(store, module, &unnamed, 1, &instance), "expected a wootz_kind_t, found 9");
    wootz_module_delete(module);
    wootz_error_delete(NULL);
    wootz_engine_delete(NULL);
    wootz_config_delete(NULL);
    wootz_module_delete(NULL);
    wootz_store_delete(NULL);
    wootz_wasi_delete(NULL);
    wootz_instance_delete(NULL);
    CHECK(wootz_error_trap(NULL) == WOOTZ_NO_TRAP && wootz_error_frame_count(NULL) == 0);
    CHECK(wootz_error_message(NULL)[0] == 0 && !wootz_error_exit_status(NULL, NULL));
    CHECK(wootz_memory_size(NULL) == 0 && wootz_table_size(NULL) == 0 && wootz_global_kind(NULL) == -1);
    CHECK(wootz_func_param_count(NULL) == -1 && wootz_instance_func(NULL, "x") == NULL);
    CHECK(kitchen_memory(NULL) == NULL && wootz_memory_data(kitchen_memory(NULL)) == NULL);
}

static void check_module(wootz_engine_t *engine) {
    wootz_module_t *module = NULL;
    wootz_import_type_t import;
    wootz_export_type_t export_;
    OK(wootz_module_from_static(engine, &kitchen_wootz_module, &module));
    CHECK(wootz_module_import_count(module) == 9 && wootz_module_export_count(module) == 20);
    CHECK(wootz_module_import(module, 6, &import) && import.kind == WOOTZ_MEMORY);
    CHECK(import.module_size == 4 && memcmp(import.module, "host", 4) == 0);
    CHECK(import.name_size == 6 && memcmp(import.name, "memory", 6) == 0);
    CHECK(wootz_module_export(module, 0, &export_) && export_.kind == WOOTZ_MEMORY);
    CHECK(!wootz_module_import(module, 9, &import) && !wootz_module_export(module, 20, &export_));
    wootz_module_delete(module);
}

/* Things of one store in another; many instances in one; handles that are given back. */
static void check_stores(wootz_engine_t *engine, struct host *host, struct kitchen_imports *imports) {
    struct host second = {NULL, NULL, 0, 0};
    struct kitchen_imports own;
    struct kitchen *instance = NULL, *another = NULL;
    wootz_module_t *module = NULL;
    wootz_engine_t *foreign = NULL;
    int32_t number = 0;
    wootz_memory_t *memory, *none;
    wootz_func_t *fail_later;
    wootz_value_t value;
    second.store = wootz_store_new(engine);
    own = imports_of(&second);
    own.host.memory = imports->host.memory;
    FAILS(kitchen_wootz_instantiate(second.store, &own, &instance), "expected a wootz_memory_t of this store");
    own = imports_of(&second);
    own.host.memory = (wootz_memory_t *)own.host.table;
    FAILS(kitchen_wootz_instantiate(second.store, &own, &instance), "expected a wootz_memory_t");
    own = imports_of(&second);
    OK(wootz_module_from_static(engine, &kitchen_wootz_module, &module));
    OK(kitchen_wootz_instantiate_module(second.store, module, &own, &instance));
    CHECK(second.starts == 1 && second.instance == instance);
    memory = kitchen_memory(instance);
    none = memory;
    FAILS(wootz_memory_share(memory, host->store, &none), "not a shared one");
    FAILS(wootz_memory_share(NULL, host->store, &none), "expected a wootz_memory_t, found a null pointer");
    CHECK(none == NULL);
    second.instance = NULL;
    OK(kitchen_wootz_instantiate_module(second.store, module, &own, &another));
    CHECK(second.starts == 2 && second.instance == another && another != instance);
    wootz_module_delete(module);
    /* What was exported stays good when the instance's pointer is given back, and callbacks get another. */
    fail_later = wootz_instance_func(kitchen_wootz_instance(instance), "fail");
    kitchen_wootz_delete(instance);
    CHECK(wootz_memory_size(memory) == 65536);
    value.i32 = 2;
    OK(wootz_func_call(fail_later, &value, 1));
    OK(kitchen_seven(another, &number));
    OK(kitchen_reenter(another, 2, &number));
    wootz_store_delete(second.store);
    OK(kitchen_seven(host->instance, &number));

    OK(wootz_engine_new(NULL, &foreign));
    second.store = wootz_store_new(foreign);
    OK(wootz_module_from_static(engine, &kitchen_wootz_module, &module));
    own = imports_of(&second);
    FAILS(kitchen_wootz_instantiate_module(second.store, module, &own, &instance), "different engines");
    wootz_module_delete(module);
    wootz_engine_delete(foreign);
    /* The number of instances is limited. */
    OK(wootz_store_limit(second.store, -1, -1, 0, -1, -1));
    FAILS(kitchen_wootz_instantiate(second.store, &own, &instance), "instance count too high");
    OK(wootz_store_limit(second.store, 65535, -1, -1, -1, -1));
    FAILS(kitchen_wootz_instantiate(second.store, &own, &instance), "exceeds memory limits");
    wootz_store_delete(second.store);
}

int main(void) {
    wootz_engine_t *engine = NULL;
    struct host host = {NULL, NULL, 0, 0};
    struct kitchen_imports imports;
    struct kitchen *instance = NULL;
    OK(wootz_engine_new(NULL, &engine));
    host.store = wootz_store_new(engine);
    CHECK(host.store != NULL);
    imports = imports_of(&host);
    OK(kitchen_wootz_instantiate(host.store, &imports, &instance));
    CHECK(instance != NULL && instance == host.instance && host.starts == 1);
    check_calls(&host);
    check_references(&host, &imports);
    check_memories_and_globals(&host, &imports);
    check_errors(&host);
    check_null(engine, host.store);
    check_module(engine);
    check_stores(engine, &host, &imports);
    check_recursion(&host);
    wootz_engine_delete(engine);
    OK(kitchen_grow(instance, 0, &host.depth)); /* the store keeps what it needs */
    wootz_store_delete(host.store);
    printf("%d checks\n", checks);
    return 0;
}
