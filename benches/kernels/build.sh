#!/bin/sh
# Rebuilds the checked-in NAME.wasm of every kernel in list.txt, and a native program of each that is plain C.
#
# Kernels whose names begin with simd_ use vectors; all others do not.
#
# usage: build.sh [OUT]    OUT, by default ../../target/kernels, receives zig and native/NAME
#
# The wasm uses what is in Wasm 2.0, imports nothing, exports `run` and `memory`, keeps its name
# section. The native build is held to the same arithmetic and to what every processor of its kind can do.
set -eu
cd "$(dirname "$0")"
programs=../../tests/programs
out=${1:-../../target/kernels}
zig=$("$programs/zig.sh" "$out")
mkdir -p "$out/native"

flags="-O2 -g0 -Wall -Wextra -fno-sanitize=all -ffp-contract=off"
grep -v '^#' list.txt | while read -r name _; do
    case $name in simd_*) vectors=-msimd128 ;; *) vectors= ;; esac
    "$zig" cc -target wasm32-freestanding $flags $vectors -nostdlib -Wl,--no-entry -Wl,--export=run -Wl,-z,stack-size=65536 \
        "$name.c" -o "$out/$name.wasm"
    "${PYTHON:-python3}" "$programs/tidy_wasm.py" "$out/$name.wasm" "$name.wasm"
    grep -q wasm_simd128.h "$name.c" || "$zig" cc $flags -mcpu=baseline "$name.c" native_main.c -o "$out/native/$name"
done
