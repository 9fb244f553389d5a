#!/usr/bin/env python3
"""How compile time grows with the size of modules.

Makes modules of one shape in growing sizes, compiles each with `wootz compile` on one thread, prints a table, and draws
docs/compile-time.svg: processor time against size, both logarithmic, so that what is linear is parallel to the dashed lines.

    cargo build --release -p wootz-cli
    python3 benches/compile_time.py target/release/wootz
"""
import math, os, resource, subprocess, sys, tempfile

LIMIT = 60  # Seconds: larger sizes of a shape are left out once one takes longer.


def leb(number):
    out = bytearray()
    while True:
        number, low = number >> 7, number & 0x7f
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def vector(items):
    return leb(len(items)) + b"".join(items)


def section(number, contents):
    return bytes([number]) + leb(len(contents)) + contents


def name(text):
    return leb(len(text)) + text.encode()


def const(number):
    """`i32.const` of a number from 0 on. Its last byte must not look like that of a negative one."""
    out = leb(number)
    if out[-1] & 0x40:
        out = out[:-1] + bytes([out[-1] | 0x80, 0])
    return b"\x41" + out


GET, SET = (lambda i: b"\x20" + leb(i)), (lambda i: b"\x21" + leb(i))
ADD, END, IF, LOOP, BLOCK = b"\x6a", b"\x0b", b"\x04\x40", b"\x03\x40", b"\x02\x40"
I32 = b"\x7f"


def module(bodies, locals_=1, sections=()):
    """Functions from i32 to i32; each body is code without its last `end`. `sections` are (number, contents)."""
    code = []
    for body in bodies:
        body = b"\x01" + leb(locals_) + I32 + body + END
        code.append(leb(len(body)) + body)
    parts = [
        (1, vector([b"\x60" + vector([I32]) + vector([I32])])),
        (3, vector([b"\x00"] * len(bodies))),
        (10, vector(code)),
        *sections,
    ]
    # The order of sections is that of their numbers.
    return b"\0asm\1\0\0\0" + b"".join(section(*part) for part in sorted(parts))


def step(i):
    return GET(0) + const(i) + ADD + SET(0)


def functions(n):
    return module([b"".join(step(i + j) for j in range(5)) + GET(0) for i in range(n // 21)])


def straight(n):
    return module([b"".join(step(i) for i in range(n // 4)) + GET(0)])


def blocks(n):
    return module([b"".join(GET(0) + IF + step(i) + END for i in range(n // 7)) + GET(0)])


def loops(n):
    # Each loop runs until its counter is not zero, which it is at once; one behind the other, eight deep.
    one = lambda i: LOOP * 8 + b"".join(step(i + j) + GET(0) + b"\x0d\x00" + END for j in range(8))
    return module([b"".join(one(i) for i in range(n // 64)) + GET(0)])


def nested(n):
    depth = n // 4
    return module([BLOCK * depth + b"".join(GET(0) + b"\x0d\x00" + END for _ in range(depth)) + GET(0)])


def calls(n):
    return module([b"".join(GET(0) + b"\x10\x01" + SET(0) for _ in range(n // 3)) + GET(0), GET(0)])


def locals_(n):
    # As many locals as a fifteenth of the operators, each set and read far apart, in many blocks.
    count = min(n // 15, 49_999)
    body = b"".join(GET(0) + IF + GET(1 + i * 7 % count) + const(1) + ADD + SET(1 + i % count) + END for i in range(n // 7))
    return module([body + GET(1)], count)


def alive(n):
    # All locals are alive at the same time.
    count = min(n // 6, 49_999)
    body = b"".join(GET(0) + const(i) + ADD + SET(i) for i in range(1, count + 1))
    return module([body + const(0) + b"".join(GET(i) + ADD for i in range(1, count + 1))], count)


def targets(n):
    table = b"\x0e" + vector([leb(i % 100) for i in range(n)]) + b"\x00"
    return module([BLOCK * 100 + GET(0) + table + b"".join(END + step(i) for i in range(100)) + GET(0)])


def segments(n):
    data = [b"\x00" + const(i * 16) + END + leb(2) + b"ab" for i in range(n)]
    return module([GET(0)], sections=[(5, vector([b"\x00" + leb(n // 4096 + 1)])), (11, vector(data))])


def elements(n):
    items = [b"\x00" + const(i) + END + vector([b"\x00"]) for i in range(n)]
    return module([GET(0)], sections=[(4, vector([b"\x70\x00" + leb(n)])), (9, vector(items))])


def exports(n):
    items = [name(f"function{i}") + b"\x00\x00" for i in range(n)]
    return module([GET(0)], sections=[(7, vector(items))])


def imports(n):
    items = [name("host") + name(f"global{i}") + b"\x03\x7f\x01" for i in range(n)]
    return module([GET(0)], sections=[(2, vector(items))])


OPERATORS = [1_000, 10_000, 100_000, 1_000_000]
ITEMS = [1_000, 10_000, 100_000]
SHAPES = [
    ("many functions", functions, OPERATORS + [2_100_000]),
    ("straight-line code", straight, OPERATORS),
    ("blocks", blocks, OPERATORS),
    ("loops", loops, OPERATORS),
    ("blocks nested in each other", nested, OPERATORS),
    ("calls", calls, OPERATORS),
    ("locals in many blocks", locals_, OPERATORS),
    ("locals alive together", alive, OPERATORS[:-1] + [300_000]),
    ("branch table targets", targets, ITEMS),
    ("data segments", segments, ITEMS),
    ("element segments", elements, ITEMS),
    ("exports", exports, ITEMS),
    ("imports", imports, ITEMS),
]


def processor_time():
    """What children have used, in seconds: other work on the machine does not count."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(wootz, folder):
    results = []
    for title, make, sizes in SHAPES:
        points = []
        for size in sizes:
            wasm, out = os.path.join(folder, "m.wasm"), os.path.join(folder, "m.so")
            with open(wasm, "wb") as file:
                file.write(make(size))
            best = math.inf
            for _ in range(2 if size <= 100_000 else 1):
                start = processor_time()
                try:
                    subprocess.run([wootz, "compile", "--threads", "1", wasm, "-o", out], check=True, timeout=LIMIT)
                except subprocess.TimeoutExpired:
                    break
                best = min(best, processor_time() - start)
            if best == math.inf:
                print(f"{title}: more than {LIMIT} s at {size}", flush=True)
                break
            points.append((size, best))
        results.append((title, points))
        print(f"| {title} | " + " | ".join(f"{size:,}: {seconds * 1000:,.0f} ms" for size, seconds in points) + " |", flush=True)
    return results


def svg(results):
    width, height, left, top, right, bottom = 760, 440, 60, 20, 230, 40
    low, high, fast, slow = 1e3, 3e6, 1e-3, 1e2
    x = lambda size: left + (width - left - right) * math.log(size / low) / math.log(high / low)
    y = lambda seconds: height - bottom - (height - top - bottom) * math.log(max(seconds, fast) / fast) / math.log(slow / fast)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
           f'<rect width="{width}" height="{height}" fill="white"/>']
    line = lambda a, b, more: out.append(f'<line x1="{a[0]:.0f}" y1="{a[1]:.0f}" x2="{b[0]:.0f}" y2="{b[1]:.0f}" {more}/>')
    for seconds, label in [(1e-3, "1 ms"), (1e-2, "10 ms"), (1e-1, "0.1 s"), (1, "1 s"), (10, "10 s"), (100, "100 s")]:
        line((left, y(seconds)), (width - right, y(seconds)), 'stroke="#ddd"')
        out.append(f'<text x="{left - 6}" y="{y(seconds) + 4:.0f}" text-anchor="end">{label}</text>')
    for size, label in [(1e3, "1,000"), (1e4, "10,000"), (1e5, "100,000"), (1e6, "1,000,000")]:
        line((x(size), top), (x(size), height - bottom), 'stroke="#ddd"')
        out.append(f'<text x="{x(size):.0f}" y="{height - bottom + 16}" text-anchor="middle">{label}</text>')
    for seconds in (1e-4, 1e-3, 1e-2):
        begin = max(low, low * fast / seconds)
        line((x(begin), y(seconds * begin / low)), (x(high), y(seconds * high / low)), 'stroke="#999" stroke-dasharray="4 4"')
    out.append(f'<text x="{(left + width - right) / 2:.0f}" y="{height - 6}" text-anchor="middle">operators, or items (dashed: linear)</text>')
    for position, (title, points) in enumerate(results):
        colour = f"hsl({position * 360 // len(results)}, 70%, {35 if position % 2 else 50}%)"
        path = " ".join(f"{x(size):.1f},{y(seconds):.1f}" for size, seconds in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        at = top + 12 + 18 * position
        line((width - right + 14, at - 4), (width - right + 34, at - 4), f'stroke="{colour}" stroke-width="3"')
        out.append(f'<text x="{width - right + 40}" y="{at}">{title}</text>')
    return "\n".join(out + ["</svg>", ""])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        results = measure(os.path.abspath(sys.argv[1]), folder)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../docs/compile-time.svg"), "w") as file:
        file.write(svg(results))
