#!/bin/sh
# Rebuilds the checked-in .wasm of every example from its .c.
#
# usage: build.sh [OUT]    OUT, by default ../../target/examples, receives zig and what it leaves behind
#
# The modules use what is in Wasm 2.0 without SIMD and keep their name section, so that backtraces show names.
set -eu
cd "$(dirname "$0")"
programs=../../tests/programs
out=${1:-../../target/examples}
zig=$("$programs/zig.sh" "$out")

flags="-O2 -g0 -Wall -Wextra -fno-sanitize=all"
for source in *.c; do
    name=${source%.c}
    case $name in
        reactor) kind="-target wasm32-freestanding -nostdlib -Wl,--no-entry" ;;
        *) kind="-target wasm32-wasi" ;;
    esac
    "$zig" cc $kind $flags -Wl,-z,stack-size=65536 "$source" -o "$out/$name.wasm"
    "${PYTHON:-python3}" "$programs/tidy_wasm.py" "$out/$name.wasm" "$name.wasm"
done
