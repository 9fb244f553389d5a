// Evaluates the JavaScript program on standard input. It sees the language and `print`, nothing else.
//
// An uncaught exception goes to standard error; the exit status is then 1.

#include <stdio.h>
#include <stdlib.h>

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

int main(void) {
    JSRuntime *runtime = JS_NewRuntime();
    JSContext *context = runtime ? JS_NewContext(runtime) : NULL;
    size_t length;
    char *program = read_all(stdin, &length);
    if (!context || !program) {
        fprintf(stderr, "quickjs: out of memory\n");
        return 1;
    }

    JSValue global = JS_GetGlobalObject(context);
    JS_SetPropertyStr(context, global, "print", JS_NewCFunction(context, js_print, "print", 1));
    JS_FreeValue(context, global);

    JSValue result = JS_Eval(context, program, length, "stdin", JS_EVAL_TYPE_GLOBAL);
    int failed = JS_IsException(result);
    if (failed)
        report(context);
    JS_FreeValue(context, result);

    // What promises left to do.
    JSContext *job_context;
    int status;
    while ((status = JS_ExecutePendingJob(runtime, &job_context)) != 0) {
        if (status < 0) {
            report(job_context);
            failed = 1;
        }
    }
    JS_FreeContext(context);
    JS_FreeRuntime(runtime);
    free(program);
    return failed;
}
