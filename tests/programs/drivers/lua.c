// Runs one Lua script: the text of the first argument if there is one, else standard input.
//
// The script sees the standard library without `debug` and `package`. An error ends the program with
// status 1, even below pcall: shim/lua/config.h says why.

#include <stdio.h>
#include <stdlib.h>

#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"

// Called in place of a jump to the nearest handler; the error value is on top of the stack.
_Noreturn void lua_uncaught(lua_State *L, int status) {
    const char *message = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "(not a string)";
    fflush(stdout);
    if (status == LUA_YIELD)
        fprintf(stderr, "lua: this build cannot yield\n");
    else
        fprintf(stderr, "lua: %s\n", message);
    exit(1);
}

static char *read_all(FILE *file, size_t *length) {
    size_t room = 1 << 16;
    char *text = malloc(room);
    *length = 0;
    while (text) {
        size_t got = fread(text + *length, 1, room - *length, file);
        *length += got;
        if (got == 0)
            return text;
        if (*length == room)
            text = realloc(text, room *= 2);
    }
    return NULL;
}

int main(int argc, char **argv) {
    static const luaL_Reg libraries[] = {
        {LUA_GNAME, luaopen_base},          {LUA_TABLIBNAME, luaopen_table}, {LUA_STRLIBNAME, luaopen_string},
        {LUA_MATHLIBNAME, luaopen_math},    {LUA_UTF8LIBNAME, luaopen_utf8}, {LUA_COLIBNAME, luaopen_coroutine},
        {LUA_IOLIBNAME, luaopen_io},        {LUA_OSLIBNAME, luaopen_os},
    };
    lua_State *L = luaL_newstate();
    if (!L) {
        fprintf(stderr, "lua: out of memory\n");
        return 1;
    }
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
        lua_pop(L, 1);
    }

    int status;
    if (argc > 1) {
        status = luaL_loadstring(L, argv[1]);
    } else {
        size_t length;
        char *text = read_all(stdin, &length);
        if (!text) {
            fprintf(stderr, "lua: out of memory\n");
            return 1;
        }
        status = luaL_loadbuffer(L, text, length, "=stdin");
        free(text);
    }
    if (status != LUA_OK)
        lua_uncaught(L, status);
    lua_pcall(L, 0, 0, 0); // Not lua_call, which would abort on an error.
    lua_close(L);
    return 0;
}
