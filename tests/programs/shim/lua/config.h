// Read before every Lua source, on both sides: what Lua expects of a system and a bare WASI lacks.

#include <stdio.h>

// Lua catches errors and switches coroutines by jumping out of C functions, which wasm without exception
// handling cannot do. So an error is the end: lua_uncaught() prints it and exits with status 1, pcall or not.
// Calls that end well, among them all pcalls without an error, behave as usual.
struct lua_State;
_Noreturn void lua_uncaught(struct lua_State *L, int status);
#define LUAI_THROW(L, c) lua_uncaught((L), (c)->status)
#define LUAI_TRY(L, c, a) { a }
#define luai_jmpbuf int

// No processes and no temporary files.
#define l_system(command) ((command) == NULL ? 0 : -1)
#define LUA_TMPNAMBUFSIZE 1
#define lua_tmpnam(buffer, failed) { (void)(buffer); failed = 1; }
#define tmpfile() ((FILE *)NULL)
