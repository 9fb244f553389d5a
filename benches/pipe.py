#!/usr/bin/env python3
"""How fast a gigabyte goes through a guest, compared with wasmtime's command line.

The guest copies its standard input to its standard output in pieces of 64 KiB. Both sides compile it before, then run by
turns, each with a pipe from `head` as its input. Printed are medians of the time from beginning to end, and the most memory that
each used.

    cargo build --release -p wootz-cli
    python3 benches/pipe.py target/release/wootz [WASMTIME] [RUNS]
"""
import os, statistics, subprocess, sys, tempfile, time

BYTES = 1 << 30
GUEST = """(module
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 3)
    ;; 0: address and length of what is read, 8: of what is written, 16: how much
    (func (export "_start")
        (loop $more
            (i32.store (i32.const 0) (i32.const 65536))
            (i32.store (i32.const 4) (i32.const 65536))
            (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)) (then unreachable))
            (if (i32.eqz (i32.load (i32.const 16))) (then (return)))
            (i32.store (i32.const 8) (i32.const 65536))
            (i32.store (i32.const 12) (i32.load (i32.const 16)))
            (loop $rest
                (if (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)) (then unreachable))
                (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.load (i32.const 16))))
                (i32.store (i32.const 12) (i32.sub (i32.load (i32.const 12)) (i32.load (i32.const 16))))
                (br_if $rest (i32.load (i32.const 12))))
            (br $more))))
"""


def measure(command):
    """Seconds from beginning to end, and the most memory in KiB."""
    begin = time.monotonic()
    source = subprocess.Popen(["head", "-c", str(BYTES), "/dev/zero"], stdout=subprocess.PIPE)
    sink = subprocess.Popen(["wc", "-c"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    guest = subprocess.Popen(command, stdin=source.stdout, stdout=sink.stdin)
    source.stdout.close()
    sink.stdin.close()
    memory = 0
    while guest.poll() is None:
        memory = max(memory, memory_of(guest.pid))
        time.sleep(0.01)
    copied = int(sink.stdout.read())
    sink.wait()
    source.wait()
    if guest.returncode != 0 or copied != BYTES:
        sys.exit(f"{command[0]} ended with {guest.returncode} after {copied} bytes")
    return time.monotonic() - begin, memory


def memory_of(process):
    """The most memory that a process has used so far, in KiB. (What the system tells of one that has ended is also of what it
    was before: this script.)"""
    with open(f"/proc/{process}/status") as status:
        peaks = [line.split()[1] for line in status if line.startswith("VmHWM:")]
    return int(peaks[0]) if peaks else 0


def main():
    wootz = os.path.abspath(sys.argv[1])
    wasmtime = sys.argv[2] if len(sys.argv) > 2 else "wasmtime"
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 7
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with open("copy.wat", "w") as file:
            file.write(GUEST)
        subprocess.run([wootz, "compile", "copy.wat", "-o", "copy.so"], check=True)
        subprocess.run([wasmtime, "compile", "copy.wat", "-o", "copy.cwasm"], check=True)
        sides = {
            "wootz": [wootz, "run", "copy.so"],
            "wasmtime": [wasmtime, "run", "--allow-precompiled", "copy.cwasm"],
        }
        found = {name: [] for name in sides}
        for _ in range(runs):
            for name, command in sides.items():
                found[name].append(measure(command))
    seconds = {name: statistics.median(time for time, _ in runs) for name, runs in found.items()}
    for name, runs in found.items():
        memory = max(memory for _, memory in runs)
        print(f"{name:<10}{seconds[name]:8.3f} s{BYTES / seconds[name] / 1e9:8.2f} GB/s{memory / 1024:8.1f} MiB")
    print(f"throughput {seconds['wasmtime'] / seconds['wootz']:.2f} times wasmtime's")


if __name__ == "__main__":
    main()
