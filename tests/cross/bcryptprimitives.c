// The one function of bcryptprimitives.dll that Rust's standard library calls, for versions of Wine that do not have that
// library (before 8.9). Only for tests; `fetch.sh` builds it.

#include <stddef.h>
#include <windows.h>

// RtlGenRandom, by the name under which it is exported.
BOOLEAN NTAPI SystemFunction036(PVOID bytes, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T length) {
    while (length > 0) {
        ULONG part = length > 1 << 20 ? 1 << 20 : (ULONG)length;
        if (!SystemFunction036(bytes, part)) {
            return FALSE;
        }
        bytes += part;
        length -= part;
    }
    return TRUE;
}
