/* A host in C, written from `docs/abi.md` alone, for every target: it builds the vmctx of `guest.wat` (and, with -DVECTORS,
   of `vectors.wat`), calls its exports through entry trampolines, lends it a function and a stack, catches its traps,
   looks at the stack from inside, and calls its exports by their C symbols. With -DLIBRARY the modules are not linked into it,
   but shared libraries whose paths are its arguments; with -DMACHO_LOADER these are for macOS, and this is not. Prints what
   went wrong, and is successful if nothing did. */

#define _GNU_SOURCE
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leb.h"
#ifdef _WIN32
#include <windows.h>
#else
#ifdef LIBRARY
#include <dlfcn.h>
#endif
#include <signal.h>
#include <sys/mman.h>
#include <unwind.h>
#ifdef __APPLE__
#include <sys/ucontext.h>
#else
#include <ucontext.h>
#endif
#endif

/* --- The descriptor --- */

typedef struct { int32_t offset; uint32_t bytes; } span;
typedef struct {
    uint8_t magic[8];
    uint32_t version, metadata_bytes;
    uint64_t checksum;
    span compat, manifest, functions, signatures, funcrefs, places, calls, names, elements, data, stack_maps, source_lines,
        code, images, cell, trap_cell;
} descriptor;
typedef struct { uint32_t entry, exit; } signature_record;
typedef struct { uint32_t code, function, signature; } funcref_record;

static const void *part(const descriptor *d, span s) { return (const uint8_t *)d + s.offset; }

/* --- The tables of functions and places: blocks of LEB128 numbers --- */

typedef struct { uint32_t start, bytes, function; const char *name; size_t name_bytes; } function;

static uint32_t function_count(const descriptor *d) { return ((const uint32_t *)part(d, d->functions))[0]; }

/* The function at a position. */
static function function_at(const descriptor *d, uint32_t position) {
    const uint32_t *numbers = part(d, d->functions), *starts = numbers + 2, blocks = (numbers[0] + 31) / 32;
    const uint8_t *at = (const uint8_t *)(starts + blocks + 1) + starts[position / 32];
    function f = {.function = numbers[1] + position, .name = (const char *)part(d, d->names) + leb(&at)};
    for (uint32_t i = 0; i <= position % 32; i++) {
        f.start += f.bytes + leb(&at);
        f.bytes = leb(&at);
        leb(&at); /* where its body is */
        f.name += f.name_bytes;
        f.name_bytes = leb(&at);
    }
    return f;
}

/* The traps that short rows have numbers for: none, out of bounds, no stack left, no such element, no function, another type,
   division by zero, `unreachable`. */
static const uint8_t listed_traps[8] = {0, 2, 1, 4, 5, 6, 8, 10};

/* Why the instruction at this offset in the code may trap; 0 if it may not. */
static int trap_code_at(const descriptor *d, uint32_t offset) {
    const uint32_t *numbers = part(d, d->places), rows = numbers[0], unit = numbers[1] >> 8 & 255, blocks = (rows + 127) / 128;
    const uint32_t *starts = numbers + 2, *firsts = starts + blocks + 1;
    const uint8_t *common = (const uint8_t *)(firsts + blocks), *bytes = common + 3 * (numbers[1] >> 16 & 255);
    for (uint32_t block = 0; block < blocks; block++) {
        const uint8_t *at = bytes + starts[block], *end = bytes + starts[block + 1];
        for (uint32_t code = firsts[block]; at < end;) {
            uint8_t first = *at++;
            int trap;
            if (first < 0xc0) {
                code += common[3 * first] * unit, trap = common[3 * first + 2];
            } else if (first < 0xf0) {
                uint32_t row = (first - 0xc0) << 8 | at[0];
                at += 1, code += ((row >> 7) + 1) * unit, trap = listed_traps[row & 1];
            } else if (first < 0xff) {
                uint32_t row = (first - 0xf0) << 16 | at[0] << 8 | at[1];
                at += 2, code += ((row >> 12) + 1) * unit, trap = listed_traps[row & 7];
            } else {
                uint8_t second = *at++;
                trap = second & 0x3f, code += (uint32_t)leb(&at) * unit, leb(&at);
                if (second & 0x40) leb(&at);
            }
            if (code == offset) return trap;
        }
    }
    return 0;
}

/* --- The vmctx --- */

typedef struct {
    uintptr_t stack_limit;
    int64_t fuel;
    uint64_t epoch_deadline;
    const uint64_t *epoch;
    uintptr_t exit_fp, exit_pc, entry_fp, entry_sp, entry_handler;
} store_context;
typedef struct { uint32_t magic, instance; store_context *store; void *const *builtins; void *runtime; } header;
typedef struct { const void *code; void *vmctx; } function_import;
typedef struct { const void *code; void *vmctx; const void *entry; uint32_t signature, zero; } funcref;
typedef struct { uint8_t *base; size_t count; } storage;
typedef union { int32_t i32; int64_t i64; float f32; double f64; uint8_t v128[16]; } __attribute__((aligned(16))) value;
typedef bool (*entry_trampoline)(void *vmctx, const void *code, value *values);
typedef struct {
    header header;
    bool (*entry)(void *, void *, value *, size_t);
    void *data;
    void (*typed_entry)(void);
} host_function;

static store_context store;
static const descriptor *module; /* whose code runs */
static int failures;

#define CHECK(condition, ...)                                     \
    do {                                                          \
        if (!(condition)) {                                       \
            failures++;                                           \
            printf("line %d: ", __LINE__);                        \
            printf(__VA_ARGS__);                                  \
            printf("\n");                                         \
        }                                                         \
    } while (0)

#ifdef _WIN32
/* --- Stacks --- */

int main(int, char **);
#ifdef __x86_64__
#define PC(context) (context)->Rip
#else
#define PC(context) (context)->Pc
#endif

/* Functions of this program that are looked for on the stack: they are neither inlined nor copied. */
#ifdef __clang__
#define FRAME __attribute__((noinline))
#else
#define FRAME __attribute__((noipa))
#endif
static struct { const char *name; uintptr_t begins; } host_frames[16];
static char stack[4096]; /* the names of the functions on the stack that was looked at last */

static uintptr_t begins(uintptr_t pc) {
    DWORD64 base;
    RUNTIME_FUNCTION *entry = RtlLookupFunctionEntry(pc, &base, NULL);
    return entry ? (uintptr_t)base + entry->BeginAddress : 0;
}

static void known(const char *name, uintptr_t function) {
    for (size_t i = 0; i < 16; i++)
        if (!host_frames[i].name) {
            host_frames[i].name = name, host_frames[i].begins = begins(function + 1);
            CHECK(host_frames[i].begins == function, "`%s` has no unwind information of its own", name);
            return;
        }
}

/* The name of the function at an address: `-` for trampolines, `?` for what is of no interest. */
static const char *name_at(uintptr_t pc, size_t *length) {
    uintptr_t offset = pc - (uintptr_t)part(module, module->code);
    *length = 1;
    if (offset < module->code.bytes) {
        for (uint32_t i = 0; i < function_count(module); i++) {
            function f = function_at(module, i);
            if (offset - f.start < f.bytes) {
                *length = f.name_bytes;
                return f.name;
            }
        }
        return "-";
    }
    uintptr_t start = begins(pc);
    for (size_t i = 0; start && i < 16 && host_frames[i].name; i++)
        if (host_frames[i].begins == start) {
            *length = strlen(host_frames[i].name);
            return host_frames[i].name;
        }
    return "?";
}

/* Notes the names of all functions on a stack, from the innermost to `main`; one that has called itself, once with `+`. */
static void walk(CONTEXT context) {
    size_t end = 0, last = 0, last_length = 0;
    DWORD64 below = 0;
    for (int i = 0; i < 100000 && PC(&context); i++) {
        size_t length;
        const char *name = name_at(PC(&context), &length);
        if (last_length == length && memcmp(stack + last, name, length) == 0) {
            if (stack[end - 1] != '+') stack[end++] = '+';
        } else if (end + length + 3 < sizeof stack) {
            if (end) stack[end++] = ' ';
            memcpy(stack + end, name, length);
            last = end, last_length = length, end += length;
        }
        if (length == 4 && memcmp(name, "main", 4) == 0) break;
        DWORD64 base, establisher;
        RUNTIME_FUNCTION *entry = RtlLookupFunctionEntry(PC(&context), &base, NULL);
        if (!entry) break;
        void *handler;
        RtlVirtualUnwind(UNW_FLAG_NHANDLER, base, PC(&context), entry, &context, &handler, &establisher, NULL);
#ifdef __x86_64__
        CHECK(context.Rsp > below, "the stack pointer does not go up: %llx, %llx", below, context.Rsp);
        below = context.Rsp;
#else
        CHECK(context.Sp >= below, "the stack pointer goes down: %llx, %llx", below, context.Sp);
        below = context.Sp;
#endif
    }
    stack[end] = 0;
}
#else
#define FRAME
#endif

/* --- Traps --- */

static int last_trap, raised;

/* The reason for a fault, or 0 if it is none of a guest's. */
static int trap_at(uintptr_t pc, bool behind) {
    (void)behind;
    if (!module) return 0;
    uintptr_t offset = pc - (uintptr_t)part(module, module->code);
#ifdef __s390x__
    /* Some faults are told of when the instruction is over: these are listed by its last byte. */
    if (behind) offset -= 1;
#endif
    if (raised) return raised;
    if (offset >= module->code.bytes) return 0;
    return trap_code_at(module, (uint32_t)offset);
}

#ifdef _WIN32
static LONG WINAPI on_exception(EXCEPTION_POINTERS *e) {
    CONTEXT *c = e->ContextRecord;
    int code = trap_at(PC(c), false);
    if (!code) return EXCEPTION_CONTINUE_SEARCH;
    walk(*c);
#ifdef __x86_64__
    c->Rip = store.entry_handler, c->Rsp = store.entry_sp, c->Rbp = store.entry_fp;
#else
    c->Pc = store.entry_handler, c->Sp = store.entry_sp, c->Fp = store.entry_fp;
#endif
    last_trap = code, raised = 0;
    return EXCEPTION_CONTINUE_EXECUTION;
}
#else
static void on_signal(int signal, siginfo_t *info, void *context) {
    ucontext_t *c = context;
    (void)info;
    bool behind = signal == SIGILL || signal == SIGFPE;
#if defined __APPLE__ && defined __x86_64__
#define PC c->uc_mcontext->__ss.__rip
#define SP c->uc_mcontext->__ss.__rsp
#define FP c->uc_mcontext->__ss.__rbp
#elif defined __APPLE__
#define PC c->uc_mcontext->__ss.__pc
#define SP c->uc_mcontext->__ss.__sp
#define FP c->uc_mcontext->__ss.__fp
#elif defined __x86_64__
#define PC c->uc_mcontext.gregs[REG_RIP]
#define SP c->uc_mcontext.gregs[REG_RSP]
#define FP c->uc_mcontext.gregs[REG_RBP]
#elif defined __aarch64__
#define PC c->uc_mcontext.pc
#define SP c->uc_mcontext.sp
#define FP c->uc_mcontext.regs[29]
#elif defined __riscv
#define PC c->uc_mcontext.__gregs[REG_PC]
#define SP c->uc_mcontext.__gregs[REG_SP]
#define FP c->uc_mcontext.__gregs[REG_S0]
#elif defined __s390x__
#define PC c->uc_mcontext.psw.addr
#define SP c->uc_mcontext.gregs[15]
#define FP c->uc_mcontext.gregs[11] /* nothing is expected there */
#endif
    int code = trap_at(PC, behind);
    if (!code) {
        printf("signal %d at %#lx, code begins at %p\n", signal, (long)PC, module ? part(module, module->code) : 0);
        fflush(stdout);
        _Exit(3);
    }
    PC = store.entry_handler, SP = store.entry_sp, FP = store.entry_fp;
    last_trap = code, raised = 0;
}
#endif

#if defined __x86_64__ && defined __linux__
/* Traps that are calls. */
__attribute__((used)) static void on_call(uintptr_t return_address) {
    last_trap = trap_at(return_address - 5, false), raised = 0;
    CHECK(last_trap, "a call at %#lx is no trap", (long)return_address - 5);
    __asm__ volatile("movq %1, %%rsp; movq %2, %%rbp; jmp *%0"
                     :
                     : "r"(store.entry_handler), "r"(store.entry_sp), "r"(store.entry_fp)
                     : "memory");
    __builtin_unreachable();
}

extern char called_trap[];
__asm__(".pushsection .text\ncalled_trap: movq (%rsp), %rdi; andq $-16, %rsp; call on_call\n.popsection");
#endif

static void catch_traps(void) {
#ifdef _WIN32
    AddVectoredExceptionHandler(1, on_exception);
#else
    static uint8_t stack[1 << 16];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternate, NULL);
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    sigaction(SIGFPE, &action, NULL);
#ifdef SIGTRAP
    sigaction(SIGTRAP, &action, NULL);
#endif
#endif
}

/* --- What the guest calls --- */

static uint8_t *memory; /* as in the vmctx, */
static storage *memory_record;

FRAME static void built_in_raise(void *vmctx) {
    (void)vmctx;
    raised = 77;
    __builtin_trap();
}

static int64_t built_in_memory_grow(void *vmctx, uint32_t index, int64_t pages) {
    CHECK(vmctx && index == 0, "memory.grow of memory %u", index);
    int64_t before = memory_record->count >> 16;
    if (pages < 0 || before + pages > 3) return -1;
#ifdef _WIN32
    VirtualAlloc(memory + memory_record->count, pages << 16, MEM_COMMIT, PAGE_READWRITE);
#else
    mprotect(memory + memory_record->count, pages << 16, PROT_READ | PROT_WRITE);
#endif
    memory_record->count += pages << 16;
    return before;
}

static bool built_in_memory_fill(void *vmctx, uint32_t index, int64_t at, uint32_t byte, int64_t bytes) {
    (void)vmctx;
    if (index != 0 || (uint64_t)at + bytes > memory_record->count) return false;
    memset(memory + at, (int)byte, bytes);
    return true;
}

static void not_called(void) {
    printf("a built-in function is called that nothing here should call\n");
    fflush(stdout);
    _Exit(4);
}

static int frames_seen, wasm_frames_seen, looks;
static bool main_seen;
int main(int, char **);

static void frame(uintptr_t pc, uintptr_t start, uintptr_t main_begins) {
    frames_seen++;
    if (pc - (uintptr_t)part(module, module->code) < module->code.bytes) wasm_frames_seen++;
    if (start == main_begins) main_seen = true;
}

#ifdef _WIN32
FRAME static void look_at_stack(void) {
    CONTEXT context;
    RtlCaptureContext(&context);
    walk(context);
    DWORD64 base;
    uintptr_t main_begins = begins((uintptr_t)main + 1);
    for (int i = 0; i < 100 && PC(&context); i++) {
        RUNTIME_FUNCTION *entry = RtlLookupFunctionEntry(PC(&context), &base, NULL);
        if (!entry) break;
        frame(PC(&context), base + entry->BeginAddress, main_begins);
        void *handler;
        DWORD64 establisher;
        RtlVirtualUnwind(UNW_FLAG_NHANDLER, base, PC(&context), entry, &context, &handler, &establisher, NULL);
#ifdef __x86_64__
        extern const uint8_t pattern_called[];
        if (PC(&context) == (DWORD64)(uintptr_t)pattern_called) {
            looks += 100;
            bool same = context.Rbx == 1 && context.Rsi == 2 && context.Rdi == 3 && context.R12 == 4 && context.R13 == 5 &&
                        context.R14 == 6 && context.R15 == 7 && context.Xmm6.Low == 8 && context.Xmm15.Low == 9;
            CHECK(same, "unwinding loses registers: %llx %llx %llx %llx %llx %llx %llx %llx %llx", context.Rbx, context.Rsi,
                  context.Rdi, context.R12, context.R13, context.R14, context.R15, context.Xmm6.Low, context.Xmm15.Low);
        }
#endif
    }
}
#ifdef __x86_64__
/* Calls an entry trampoline while known values are in the registers that a callee has to preserve. */
bool call_with_pattern(void *vmctx, const void *code, value *values, entry_trampoline entry);
__asm__(".text\n.globl call_with_pattern\n.seh_proc call_with_pattern\ncall_with_pattern:\n"
        "push %rbx\n.seh_pushreg %rbx\npush %rsi\n.seh_pushreg %rsi\npush %rdi\n.seh_pushreg %rdi\n"
        "push %r12\n.seh_pushreg %r12\npush %r13\n.seh_pushreg %r13\npush %r14\n.seh_pushreg %r14\n"
        "push %r15\n.seh_pushreg %r15\nsub $64, %rsp\n.seh_stackalloc 64\n"
        "movaps %xmm6, 32(%rsp)\n.seh_savexmm %xmm6, 32\nmovaps %xmm15, 48(%rsp)\n.seh_savexmm %xmm15, 48\n"
        ".seh_endprologue\n"
        "mov $1, %rbx\nmov $2, %rsi\nmov $3, %rdi\nmov $4, %r12\nmov $5, %r13\nmov $6, %r14\nmov $7, %r15\n"
        "mov $8, %rax\nmovq %rax, %xmm6\nmov $9, %rax\nmovq %rax, %xmm15\ncall *%r9\n"
        ".globl pattern_called\npattern_called:\n"
        "cmp $1, %rbx\njne 1f\ncmp $2, %rsi\njne 1f\ncmp $3, %rdi\njne 1f\ncmp $4, %r12\njne 1f\n"
        "cmp $5, %r13\njne 1f\ncmp $6, %r14\njne 1f\ncmp $7, %r15\njne 1f\n"
        "movq %xmm6, %rcx\ncmp $8, %rcx\njne 1f\nmovq %xmm15, %rcx\ncmp $9, %rcx\nje 2f\n"
        "1: xor %eax, %eax\n2:\n"
        "movaps 32(%rsp), %xmm6\nmovaps 48(%rsp), %xmm15\nadd $64, %rsp\n"
        "pop %r15\npop %r14\npop %r13\npop %r12\npop %rdi\npop %rsi\npop %rbx\nret\n.seh_endproc\n");
#endif
#else
static _Unwind_Reason_Code on_frame(struct _Unwind_Context *context, void *data) {
    (void)data;
    frame(_Unwind_GetIP(context) - 1, _Unwind_GetRegionStart(context), (uintptr_t)main);
    return frames_seen > 100 ? _URC_END_OF_STACK : _URC_NO_REASON;
}
static void look_at_stack(void) { _Unwind_Backtrace(on_frame, NULL); }
#endif

static bool fails; /* what the guest calls is to fail */

FRAME static bool callback(void *vmctx, void *caller, value *values, size_t count) {
    CHECK(((header *)vmctx)->magic == ((uint32_t)'o' << 24 | 'h' << 16 | 'z' << 8 | 'w'), "a host function's magic");
    CHECK(((header *)caller)->magic == ((uint32_t)'n' << 24 | 'i' << 16 | 'z' << 8 | 'w'), "an instance's magic");
    CHECK(count == 5, "%d values", (int)count);
    frames_seen = wasm_frames_seen = 0, main_seen = false;
    look_at_stack();
    looks++;
    CHECK(wasm_frames_seen >= 3 && frames_seen > wasm_frames_seen, "%d frames, %d of them wasm", frames_seen, wasm_frames_seen);
    CHECK(main_seen, "the stack cannot be followed to `main`: %d frames, %d of them wasm", frames_seen, wasm_frames_seen);
    if (fails) return false;
    values[0].i64 = values[0].i32 + values[1].i64 + (int64_t)values[3].f64 + values[4].i32 + (values[2].f32 == 2.5f);
    return true;
}

/* --- An instance --- */

/* Takes room for some things, aligned, and returns where it begins. */
static size_t place(size_t *next, size_t count, size_t bytes, size_t alignment) {
    size_t at = (*next + alignment - 1) / alignment * alignment;
    *next = at + count * bytes;
    return at;
}

static void *built_ins[64];
static host_function host;

static uint8_t *reserve(void) {
    /* 4 GiB and 32 MiB behind them that fault. */
    size_t bytes = (4ull << 30) + (32 << 20);
#ifdef _WIN32
    uint8_t *at = VirtualAlloc(NULL, bytes, MEM_RESERVE, PAGE_NOACCESS);
    if (at) VirtualAlloc(at, 1 << 16, MEM_COMMIT, PAGE_READWRITE);
#else
    uint8_t *at = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0);
    if (at != MAP_FAILED) mprotect(at, 1 << 16, PROT_READ | PROT_WRITE);
#endif
    return at;
}

static uint8_t *instance(const descriptor *d, size_t imports, size_t globals, size_t tables) {
    module = d;
    CHECK(memcmp(d->magic, "\x7fWOOTZ\r\n", 8) == 0 && d->version == 7, "descriptor of version %u", d->version);
    CHECK(d->cell.offset == 0 && d->cell.bytes == 0, "there is a cell for debuggers, without debug information");
#if defined __x86_64__ && defined __linux__
    /* Not every module traps. */
    if (d->trap_cell.bytes == 8)
        *(uintptr_t *)part(d, d->trap_cell) = (uintptr_t)called_trap;
    else
        CHECK(d->trap_cell.offset == 0 && d->trap_cell.bytes == 0, "the cell for traps has %u bytes", d->trap_cell.bytes);
#else
    CHECK(d->trap_cell.offset == 0 && d->trap_cell.bytes == 0, "there is a cell for traps");
#endif
    CHECK(d->signatures.bytes % 8 == 0 && d->funcrefs.bytes % 12 == 0, "sizes");
    const uint8_t *code = part(d, d->code);
    const signature_record *signatures = part(d, d->signatures);
    const funcref_record *references = part(d, d->funcrefs);
    size_t funcrefs = d->funcrefs.bytes / 12, signature_count = d->signatures.bytes / 8, next = sizeof(header);

    size_t imports_at = place(&next, imports, 16, 16);
    place(&next, globals, 16, 16);
    size_t memory_at = place(&next, 1, 16, 16);
    size_t tables_at = place(&next, tables, 16, 16);
    size_t funcrefs_at = place(&next, funcrefs, 32, 16);
    size_t numbers_at = place(&next, signature_count, 4, 4);
    uint8_t *vmctx = calloc(1, next + 16);
    vmctx += 16 - (uintptr_t)vmctx % 16;

    *(header *)vmctx = (header){'w' | 'z' << 8 | 'i' << 16 | (uint32_t)'n' << 24, 0, &store, built_ins, NULL};
    memory = reserve();
    memory_record = (storage *)(vmctx + memory_at);
    *memory_record = (storage){memory, 1 << 16};
    /* The image is the beginning of the memory: its first data lies at 0. */
    memcpy(memory, part(d, d->images), d->images.bytes < 1 << 16 ? d->images.bytes : 1 << 16);
    CHECK((uintptr_t)part(d, d->images) % 4096 == 0, "the image is not aligned: %p", part(d, d->images));
    for (size_t i = 0; i < signature_count; i++) ((uint32_t *)(vmctx + numbers_at))[i] = 100 + i;
    funcref *records = (funcref *)(vmctx + funcrefs_at);
    for (size_t i = 0; i < funcrefs; i++) {
        const funcref_record *r = &references[i];
        if (r->code == UINT32_MAX) continue;
        records[i] = (funcref){code + r->code, vmctx, code + signatures[r->signature].entry, 100 + r->signature, 0};
    }
    if (imports) {
        /* The host function is the first import, and the signature with an exit trampoline and its number of parameters is
           found by what calls it: the guest imports one function only, so its signature is the second type. */
        host.header = (header){'w' | 'z' << 8 | 'h' << 16 | (uint32_t)'o' << 24, 0, &store, built_ins, NULL};
        host.entry = callback;
        *(function_import *)(vmctx + imports_at) = (function_import){code + signatures[1].exit, &host};
    }
    if (tables) {
        funcref **elements = calloc(4, sizeof *elements);
        const uint32_t *numbers = part(d, d->elements);
        for (size_t i = 0; i < 3; i++) {
            const uint8_t *n = (const uint8_t *)&numbers[i];
            elements[i] = &records[n[0] | n[1] << 8];
        }
        *(storage *)(vmctx + tables_at) = (storage){(uint8_t *)elements, 4};
    }
    return vmctx;
}

/* --- Calls --- */

static volatile uint64_t seed = 3;

/* Calls a function by its name. Ten integers and ten floats are kept in registers meanwhile, as far as there are some. */
FRAME static bool call(uint8_t *vmctx, const char *name, value *values) {
    const descriptor *d = module;
    const funcref_record *references = part(d, d->funcrefs);
    const signature_record *signatures = part(d, d->signatures);
    const uint8_t *code = part(d, d->code);
    for (uint32_t i = 0; i < function_count(d); i++) {
        function called = function_at(d, i);
        if (called.name_bytes != strlen(name) || memcmp(called.name, name, called.name_bytes)) continue;
        for (size_t r = 0; r < d->funcrefs.bytes / 12; r++) {
            if (references[r].function != called.function) continue;
            entry_trampoline entry = (entry_trampoline)(uintptr_t)(code + signatures[references[r].signature].entry);
            const void *target = code + called.start;
            uint64_t a = seed, b = seed * 5, c = seed * 7, e = seed * 11, f = seed * 13, g = seed * 17, h = seed * 19;
            double p = seed * .5, q = seed * .25, s = seed * 1.5, t = seed * 2.5, u = seed * 3.5, v = seed * 4.5;
            double w = seed * 5.5, x = seed * 6.5;
#if defined _WIN32 && defined __x86_64__
            bool ok = call_with_pattern(vmctx, target, values, entry);
#else
            bool ok = entry(vmctx, target, values);
#endif
            CHECK(a + b + c + e + f + g + h == 73 * seed && b == 5 * seed && f == 13 * seed, "%s: integer registers", name);
            CHECK(p + q + s + t + u + v + w + x == 24.75 * seed && w == 5.5 * seed, "%s: float registers", name);
            return ok;
        }
    }
    CHECK(false, "there is no exported function `%s`", name);
    return false;
}

#ifdef LIBRARY
#ifdef MACHO_LOADER
const void *descriptor_of_library(const char *path); /* of `macho_loader.c` */
#endif
static const descriptor *open_library(const char *path) {
#ifdef _WIN32
    HMODULE library = LoadLibraryA(path);
    CHECK(library, "`%s` is not loaded: error %lu", path, GetLastError());
    const descriptor *d = library ? (const void *)(uintptr_t)GetProcAddress(library, "wootz_module") : NULL;
#elif defined MACHO_LOADER
    const descriptor *d = descriptor_of_library(path);
#else
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CHECK(library, "%s", dlerror());
    const descriptor *d = library ? dlsym(library, "wootz_module") : NULL;
#endif
    CHECK(d, "there is no descriptor in `%s`", path);
    if (!d) exit(1);
#ifdef _WIN32
    /* It is what it says that it is, and nothing in it is more than it should be. */
    DWORD (WINAPI *sums)(const char *, DWORD *, DWORD *) =
        (void *)(uintptr_t)GetProcAddress(LoadLibraryA("imagehlp.dll"), "MapFileAndCheckSumA");
    DWORD in_header = 0, computed = 1, error = sums(path, &in_header, &computed);
    CHECK(error == 0 && in_header == computed, "the checksum of `%s`: %lu, %lx, %lx", path, error, in_header, computed);
    MEMORY_BASIC_INFORMATION data, code, images;
    VirtualQuery(d, &data, sizeof data);
    VirtualQuery(part(d, d->code), &code, sizeof code);
    VirtualQuery(part(d, d->images), &images, sizeof images);
    CHECK(data.Protect == PAGE_READONLY && code.Protect == PAGE_EXECUTE_READ && images.Protect == PAGE_READONLY,
          "protection: %lx %lx %lx", data.Protect, code.Protect, images.Protect);
    uintptr_t start = (uintptr_t)part(d, d->code);
    for (uint32_t i = 0; i < function_count(d); i++) {
        function f = function_at(d, i);
        if (f.bytes == 0) continue; /* it has no code of its own */
        uintptr_t first = start + f.start, last = first + f.bytes - 1;
        CHECK(begins(first) == first && begins(last) == first, "the system does not know where function %d begins", (int)i);
    }
#endif
    return d;
}
#else
extern const descriptor guest_wootz_module;
#ifdef VECTORS
extern const descriptor vectors_wootz_module;
#endif
#endif

FRAME static void numbers(uint8_t *vmctx) {
    value v[20] = {{.i32 = 40}, {.i32 = 2}};
    CHECK(call(vmctx, "add", v) && v[0].i32 == 42, "add: %d", v[0].i32);
    memset(v, 0x55, sizeof v);
    CHECK(call(vmctx, "checks", v), "checks: trap %d", last_trap);
    CHECK(v[0].i32 == 0 && v[1].i32 > 100, "check %d of %d", v[0].i32, v[1].i32);
    printf("%d checks\n", v[1].i32);
    v[0].i32 = -1, v[1].i64 = INT64_MAX, v[2].i32 = 5;
    CHECK(call(vmctx, "three", v) && v[0].i32 == 5 && v[1].i64 == INT64_MIN && v[2].i32 == -1, "three");
    for (int i = 0; i < 20; i += 4) v[i].i32 = -i, v[i + 1].i64 = -i - 1, v[i + 2].f32 = i + .5f, v[i + 3].f64 = i + .25;
    CHECK(call(vmctx, "many", v), "many");
    CHECK(v[0].f64 == 16.25 && v[1].f32 == 17 && v[2].i64 == -16 && v[3].i32 == -16 && v[4].f64 == 12.25 && v[5].f32 == 12.5 &&
              v[6].i64 == -13 && v[7].i32 == 0 && v[8].f64 == 8.25 && v[9].f32 == 8.5,
          "many: %g %g %d %d %g %g", v[0].f64, v[1].f32, (int)v[2].i64, v[3].i32, v[4].f64, v[5].f32);
    /* The third global, in the order of the host's bytes. */
    CHECK(*(int64_t *)(vmctx + 48 + 32) == 0x0123456789abcdef, "global: %llx", *(long long *)(vmctx + 48 + 32));
    v[0].i64 = 1000;
    looks = 0;
    CHECK(call(vmctx, "nested", v) && v[0].i64 == 3002 && looks % 100 == 1, "nested: %d, %d calls", (int)v[0].i64, looks);
#if defined _WIN32 && defined __x86_64__
    /* `inner` is translated in `nested`. */
    CHECK(looks == 101, "the frame below wasm was not seen");
    CHECK(strcmp(stack, "look_at_stack callback - nested - call_with_pattern call numbers main") == 0, "the stack: %s", stack);
#endif
}

FRAME static void traps(uint8_t *vmctx) {
    value v[1];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 10; i++) {
            v[0].i32 = i, last_trap = 0;
            CHECK(!call(vmctx, "trap", v) && last_trap == i + 1, "trap %d: %d", i + 1, last_trap);
#if defined _WIN32 && defined __x86_64__
            const char *expected = i ? "trap - call_with_pattern call traps main" : "deep+ trap - call_with_pattern call traps main";
            CHECK(strcmp(stack, expected) == 0, "the stack at trap %d: %s", i + 1, stack);
#endif
        }
    /* A host function that fails: `raise` ends the call. */
    fails = true, v[0].i64 = 1, last_trap = 0;
    CHECK(!call(vmctx, "nested", v) && last_trap == 77, "a failing host function: %d", last_trap);
#if defined _WIN32 && defined __x86_64__
    CHECK(strcmp(stack, "raise - nested - call_with_pattern call traps main") == 0, "the stack in `raise`: %s", stack);
#endif
    fails = false, v[0].i64 = 2;
    CHECK(call(vmctx, "nested", v) && v[0].i64 == 8, "after traps: %d", (int)v[0].i64);
}

#ifndef LIBRARY
/* --- C symbols of exports --- */

typedef struct handle {
    void *(*call)(struct handle *, size_t export, value *values, size_t count);
    void *(*find)(struct handle *, size_t export);
    uint8_t *vmctx;
    void *error;
} handle;

void *guest_memory(handle *);
void *guest_many(handle *, int32_t, int64_t, float, double, int32_t, int64_t, float, double, int32_t, int64_t, float, double, int32_t,
                 int64_t, float, double, int32_t, int64_t, float, double, double *, float *, int64_t *, int32_t *, double *,
                 float *, int64_t *, int32_t *, double *, float *);
void *guest_many_floats(handle *, double, double, double, double, double, double, double, double, double, float, int32_t, double *,
                   float *, int32_t *);

static void *call_floats(handle *h, size_t export, value *v, size_t count) {
    CHECK(export > 3 && count == 11, "export %d, %d values", (int)export, (int)count);
    for (int i = 0; i < 9; i++) CHECK(v[i].f64 == i + .5, "parameter %d: %g", i, v[i].f64);
    CHECK(call(h->vmctx, "many_floats", v), "many_floats");
    return h->error;
}

static void *call_many(handle *h, size_t export, value *v, size_t count) {
    CHECK(export == 3 && count == 20 && (uintptr_t)v % 16 == 0, "export %d, %d values at %p", (int)export, (int)count, (void *)v);
    for (int i = 0; i < 20; i += 4)
        CHECK(v[i].i32 == -i && v[i + 1].i64 == -i - 1 && v[i + 2].f32 == i + .5f && v[i + 3].f64 == i + .25,
              "parameters from %d on: %d %d %g %g", i, v[i].i32, (int)v[i + 1].i64, v[i + 2].f32, v[i + 3].f64);
    CHECK(call(h->vmctx, "many", v), "many");
    return h->error;
}

static void *find_memory(handle *h, size_t export) {
    CHECK(export == 0, "export %d", (int)export);
    return h->vmctx;
}

static void symbols(uint8_t *vmctx) {
    handle h = {call_many, find_memory, vmctx, NULL};
    CHECK(guest_memory(&h) == vmctx, "the memory by its symbol");
    double d = 0;
    float f = 0;
    int32_t i = 0;
    h.call = call_floats;
    void *none = guest_many_floats(&h, .5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5f, -10, &d, &f, &i);
    CHECK(!none && d == 1 && f == 9.5f && i == -10, "many_floats by its symbol: %p: %g %g %d", none, d, f, i);
    h.call = call_many;
    for (int round = 0; round < 4; round++) {
        /* Values are aligned wherever the stack is that C has: with 8 bytes more on it, too. */
        volatile char *moved = __builtin_alloca(8 * (round / 2) + 1);
        moved[0] = 0;
        double r0 = 1, r4 = 1, r8 = 1;
        float r1 = 1, r5 = 1, r9 = 1;
        int64_t r2 = 1, r6 = 1;
        int32_t r3 = 1, r7 = 1;
        /* Second, it fails, and no result is written. */
        h.error = round % 2 ? &h : NULL;
        void *error = guest_many(&h, 0, -1, .5f, .25, -4, -5, 4.5f, 4.25, -8, -9, 8.5f, 8.25, -12, -13, 12.5f, 12.25, -16, -17,
                                 16.5f, 16.25, &r0, &r1, &r2, &r3, &r4, &r5, &r6, &r7, &r8, &r9);
        bool same = round % 2 ? r0 == 1 && r1 == 1 && r2 == 1 && r3 == 1 && r4 == 1 && r5 == 1 && r6 == 1 && r7 == 1 && r8 == 1 && r9 == 1
                          : r0 == 16.25 && r1 == 17 && r2 == -16 && r3 == -16 && r4 == 12.25 && r5 == 12.5 && r6 == -13 &&
                                r7 == 0 && r8 == 8.25 && r9 == 8.5;
        CHECK(error == h.error && same, "many by its symbol: %p: %g %g %d %d %g %g %d %d %g %g", error, r0, r1, (int)r2, r3, r4, r5,
              (int)r6, r7, r8, r9);
    }
}

#endif

#ifdef VECTORS
static void vectors(uint8_t *vmctx) {
    value v[10];
    CHECK(call(vmctx, "vector_checks", v) && v[0].i32 == 0, "vector check %d", v[0].i32);
    memset(v, 0, sizeof v);
    v[0].i32 = 9, v[2].f64 = 1;
    for (int i = 0; i < 16; i++) v[1].v128[i] = i, v[3].v128[i] = 16 * (i % 4 == 0);
    CHECK(call(vmctx, "sum", v), "sum");
    bool same = v[1].i32 == 9;
    for (int i = 0; i < 16; i++) same = same && v[0].v128[i] == i + 16 * (i % 4 == 0);
    CHECK(same && memcmp(v[0].v128, vmctx + 32, 16) == 0, "sum: %d %d %d, global %d", v[0].v128[0], v[0].v128[1], v[0].v128[4], vmctx[32]);
    for (int i = 0; i < 10; i++)
        for (int k = 0; k < 16; k++) v[i].v128[k] = 16 * i + k;
    CHECK(call(vmctx, "many_vectors", v), "many_vectors");
    static const int from[] = {9, 8, 7, 6, 5, 4};
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < 16; k++) {
            int expected = i == 3 ? 96 : 16 * from[i] + k;
            CHECK(v[i].v128[k] == expected, "many_vectors: %d in byte %d of %d, not %d", v[i].v128[k], k, i, expected);
        }
}
#endif

int main(int count, char **arguments) {
    for (size_t i = 0; i < 64; i++) built_ins[i] = (void *)(uintptr_t)not_called;
    built_ins[0] = (void *)(uintptr_t)built_in_raise;
    built_ins[1] = (void *)(uintptr_t)built_in_memory_grow;
    built_ins[3] = (void *)(uintptr_t)built_in_memory_fill;
    /* The guest gets 256 KiB of the stack. */
    store.stack_limit = (uintptr_t)__builtin_frame_address(0) - (256 << 10);
    catch_traps();
#ifdef _WIN32
    known("main", (uintptr_t)main), known("numbers", (uintptr_t)numbers), known("traps", (uintptr_t)traps);
    known("call", (uintptr_t)call), known("callback", (uintptr_t)callback), known("look_at_stack", (uintptr_t)look_at_stack);
    known("raise", (uintptr_t)built_in_raise);
#ifdef __x86_64__
    known("call_with_pattern", (uintptr_t)call_with_pattern);
#endif
#endif
#ifdef LIBRARY
    CHECK(count == 3, "the paths of two libraries are needed");
    const descriptor *first = open_library(arguments[1]), *second = open_library(arguments[2]);
    CHECK(first != second, "both libraries are in the same place");
#else
    const descriptor *first = &guest_wootz_module;
    (void)count, (void)arguments;
#endif
    uint8_t *vmctx = instance(first, 1, 3, 1);
    numbers(vmctx);
    traps(vmctx);
#ifndef LIBRARY
    symbols(vmctx);
#endif
#ifdef VECTORS
#ifndef LIBRARY
    const descriptor *second = &vectors_wootz_module;
#endif
    vectors(instance(second, 0, 1, 0));
#endif
    printf(failures ? "%d failures\n" : "all is well\n", failures);
    fflush(stdout);
    return failures != 0;
}
