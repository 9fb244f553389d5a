#!/bin/sh
# Fetches what running tests on other machines needs: the source of Rust's standard library, which is built for them, and
# emulators that are quick at reserving address space (QEMU 8 and later). Builds the library that old versions of Wine lack.
# Prints nothing if all is there.
#
# The first two come as packages of Debian's later releases, which are unpacked into a folder of the build; nothing is installed. A
# toolchain that has the component `rust-src`, and a system with a new QEMU, need neither.
set -eu
cd "$(dirname "$0")/../.."
folder=${CARGO_TARGET_DIR:-target}/cross-tools
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

# One package that some release has in a version that begins like this, unpacked into a folder.
unpack() { # PACKAGE VERSION FOLDER
    command -v apt-get >/dev/null || { echo "there is no apt-get to fetch $1 with" >&2; return 1; }
    work=$folder/apt
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/files"
    mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep '/debian/$' | sort -u | head -1)
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    . /etc/os-release
    for suite in "$VERSION_CODENAME" "$VERSION_CODENAME-backports" trixie-backports forky sid; do
        echo "deb [signed-by=$keys] $mirror $suite main" >"$work/sources.list"
        options="-o Dir::Etc::sourcelist=$work/sources.list -o Dir::Etc::sourceparts=- -o Dir::State::lists=$work/lists
            -o Dir::Cache=$work/cache -o APT::Sandbox::User="
        # shellcheck disable=SC2086 # a list of options
        apt-get $options update -qq 2>/dev/null || continue
        # shellcheck disable=SC2086
        version=$(apt-cache $options madison "$1" | cut -d '|' -f 2 | tr -d ' ' | grep -E "^$2" | head -1)
        [ -n "$version" ] || continue
        echo "fetching $1 $version"
        # shellcheck disable=SC2086
        (cd "$work/files" && rm -f -- *.deb && apt-get $options download -qq "$1=$version" 2>/dev/null) || continue
        rm -rf "$3" && mkdir -p "$3.new" && dpkg-deb -x "$work"/files/*.deb "$3.new" && mv "$3.new" "$3"
        rm -rf "$work"
        return 0
    done
    echo "no release of Debian has $1 $2" >&2
    return 1
}

version=$(rustc --version | cut -d ' ' -f 2)
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/src/rust/library" ] && [ ! -d "$folder/rust-$version" ]; then
    unpack rust-src "$version\\+" "$folder/rust-$version"
fi
new_qemu() { "$1" --version 2>/dev/null | head -1 | grep -qE 'version ([89]|[1-9][0-9])\.'; }
if ! new_qemu qemu-s390x && ! new_qemu "$folder/qemu/usr/bin/qemu-s390x"; then
    unpack qemu-user '1:([89]|[1-9][0-9])\.' "$folder/qemu"
fi
library=$folder/windows/bcryptprimitives.dll
if [ ! -f "$library" ] && command -v x86_64-w64-mingw32-gcc >/dev/null; then
    mkdir -p "$folder/windows"
    x86_64-w64-mingw32-gcc -O1 -shared -o "$library" tests/cross/bcryptprimitives.c -ladvapi32
fi
