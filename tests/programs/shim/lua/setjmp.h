// Stands in front of the C library's header, which wasi-libc refuses to offer without the
// exception-handling proposal. config.h defines the macros that would need what is missing here.
