#!/bin/sh
# Rebuilds the checked-in .wasm of every program in this folder, with its DWARF.
#
# usage: build.sh [OUT]    OUT, by default ../../target/examples, receives zig and what it leaves behind
#
# same bytes everywhere.
set -eu
cd "$(dirname "$0")"
zig=$(../programs/zig.sh "${1:-../../target/examples}")

build() {
    compiler=$1 source=$2
    shift 2
    # From a folder of its own, so that the compiler sees no other.
    "$zig" "$compiler" -target wasm32-freestanding -nostdlib -g -O1 -fno-sanitize=all -Wall -Wextra \
        -fdebug-compilation-dir=/src -ffile-prefix-map="$PWD"=/src \
        -Wl,--no-entry -Wl,--export=_start -Wl,-z,stack-size=4096 "$@" "$source" -o "${source%.*}.wasm"
    chmod 644 "${source%.*}.wasm"
}

build cc inlined.c -gdwarf-5
build c++ shapes.cpp -gdwarf-4 -fno-exceptions -fno-rtti -Wl,--export=area
