#!/bin/sh
# Builds the kernels of list.txt for those who compare.
#
# usage: build.sh [OUT]            the native programs: OUT/native/NAME, and OUT/native-scalar/NAME without vectorisers
#        build.sh --wasm [OUT]     the checked-in NAME.wasm, too
#
# OUT is ../../target/kernels by default. zig is that of the whole programs ($WOOTZ_PROGRAMS, by default ../../target/programs),
# and comes there if it is missing. Programs that are newer than their sources are left alone. NATIVE_CPU
# names the processor to build for, as zig knows them: `baseline`, by default, is any of this kind, which is what compilers
# build for unless told; `native` is this one.
#
# A kernel is NAME.c, or NAME.cpp without exceptions, type information and library. Three kinds are told apart by name:
#   simd_...  uses vectors in wasm. Those written with wasm_simd128.h are not built natively
#   libc_...  is linked with the C library; in wasm with the bodies in C that wasi-libc has where there are no bulk operations
#   others    have neither: no vectors, and memcpy and memset as single operators
#
# The wasm uses what is in Wasm 2.0, imports nothing, exports `run` and `memory`, keeps its name section. All sides are optimised
# alike (-O3) and held to the same arithmetic.
set -eu
cd "$(dirname "$0")"
programs=../../tests/programs
wasm=no
if [ "${1:-}" = --wasm ]; then
    wasm=yes
    shift
fi
out=${1:-../../target/kernels}
zig=$("$programs/zig.sh" "${WOOTZ_PROGRAMS:-../../target/programs}")
cpu=${NATIVE_CPU:-baseline}
mkdir -p "$out"
if [ "$(cat "$out/cpu" 2>/dev/null)" != "$cpu" ]; then
    rm -rf "$out/native" "$out/native-scalar"
    echo "$cpu" >"$out/cpu"
fi
mkdir -p "$out/native" "$out/native-scalar"

flags="-O3 -g0 -Wall -Wextra -fno-sanitize=all -ffp-contract=off"
for_wasm="-Wl,--export=run -Wl,-z,stack-size=65536"
no_vectors="-fno-vectorize -fno-slp-vectorize"

is_newer() { [ -f "$1" ] && [ -z "$(find "$2" native_main.c build.sh -newer "$1")" ]; }

grep -v '^#' list.txt | while read -r name _; do
    source=$name.c compile="$zig cc -std=gnu11"
    if [ -f "$name.cpp" ]; then
        source=$name.cpp compile="$zig cc -std=c++17 -fno-exceptions -fno-rtti"
    fi
    if [ $wasm = yes ]; then
        case $name in
        simd_*) target="-target wasm32-freestanding -msimd128 -nostdlib -Wl,--no-entry" ;;
        libc_*) target="-target wasm32-wasi -mexec-model=reactor -mcpu=lime1-bulk_memory-bulk_memory_opt" ;;
        *) target="-target wasm32-freestanding -nostdlib -Wl,--no-entry" ;;
        esac
        $compile $flags $target $for_wasm "$source" -o "$out/$name.wasm"
        "${PYTHON:-python3}" "$programs/tidy_wasm.py" "$out/$name.wasm" "$name.wasm"
    fi
    if grep -q wasm_simd128.h "$source" || is_newer "$out/native-scalar/$name" "$source"; then
        continue
    fi
    [ -f "$out/native_main.o" ] || "$zig" cc -O1 -c native_main.c -o "$out/native_main.o"
    $compile $flags -mcpu="$cpu" "$source" "$out/native_main.o" -o "$out/native/$name"
    $compile $flags -mcpu="$cpu" $no_vectors "$source" "$out/native_main.o" -o "$out/native-scalar/$name"
done
