/*
 * libwootz: WebAssembly modules that were compiled ahead of time, in C programs.
 *
 * A module is compiled to an object that is linked into the program (`wootz compile --emit object --prefix plugin
 * --header plugin.h`), or to a shared library that is opened at run time (`wootz compile`). This library makes instances of
 * it. A generated header has a function for each export, so most programs need of this one: an engine, a store, and what to
 * do with errors.
 *
 *     wootz_engine_t                      settings; one for the whole program
 *      |-- wootz_module_t                 a compiled module; any number of instances can be made of it
 *      `-- wootz_store_t                  everything that lives together
 *           `-- wootz_instance_t          a module with everything that it imports
 *                `-- wootz_func_t, wootz_memory_t, wootz_table_t, wootz_global_t, wootz_tag_t
 *
 * OWNERSHIP. What a function called ..._new, _load or _from_static gives is the caller's, who hands it to ..._delete at the
 * end. Modules and stores keep what they need of their engine, instances what they need of their module, so the order does
 * not matter. Everything in a store belongs to the store: pointers to it are good until the store is deleted, and nothing
 * has to be done with them. Deleting NULL does nothing.
 *
 * ERRORS. A function that can fail returns wootz_error_t *: NULL if all went well, or an error that the caller deletes. A
 * result (`out`, always the last) is then not there: pointers are set to NULL, anything else is left alone. Functions that
 * just look at something return 0, NULL, false or -1 where there is nothing to look at.
 *
 * THREADS. Engines and modules may be used by any number of threads at a time. A store, and everything in it, is used by one
 * thread at a time, not always the same. Errors and settings likewise.
 *
 * WHAT IS CHECKED. NULL, and a pointer to another thing of this library, is an error and never more. What is not checked: that
 * a pointer points to a thing of this library at all, and to one that has not been deleted; that strings end; and that arrays
 * have the size that is said. The functions of generated headers are no functions of this library: they say what they need.
 *
 * The library catches the signals SIGSEGV, SIGBUS, SIGILL and SIGFPE, by which guests trap, and hands those that do not come
 * from guests on to the handlers that were there before.
 */
#ifndef WOOTZ_H
#define WOOTZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Values ---- */

/* Something of 16 bytes that lies at a multiple of 16. */
#if defined(__GNUC__) || defined(__clang__)
#define WOOTZ_ALIGNED_16 __attribute__((aligned(16)))
#elif defined(_MSC_VER)
#define WOOTZ_ALIGNED_16 __declspec(align(16))
#else
#error "wootz.h does not know how this compiler aligns types"
#endif

/* A vector; the lowest lane comes first. */
typedef struct WOOTZ_ALIGNED_16 wootz_v128 {
    uint8_t bytes[16];
} wootz_v128_t;

typedef struct wootz_func wootz_func_t;

/*
 * A value: of an argument, result, global, or element of a table.
 *
 * A function is a wootz_func_t of the same store. An `externref` is whatever the program likes; guests can hold it and give it
 * back, but not look into it. NULL is null for both; so it is for references of other types, of which there is nothing else.
 */
typedef union WOOTZ_ALIGNED_16 wootz_value {
    int32_t i32;
    int64_t i64;
    float f32;
    double f64;
    wootz_v128_t v128;
    wootz_func_t *funcref;
    void *externref;
} wootz_value_t;

/* What a value is. */
typedef enum wootz_value_kind {
    WOOTZ_I32 = 0,
    WOOTZ_I64 = 1,
    WOOTZ_F32 = 2,
    WOOTZ_F64 = 3,
    WOOTZ_V128 = 4,
    WOOTZ_FUNCREF = 5,   /* a function, of whatever type */
    WOOTZ_EXTERNREF = 6, /* a pointer of the host's */
    WOOTZ_ANYREF = 7,    /* an object; only NULL in this version */
    WOOTZ_EXNREF = 8     /* an exception; only NULL in this version */
} wootz_value_kind_t;

/* What is imported or exported. */
typedef enum wootz_kind {
    WOOTZ_FUNC = 0,
    WOOTZ_TABLE = 1,
    WOOTZ_MEMORY = 2,
    WOOTZ_GLOBAL = 3,
    WOOTZ_TAG = 4
} wootz_kind_t;

/* ---- Errors ---- */

/* Why something failed. */
typedef struct wootz_error wootz_error_t;

/* Why a guest was stopped. */
typedef enum wootz_trap {
    WOOTZ_NO_TRAP = 0,                   /* the error is no trap */
    WOOTZ_TRAP_STACK_OVERFLOW = 1,
    WOOTZ_TRAP_MEMORY_OUT_OF_BOUNDS = 2,
    WOOTZ_TRAP_HEAP_MISALIGNED = 3,
    WOOTZ_TRAP_TABLE_OUT_OF_BOUNDS = 4,
    WOOTZ_TRAP_INDIRECT_CALL_TO_NULL = 5,
    WOOTZ_TRAP_BAD_SIGNATURE = 6,
    WOOTZ_TRAP_INTEGER_OVERFLOW = 7,
    WOOTZ_TRAP_INTEGER_DIVISION_BY_ZERO = 8,
    WOOTZ_TRAP_BAD_CONVERSION_TO_INTEGER = 9,
    WOOTZ_TRAP_UNREACHABLE = 10,
    WOOTZ_TRAP_INTERRUPT = 11,           /* the epoch deadline was reached */
    WOOTZ_TRAP_OUT_OF_FUEL = 12,
    WOOTZ_TRAP_ATOMIC_WAIT_NON_SHARED_MEMORY = 13,
    WOOTZ_TRAP_NULL_REFERENCE = 14
} wootz_trap_t;

/* A function of a guest that was being executed. Strings are NULL if nothing is known. */
typedef struct wootz_frame {
    const char *module;      /* the module's name */
    const char *function;    /* the function's name, from the name section */
    const char *file;        /* the source file, if the module has debug information */
    uint64_t wasm_offset;    /* where in the wasm file; UINT64_MAX if that is not known */
    uint32_t function_index; /* the function's index in the module */
    uint32_t line;           /* the line in the source file, from 1; 0 if it is not known */
    uint32_t column;         /* likewise */
} wootz_frame_t;

/* An error for a callback to return. The message is copied. */
wootz_error_t *wootz_error_new(const char *message);

void wootz_error_delete(wootz_error_t *error);

/*
 * What happened, in words: for a trap, the reason in the first line, and then the functions of the guest that were being
 * executed. Good until the error is deleted.
 */
const char *wootz_error_message(const wootz_error_t *error);

/* The reason, if a guest has trapped. Newer versions may have more reasons. */
wootz_trap_t wootz_error_trap(const wootz_error_t *error);

/* Whether a guest has ended by itself (`exit`), and with which status. `status` may be NULL. */
bool wootz_error_exit_status(const wootz_error_t *error, int *status);

/* The functions of guests that were being executed, the innermost first. NULL at the end. Good until the error is deleted. */
size_t wootz_error_frame_count(const wootz_error_t *error);
const wootz_frame_t *wootz_error_frame(const wootz_error_t *error, size_t index);

/* ---- Engines ---- */

/* Settings of an engine. A module can be used only with settings that fit those with which it was compiled. */
typedef struct wootz_config wootz_config_t;

wootz_config_t *wootz_config_new(void);
void wootz_config_delete(wootz_config_t *config);

/* Guests use up fuel, as modules were told to that were compiled with `--consume-fuel`. */
void wootz_config_consume_fuel(wootz_config_t *config, bool enable);

/* Guests can be interrupted, if modules were compiled with `--epoch-interruption`. */
void wootz_config_epoch_interruption(wootz_config_t *config, bool enable);

/* How many bytes of address space a memory gets, and how many behind it are guarded. */
void wootz_config_memory_reservation(wootz_config_t *config, uint64_t bytes);
void wootz_config_memory_guard_size(wootz_config_t *config, uint64_t bytes);

/* How many bytes of the stack guests may use. */
void wootz_config_max_wasm_stack(wootz_config_t *config, size_t bytes);

typedef struct wootz_engine wootz_engine_t;

/* An engine with these settings, which stay the caller's; NULL for the usual ones. */
wootz_error_t *wootz_engine_new(const wootz_config_t *config, wootz_engine_t **out);
void wootz_engine_delete(wootz_engine_t *engine);

/* Begins another epoch. May be called from any thread at any time. */
void wootz_engine_increment_epoch(const wootz_engine_t *engine);

/* ---- Modules ---- */

typedef struct wootz_module wootz_module_t;

/* What an object or library has as the symbol PREFIX_wootz_module or wootz_module: a compiled module. */
typedef struct wootz_static_module wootz_static_module_t;

/*
 * A module that is part of the program, or of a library that the program has opened, which must stay open until the module,
 * all stores that have had instances of it, and all errors that these have ended with are deleted. The program vouches for
 * it: it contains machine code that is run as it is.
 */
wootz_error_t *wootz_module_from_static(
    const wootz_engine_t *engine, const wootz_static_module_t *descriptor, wootz_module_t **out);

/*
 * Opens a shared library that `wootz compile` has made, after it was checked. The program vouches for it, too: nobody must
 * have changed it.
 */
wootz_error_t *wootz_module_load(const wootz_engine_t *engine, const char *path, wootz_module_t **out);

void wootz_module_delete(wootz_module_t *module);

/* An import or export. Names are UTF-8, do not end with a zero byte, and are good as long as the module. */
typedef struct wootz_import_type {
    const char *module;
    size_t module_size;
    const char *name;
    size_t name_size;
    wootz_kind_t kind;
} wootz_import_type_t;

typedef struct wootz_export_type {
    const char *name;
    size_t name_size;
    wootz_kind_t kind;
} wootz_export_type_t;

/* Imports and exports, by position. False behind the last. */
size_t wootz_module_import_count(const wootz_module_t *module);
bool wootz_module_import(const wootz_module_t *module, size_t position, wootz_import_type_t *out);
size_t wootz_module_export_count(const wootz_module_t *module);
bool wootz_module_export(const wootz_module_t *module, size_t position, wootz_export_type_t *out);

/* ---- WASI ---- */

/*
 * What guests may use of the system. At first: no arguments, no environment, an empty standard input, outputs that swallow
 * everything, and no directory.
 */
typedef struct wootz_wasi wootz_wasi_t;

wootz_wasi_t *wootz_wasi_new(void);
void wootz_wasi_delete(wootz_wasi_t *wasi);

/* Gives guests what this process has; `stdio` stands for the three streams. */
void wootz_wasi_inherit_stdin(wootz_wasi_t *wasi);
void wootz_wasi_inherit_stdout(wootz_wasi_t *wasi);
void wootz_wasi_inherit_stderr(wootz_wasi_t *wasi);
void wootz_wasi_inherit_stdio(wootz_wasi_t *wasi);
void wootz_wasi_inherit_args(wootz_wasi_t *wasi);
void wootz_wasi_inherit_env(wootz_wasi_t *wasi);

/* Adds arguments, of which the first is the program's name. */
wootz_error_t *wootz_wasi_args(wootz_wasi_t *wasi, int argc, const char *const *argv);

/* Adds an environment variable, or gives it another value. */
wootz_error_t *wootz_wasi_env(wootz_wasi_t *wasi, const char *name, const char *value);

/* Opens a directory for guests, which know it as `guest_path`. They cannot leave it. */
wootz_error_t *wootz_wasi_dir(
    wootz_wasi_t *wasi, const char *host_path, const char *guest_path, bool read_only);

/* ---- Stores ---- */

typedef struct wootz_store wootz_store_t;

/* NULL if the engine is. */
wootz_store_t *wootz_store_new(const wootz_engine_t *engine);

/* Deletes the store with everything in it. From within a callback of one of its guests this does nothing. */
void wootz_store_delete(wootz_store_t *store);

/* Its engine, which is good as long as the store, and not to be deleted. */
const wootz_engine_t *wootz_store_engine(const wootz_store_t *store);

/* How much fuel there is. Errors if the engine does not count it. A new store has none. */
wootz_error_t *wootz_store_set_fuel(wootz_store_t *store, uint64_t fuel);
wootz_error_t *wootz_store_get_fuel(wootz_store_t *store, uint64_t *out);

/*
 * Lets guests be stopped (WOOTZ_TRAP_INTERRUPT) when so many epochs have begun from now on. Without it, guests that can be
 * interrupted are stopped at once.
 */
wootz_error_t *wootz_store_set_epoch_deadline(wootz_store_t *store, uint64_t ticks_beyond_current);

/*
 * Limits what there is in the store from now on: bytes of each memory, elements of each table, and how many instances, tables
 * and memories there may be. Negative numbers stand for what holds without this function: as much as there is, and
 * 10,000 of each. Not while a guest runs.
 */
wootz_error_t *wootz_store_limit(wootz_store_t *store, int64_t memory_size, int64_t table_elements,
    int64_t instances, int64_t tables, int64_t memories);

/*
 * Gives the guests of the store WASI, for those of their imports that nobody else provides. `wasi` is used up, also if this
 * fails.
 */
wootz_error_t *wootz_store_set_wasi(wootz_store_t *store, wootz_wasi_t *wasi);

/* Drops what is kept for pointers of the host's that no guest holds any more. That happens by itself from time to time. */
void wootz_store_gc(wootz_store_t *store);

/* ---- Instances ---- */

typedef struct wootz_instance wootz_instance_t;
typedef struct wootz_memory wootz_memory_t;
typedef struct wootz_table wootz_table_t;
typedef struct wootz_global wootz_global_t;
typedef struct wootz_tag wootz_tag_t;

/* Any function; it is turned into a pointer of the right type before it is called. */
typedef void (*wootz_function_t)(void);

/*
 * A function of the host's that guests call.
 *
 * `values` has `count` values, as many as there are parameters or results, whichever are more: the arguments, which the
 * callback replaces by its results. `data` and `function` are those of the import. `caller` is the instance that calls, or
 * NULL if the host does; it is good during the call, and as long as any other pointer to this instance.
 *
 * NULL is returned if all went well. An error ends the call of the guest, whose caller gets it, and which deletes it. A callback
 * must return: not by longjmp, nor by an exception of C++.
 *
 * During the call the callback may use the store, and call guests; also the one that calls it.
 */
typedef wootz_error_t *(*wootz_callback_t)(
    void *data, wootz_function_t function, wootz_instance_t *caller, wootz_value_t *values, size_t count);

/*
 * Something for a module to import. Of a function, either `callback` is there, which must then be one for the type that the module
 * imports; `data` must be good as long as the store. Or `item` is a wootz_func_t. Of everything else `item` is there: a
 * wootz_memory_t, ... of the same store. See the functions below, which make it.
 */
typedef struct wootz_import {
    const char *module;
    size_t module_size;
    const char *name;
    size_t name_size;
    wootz_kind_t kind;
    wootz_callback_t callback;
    wootz_function_t function;
    void *data;
    void *item;
} wootz_import_t;

static inline wootz_import_t wootz_import_item(
    const char *module, const char *name, wootz_kind_t kind, void *item) {
    wootz_import_t import;
    memset(&import, 0, sizeof import);
    import.module = module;
    import.module_size = module ? strlen(module) : 0;
    import.name = name;
    import.name_size = name ? strlen(name) : 0;
    import.kind = kind;
    import.item = item;
    return import;
}

static inline wootz_import_t wootz_import_callback(
    const char *module, const char *name, wootz_callback_t callback, void *data) {
    wootz_import_t import = wootz_import_item(module, name, WOOTZ_FUNC, NULL);
    import.callback = callback;
    import.data = data;
    return import;
}

static inline wootz_import_t wootz_import_func(const char *module, const char *name, wootz_func_t *func) {
    return wootz_import_item(module, name, WOOTZ_FUNC, func);
}

static inline wootz_import_t wootz_import_table(const char *module, const char *name, wootz_table_t *table) {
    return wootz_import_item(module, name, WOOTZ_TABLE, table);
}

static inline wootz_import_t wootz_import_memory(
    const char *module, const char *name, wootz_memory_t *memory) {
    return wootz_import_item(module, name, WOOTZ_MEMORY, memory);
}

static inline wootz_import_t wootz_import_global(
    const char *module, const char *name, wootz_global_t *global) {
    return wootz_import_item(module, name, WOOTZ_GLOBAL, global);
}

/*
 * An instance of a module. Its imports are looked for by name in the list, where others may stand too. A name that the module
 * imports several times may stand there several times, in the module's order; if there are fewer, the last stands for the
 * rest. What is not in the list may be WASI's. At the end the module's start function is run.
 */
wootz_error_t *wootz_instance_new(wootz_store_t *store, const wootz_module_t *module,
    const wootz_import_t *imports, size_t count, wootz_instance_t **out);

/*
 * Gives back the pointer to an instance before its store is deleted: this one and all others to the same instance. The
 * instance itself lives on, because others may import its exports, whose pointers stay good, too.
 */
void wootz_instance_delete(wootz_instance_t *instance);

/* The store that it lives in. */
wootz_store_t *wootz_instance_store(const wootz_instance_t *instance);

/* Whether it was made of a module that came from this descriptor. */
bool wootz_instance_is_of(const wootz_instance_t *instance, const wootz_static_module_t *descriptor);

/* Calls an exported function. See wootz_func_call. */
wootz_error_t *wootz_instance_call(
    wootz_instance_t *instance, const char *name, wootz_value_t *values, size_t count);

/* An export of this name, or at this position. NULL if there is none, or it is of another kind. */
wootz_func_t *wootz_instance_func(wootz_instance_t *instance, const char *name);
wootz_table_t *wootz_instance_table(wootz_instance_t *instance, const char *name);
wootz_memory_t *wootz_instance_memory(wootz_instance_t *instance, const char *name);
wootz_global_t *wootz_instance_global(wootz_instance_t *instance, const char *name);
wootz_tag_t *wootz_instance_tag(wootz_instance_t *instance, const char *name);
wootz_func_t *wootz_instance_func_at(wootz_instance_t *instance, size_t position);
wootz_table_t *wootz_instance_table_at(wootz_instance_t *instance, size_t position);
wootz_memory_t *wootz_instance_memory_at(wootz_instance_t *instance, size_t position);
wootz_global_t *wootz_instance_global_at(wootz_instance_t *instance, size_t position);
wootz_tag_t *wootz_instance_tag_at(wootz_instance_t *instance, size_t position);

/* ---- Functions ---- */

/* What a function takes and returns. */
typedef struct wootz_func_type {
    const wootz_value_kind_t *params;
    size_t param_count;
    const wootz_value_kind_t *results;
    size_t result_count;
} wootz_func_type_t;

/* A function of the host's, for tables and arguments. `data` must be good as long as the store. */
wootz_error_t *wootz_func_new(wootz_store_t *store, const wootz_func_type_t *type,
    wootz_callback_t callback, void *data, wootz_func_t **out);

/*
 * Calls a function. `values` has `count` values: as many as the function has parameters or results, whichever are more. At
 * first the arguments are there, afterwards the results; after an error they mean nothing.
 */
wootz_error_t *wootz_func_call(wootz_func_t *func, wootz_value_t *values, size_t count);

/* What it takes and returns. -1 where there is nothing; otherwise kinds are those of wootz_value_kind_t. */
int wootz_func_param_count(const wootz_func_t *func);
int wootz_func_result_count(const wootz_func_t *func);
int wootz_func_param_kind(const wootz_func_t *func, size_t index);
int wootz_func_result_kind(const wootz_func_t *func, size_t index);

/* ---- Memories ---- */

typedef struct wootz_memory_type {
    uint64_t minimum;       /* in pages */
    uint64_t maximum;       /* in pages; UINT64_MAX if there is none */
    bool is_64;             /* whether addresses have 64 bits */
    bool is_shared;         /* whether several threads may use it at a time */
    uint8_t page_size_log2; /* 16 */
} wootz_memory_type_t;

wootz_error_t *wootz_memory_new(
    wootz_store_t *store, const wootz_memory_type_t *type, wootz_memory_t **out);

/*
 * A shared memory for another store of the same engine, whose guests then have the same bytes. What this gives belongs to that
 * store. The thread that uses that store may call it, whatever others do with the memory meanwhile; only the store that the
 * memory comes from must not be deleted before this returns.
 */
wootz_error_t *wootz_memory_share(const wootz_memory_t *memory, wootz_store_t *store, wootz_memory_t **out);

wootz_error_t *wootz_memory_type(const wootz_memory_t *memory, wootz_memory_type_t *out);

/*
 * Its bytes. The address may change when the memory grows: whenever a guest runs, and by wootz_memory_grow. What lies
 * behind its size must not be touched. The guest's numbers have their lowest byte first, also where the host's have not.
 */
void *wootz_memory_data(const wootz_memory_t *memory);
size_t wootz_memory_size(const wootz_memory_t *memory);
uint64_t wootz_memory_pages(const wootz_memory_t *memory);

/* Makes it larger by so many pages. `former`, its size before, may be NULL. */
wootz_error_t *wootz_memory_grow(wootz_memory_t *memory, uint64_t pages, uint64_t *former);

/*
 * Copies from and to the memory, after checking that the range lies in it. The buffer may be part of the memory, unless that
 * is shared; what other threads write to that meanwhile may be in the copy, in part.
 */
wootz_error_t *wootz_memory_read(
    const wootz_memory_t *memory, uint64_t offset, void *buffer, size_t size);
wootz_error_t *wootz_memory_write(
    wootz_memory_t *memory, uint64_t offset, const void *buffer, size_t size);

/* ---- Tables ---- */

/* A table of WOOTZ_FUNCREF or WOOTZ_EXTERNREF, all of them `init`; NULL for null. No maximum is UINT64_MAX. */
wootz_error_t *wootz_table_new(wootz_store_t *store, wootz_value_kind_t element, uint64_t minimum,
    uint64_t maximum, const wootz_value_t *init, wootz_table_t **out);

/* What it holds: -1 if this is no table. */
int wootz_table_kind(const wootz_table_t *table);
uint64_t wootz_table_size(const wootz_table_t *table);

/* Elements. As the value to set, NULL is null. */
wootz_error_t *wootz_table_get(const wootz_table_t *table, uint64_t index, wootz_value_t *out);
wootz_error_t *wootz_table_set(wootz_table_t *table, uint64_t index, const wootz_value_t *value);

/* Makes it larger by so many elements, all of them `init`. `former`, its size before, may be NULL. */
wootz_error_t *wootz_table_grow(
    wootz_table_t *table, uint64_t elements, const wootz_value_t *init, uint64_t *former);

/* ---- Globals ---- */

wootz_error_t *wootz_global_new(wootz_store_t *store, wootz_value_kind_t kind, bool is_mutable,
    const wootz_value_t *value, wootz_global_t **out);

/* What it holds: -1 if this is no global. */
int wootz_global_kind(const wootz_global_t *global);
bool wootz_global_is_mutable(const wootz_global_t *global);

/* Its value, which the caller takes for one of this kind; it is an error if it is of another. */
wootz_error_t *wootz_global_get(
    const wootz_global_t *global, wootz_value_kind_t kind, wootz_value_t *out);
wootz_error_t *wootz_global_set(
    wootz_global_t *global, wootz_value_kind_t kind, const wootz_value_t *value);

/* The same for numbers: wootz_global_get_i32(global, &number), wootz_global_set_i32(global, number), ... */
#define WOOTZ_GLOBAL_ACCESS(name, KIND, type)                                                              \
    static inline wootz_error_t *wootz_global_get_##name(const wootz_global_t *global, type *out) {       \
        wootz_value_t value;                                                                               \
        wootz_error_t *error = wootz_global_get(global, KIND, &value);                                     \
        if (!error && out) {                                                                               \
            *out = value.name;                                                                             \
        }                                                                                                  \
        return error;                                                                                      \
    }                                                                                                      \
    static inline wootz_error_t *wootz_global_set_##name(wootz_global_t *global, type number) {           \
        wootz_value_t value;                                                                               \
        value.name = number;                                                                               \
        return wootz_global_set(global, KIND, &value);                                                     \
    }
WOOTZ_GLOBAL_ACCESS(i32, WOOTZ_I32, int32_t)
WOOTZ_GLOBAL_ACCESS(i64, WOOTZ_I64, int64_t)
WOOTZ_GLOBAL_ACCESS(f32, WOOTZ_F32, float)
WOOTZ_GLOBAL_ACCESS(f64, WOOTZ_F64, double)
#undef WOOTZ_GLOBAL_ACCESS

#ifdef __cplusplus
}
#endif

#endif
