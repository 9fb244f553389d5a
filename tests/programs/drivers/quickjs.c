// Evaluates a JavaScript program: the file that the first argument names if there is one, else standard input.
// A file whose name ends in `.mjs` is a module, and modules may import others from files.
//
// The program sees the language, `print`, the other arguments in the array `args`, and files:
//
//   readFile(path)          the bytes of a file, as an ArrayBuffer
//   readText(path)          the same as a string
//   writeFile(path, data)   writes a string, or the bytes of an ArrayBuffer
//
// An uncaught exception goes to standard error; the exit status is then 1.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quickjs.h"

static JSValue js_print(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
    for (int i = 0; i < count; i++) {
        const char *text = JS_ToCString(context, values[i]);
        if (!text)
            return JS_EXCEPTION;
        printf(i ? " %s" : "%s", text);
        JS_FreeCString(context, text);
    }
    printf("\n");
    (void)self;
    return JS_UNDEFINED;
}

static char *read_all(FILE *file, size_t *length) {
    size_t room = 1 << 16;
    char *text = malloc(room);
    *length = 0;
    while (text) {
        size_t got = fread(text + *length, 1, room - *length, file);
        *length += got;
        if (got == 0) {
            text[*length] = 0; // The parser wants a zero behind the text; there is room for it.
            return text;
        }
        if (*length == room)
            text = realloc(text, room *= 2);
    }
    return NULL;
}

static JSValue throw_system_error(JSContext *context, const char *path) {
    return JS_ThrowPlainError(context, "%s: %s", path, strerror(errno));
}

// The bytes of the file that the first value names; the caller frees them. NULL if an exception is pending.
static char *read_named(JSContext *context, JSValueConst name, size_t *length) {
    const char *path = JS_ToCString(context, name);
    if (!path)
        return NULL;
    char *bytes = NULL;
    FILE *file = fopen(path, "rb");
    if (file)
        bytes = read_all(file, length);
    if (!bytes || ferror(file)) {
        throw_system_error(context, path);
        free(bytes);
        bytes = NULL;
    }
    if (file)
        fclose(file);
    JS_FreeCString(context, path);
    return bytes;
}

static JSValue js_read_file(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
    size_t length;
    char *bytes = read_named(context, values[0], &length);
    if (!bytes)
        return JS_EXCEPTION;
    JSValue result = JS_NewArrayBufferCopy(context, (uint8_t *)bytes, length);
    free(bytes);
    (void)self, (void)count;
    return result;
}

static JSValue js_read_text(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
    size_t length;
    char *bytes = read_named(context, values[0], &length);
    if (!bytes)
        return JS_EXCEPTION;
    JSValue result = JS_NewStringLen(context, bytes, length);
    free(bytes);
    (void)self, (void)count;
    return result;
}

static JSValue js_write_file(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
    size_t length;
    const char *path = JS_ToCString(context, values[0]), *text = NULL;
    const void *bytes;
    if (JS_IsArrayBuffer(values[1]))
        bytes = JS_GetArrayBuffer(context, &length, values[1]);
    else
        bytes = text = JS_ToCStringLen(context, &length, values[1]);
    JSValue result = JS_UNDEFINED;
    if (!path || (!bytes && length != 0)) {
        result = JS_EXCEPTION;
    } else {
        FILE *file = fopen(path, "wb");
        size_t written = file ? fwrite(bytes, 1, length, file) : 0;
        if (!file || written != length || fclose(file) != 0)
            result = throw_system_error(context, path);
    }
    JS_FreeCString(context, text);
    JS_FreeCString(context, path);
    (void)self, (void)count;
    return result;
}

static JSValue compile_module(JSContext *context, const char *name, JSValueConst path) {
    size_t length;
    char *text = read_named(context, path, &length);
    if (!text)
        return JS_EXCEPTION;
    JSValue module = JS_Eval(context, text, length, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
    free(text);
    return module;
}

// Called for each `import`; QuickJS has resolved the name against that of the importing file.
static JSModuleDef *load_module(JSContext *context, const char *name, void *opaque) {
    JSValue path = JS_NewString(context, name);
    JSValue module = compile_module(context, name, path);
    JS_FreeValue(context, path);
    (void)opaque;
    if (JS_IsException(module))
        return NULL;
    JSModuleDef *definition = JS_VALUE_GET_PTR(module);
    JS_FreeValue(context, module); // The context keeps modules until it goes itself.
    return definition;
}

// Prints the pending exception and, if it is an Error, the calls that led to it.
static void report(JSContext *context) {
    JSValue exception = JS_GetException(context);
    JSValue stack = JS_GetPropertyStr(context, exception, "stack");
    const char *text = JS_ToCString(context, exception);
    const char *calls = JS_IsString(stack) ? JS_ToCString(context, stack) : NULL;
    fflush(stdout);
    fprintf(stderr, "quickjs: %s\n%s", text ? text : "(an exception without a text)", calls ? calls : "");
    JS_FreeCString(context, text);
    JS_FreeCString(context, calls);
    JS_FreeValue(context, stack);
    JS_FreeValue(context, exception);
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "stdin";
    FILE *source = argc > 1 ? fopen(name, "rb") : stdin;
    if (!source) {
        fprintf(stderr, "quickjs: %s: %s\n", name, strerror(errno));
        return 1;
    }
    JSRuntime *runtime = JS_NewRuntime();
    JSContext *context = runtime ? JS_NewContext(runtime) : NULL;
    size_t length;
    char *program = read_all(source, &length);
    if (!context || !program) {
        fprintf(stderr, "quickjs: out of memory\n");
        return 1;
    }

    JSValue global = JS_GetGlobalObject(context);
    JS_SetPropertyStr(context, global, "print", JS_NewCFunction(context, js_print, "print", 1));
    JS_SetPropertyStr(context, global, "readFile", JS_NewCFunction(context, js_read_file, "readFile", 1));
    JS_SetPropertyStr(context, global, "readText", JS_NewCFunction(context, js_read_text, "readText", 1));
    JS_SetPropertyStr(context, global, "writeFile", JS_NewCFunction(context, js_write_file, "writeFile", 2));
    JSValue arguments = JS_NewArray(context);
    for (int i = 2; i < argc; i++)
        JS_SetPropertyUint32(context, arguments, (uint32_t)(i - 2), JS_NewString(context, argv[i]));
    JS_SetPropertyStr(context, global, "args", arguments);
    JS_FreeValue(context, global);

    JS_SetModuleLoaderFunc(runtime, NULL, load_module, NULL);
    const char *suffix = strrchr(name, '.');
    int kind = suffix && !strcmp(suffix, ".mjs") ? JS_EVAL_TYPE_MODULE : JS_EVAL_TYPE_GLOBAL;
    JSValue result = JS_Eval(context, program, length, name, kind);
    int failed = JS_IsException(result);
    if (failed)
        report(context);

    // What promises left to do.
    JSContext *job_context;
    int status;
    while ((status = JS_ExecutePendingJob(runtime, &job_context)) != 0) {
        if (status < 0) {
            report(job_context);
            failed = 1;
        }
    }
    // A module is evaluated to a promise, which fails if the module does.
    if (!failed && JS_PromiseState(context, result) == JS_PROMISE_REJECTED) {
        JS_Throw(context, JS_PromiseResult(context, result));
        report(context);
        failed = 1;
    }
    JS_FreeValue(context, result);
    JS_FreeContext(context);
    JS_FreeRuntime(runtime);
    free(program);
    return failed;
}
