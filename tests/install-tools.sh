#!/bin/sh
# Installs the tools that tests use: debuggers, readers of object files, C compilers and emulators for all targets, a browser,
# Python for fetching zig and Go.
#
# Where the system is not Debian or its kin, or nobody is allowed to install, it says what is missing and goes on: tests
# whose tools are missing say so, and fail only in CI.
set -eu

missing=
need() { # PROGRAM PACKAGE
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need gdb gdb
need gdb-multiarch gdb-multiarch
need lldb-19 lldb-19
need perf linux-perf
need readelf binutils
need eu-elflint elfutils
need llvm-readelf llvm
need file file
need valgrind valgrind
need cc gcc
# Objects for other machines: linked by their tools, run by an emulator, read by everybody's tools.
need aarch64-linux-gnu-gcc 'gcc-aarch64-linux-gnu libc6-dev-arm64-cross'
need riscv64-linux-gnu-gcc 'gcc-riscv64-linux-gnu libc6-dev-riscv64-cross'
need s390x-linux-gnu-gcc 'gcc-s390x-linux-gnu libc6-dev-s390x-cross'
need qemu-s390x-static qemu-user-static
need x86_64-w64-mingw32-gcc gcc-mingw-w64-x86-64-posix
need /usr/lib/wine/wine64 wine64
need llvm-readobj-19 llvm-19
need ld64.lld-19 lld-19
# Guests with debug information.
need clang-19 'clang-19 libclang-rt-19-dev-wasm32'
need wasm-ld-19 lld-19
[ -e /usr/include/wasm32-wasi/stdlib.h ] || missing="$missing wasi-libc"
need c++ g++
# A browser, for the pages of `wootz explore`.
command -v google-chrome >/dev/null 2>&1 || need chromium chromium
command -v ld.lld-19 >/dev/null 2>&1 || need ld.lld lld
need python3 python3
python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"

[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "these tools are missing, please install them:$missing" >&2
    exit 0
fi
as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "please install as root:$missing" >&2; exit 0; }
    as_root=sudo
fi
echo "installing:$missing"
$as_root apt-get update -q
# shellcheck disable=SC2086 # a list of packages
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -q --no-install-recommends $missing
