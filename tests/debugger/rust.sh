#!/bin/sh
# Builds Rust's standard library for WASI, which few toolchains have, from its source, and prints where it is: a folder
# for `rustc --sysroot`.
#
# usage: rust.sh DIR. What is built before is kept in DIR.
set -eu
mkdir -p "$1"
dir=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/../.." && pwd)
version=$(rustc --version | cut -d ' ' -f 2)
sysroot=$dir/rust-$version
if [ ! -d "$sysroot" ]; then
    source=${CARGO_TARGET_DIR:-$root/target}/cross-tools/rust-$version
    if [ -d "$source" ]; then
        __CARGO_TESTS_ONLY_SRC_ROOT=$(echo "$source"/usr/src/rustc-*/library)
        export __CARGO_TESTS_ONLY_SRC_ROOT
    fi
    work=$dir/rust-library
    mkdir -p "$work/src"
    : >"$work/src/lib.rs"
    cat >"$work/Cargo.toml" <<EOF
[package]
name = "nothing"
version = "0.0.0"
edition = "2024"
[workspace]
EOF
    # Without debug information of its own: what guests use of it is generic for the most part, and compiled with them.
    CARGO_TARGET_DIR=$work/target RUSTC_BOOTSTRAP=1 "${CARGO:-cargo}" build --quiet --release \
        --manifest-path "$work/Cargo.toml" -Zbuild-std=std,panic_abort --target wasm32-wasip1 >&2
    rm -rf "$sysroot.new"
    mkdir -p "$sysroot.new/lib/rustlib/wasm32-wasip1/lib"
    cp "$work"/target/wasm32-wasip1/release/deps/*.rlib "$sysroot.new/lib/rustlib/wasm32-wasip1/lib"
    rm "$sysroot.new"/lib/rustlib/wasm32-wasip1/lib/libnothing-*
    mv "$sysroot.new" "$sysroot"
fi
echo "$sysroot"
