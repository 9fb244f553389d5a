# Sourced by the scripts of this folder with `target` set: how to build for that machine, and how to run there.
#
# In: $target; $EMULATED_PRELOAD if programs shall have a library preloaded; $EMULATED_DEBUGGER, a socket, if they shall wait
# for a debugger there. Out: $triple, $linker, and $runner, the command that runs a program of that machine.

root=$(cd "$(dirname "$0")/../.." && pwd)
build=${CARGO_TARGET_DIR:-$root/target}
tools=$build/cross-tools

# An emulator that is quick at reserving address space, and where its machine's libraries are.
qemu() { # MACHINE LIBRARIES OPTIONS...
    machine=$1 libraries=$2
    shift 2
    program=$tools/qemu/usr/bin/qemu-$machine
    [ -x "$program" ] || program=qemu-$machine
    runner="$program -L $libraries ${EMULATED_PRELOAD:+-E LD_PRELOAD=$EMULATED_PRELOAD} ${EMULATED_DEBUGGER:+-g $EMULATED_DEBUGGER} $*"
}

case $target in
aarch64-linux)
    triple=aarch64-unknown-linux-gnu linker=aarch64-linux-gnu-gcc
    qemu aarch64 /usr/aarch64-linux-gnu
    ;;
riscv64-linux)
    triple=riscv64gc-unknown-linux-gnu linker=riscv64-linux-gnu-gcc
    qemu riscv64 /usr/riscv64-linux-gnu -cpu max
    ;;
s390x-linux)
    triple=s390x-unknown-linux-gnu linker=s390x-linux-gnu-gcc
    qemu s390x /usr/s390x-linux-gnu -cpu max
    ;;
x86_64-windows)
    triple=x86_64-pc-windows-gnu linker=x86_64-w64-mingw32-gcc
    # What Wine lacks, and no complaints of its own.
    runner="env WINEPREFIX=$build/tmp/wine WINEDEBUG=-all WINEPATH=Z:$tools/windows /usr/lib/wine/wine64"
    ;;
*)
    echo "unknown machine $target; there are aarch64-linux, riscv64-linux, s390x-linux, x86_64-windows" >&2
    exit 2
    ;;
esac
