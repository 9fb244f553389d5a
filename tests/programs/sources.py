#!/usr/bin/env python3
"""Prints makefile variables that say where cargo unpacked the crates named in sources/Cargo.toml."""

import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDERS = {
    "LUA": ("lua-src", "lua-5.4.9"),
    "SQLITE": ("libsqlite3-sys", "sqlite3"),
    "QUICKJS": ("rquickjs-sys", "quickjs"),
    "ZSTD": ("zstd-sys", "zstd/lib"),
}

command = ["cargo", "metadata", "--locked", "--format-version", "1", "--manifest-path", os.path.join(HERE, "sources", "Cargo.toml")]
packages = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["packages"]
manifests = {package["name"]: package["manifest_path"] for package in packages}
for variable, (crate, folder) in FOLDERS.items():
    print(f"{variable} := {os.path.join(os.path.dirname(manifests[crate]), folder)}")
