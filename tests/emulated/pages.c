// A system with larger pages, as a program sees it: preloaded, this says that pages have $EMULATED_PAGE_BYTES bytes, and refuses what
// a system with such pages would refuse.
//
// QEMU cannot do it: its programs have the pages of the machine that it runs on.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static size_t page_bytes(void) {
    static size_t bytes;
    const char *text = getenv("EMULATED_PAGE_BYTES");
    if (!bytes) bytes = text ? strtoul(text, NULL, 10) : 4096;
    return bytes;
}

static size_t whole(size_t bytes) { return (bytes + page_bytes() - 1) & ~(page_bytes() - 1); }

static int is_page(const void *address) { return (uintptr_t)address % page_bytes() == 0; }

long sysconf(int name) { return name == _SC_PAGESIZE ? (long)page_bytes() : REAL(sysconf)(name); }

void *mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset) {
    if (offset % (off_t)page_bytes() != 0 || ((flags & MAP_FIXED) && !is_page(address))) {
        errno = EINVAL;
        return MAP_FAILED;
    }
    if (flags & MAP_FIXED) return REAL(mmap)(address, bytes, protection, flags, fd, offset);
    // Somewhere, but at such a page: room for it first, which is given back around it.
    size_t room = whole(bytes) + page_bytes();
    char *start = REAL(mmap)(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) return start;
    char *place = (char *)whole((uintptr_t)start);
    if (place > start) REAL(munmap)(start, place - start);
    if (place + whole(bytes) < start + room) REAL(munmap)(place + whole(bytes), start + room - place - whole(bytes));
    return REAL(mmap)(place, bytes, protection, flags | MAP_FIXED, fd, offset);
}

void *mmap64(void *address, size_t bytes, int protection, int flags, int fd, off_t offset) {
    return mmap(address, bytes, protection, flags, fd, offset);
}

int mprotect(void *address, size_t bytes, int protection) {
    if (!is_page(address)) {
        errno = EINVAL;
        return -1;
    }
    return REAL(mprotect)(address, whole(bytes), protection);
}

int munmap(void *address, size_t bytes) {
    if (!is_page(address)) {
        errno = EINVAL;
        return -1;
    }
    return REAL(munmap)(address, whole(bytes));
}
