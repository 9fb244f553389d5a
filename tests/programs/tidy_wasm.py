#!/usr/bin/env python3
"""Copies a wasm module without its DWARF, and refuses one that uses a feature it should not.

usage: tidy_wasm.py IN.wasm OUT.wasm

zig's own stripping takes the name section away too, and names are what our tests want to see. The DWARF of
wasi-libc would name folders of the machine that built it, so that the same sources gave different bytes.
The features are those that the linker recorded: what is in Wasm 2.0.
"""

import sys

ALLOWED = {
    "bulk-memory",
    "bulk-memory-opt",
    "call-indirect-overlong",
    "extended-const",
    "multivalue",
    "mutable-globals",
    "nontrapping-fptoint",
    "reference-types",
    "sign-ext",
    "simd128",
}
CUSTOM = 0


def leb128(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def name(data, at):
    length, at = leb128(data, at)
    return data[at : at + length].decode(), at + length


def features(data, at):
    count, at = leb128(data, at)
    for _ in range(count):
        feature, at = name(data, at + 1)
        yield feature


def tidy(module):
    if module[:8] != b"\0asm\1\0\0\0":
        raise ValueError("not a wasm module")
    kept, at = [module[:8]], 8
    while at < len(module):
        start = at
        size, body = leb128(module, at + 1)
        at = body + size
        if module[start] == CUSTOM:
            section, payload = name(module, body)
            if section.startswith(".debug_"):
                continue
            if section == "target_features":
                extra = sorted(set(features(module, payload)) - ALLOWED)
                if extra:
                    raise ValueError("uses " + ", ".join(extra))
        kept.append(module[start:at])
    return b"".join(kept)


def main():
    source, target = sys.argv[1:]
    with open(source, "rb") as file:
        module = file.read()
    try:
        module = tidy(module)
    except ValueError as error:
        sys.exit(f"{source}: {error}")
    with open(target, "wb") as file:
        file.write(module)


main()
