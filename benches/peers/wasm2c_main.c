// A program around a kernel that wasm2c has turned into C: `KERNEL N` prints what run(N) returns.
//
// The header that belongs to the kernel is included by the command line.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

// Names changed after version 1.0.32.
#ifdef OLD_NAMES
typedef Z_kernel_instance_t w2c_kernel;
#define wasm2c_kernel_instantiate(instance) (Z_kernel_init_module(), Z_kernel_instantiate(instance))
#define w2c_kernel_run Z_kernelZ_run
#endif

int main(int argc, char **argv) {
    if (argc != 2)
        return 2;
    wasm_rt_init();
    static w2c_kernel instance;
    wasm2c_kernel_instantiate(&instance);
    printf("%" PRId64 "\n", (int64_t)w2c_kernel_run(&instance, (uint32_t)atoi(argv[1])));
    return 0;
}
