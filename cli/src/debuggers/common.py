
import itertools
import re
import struct


# How far above a call the record of it is looked for, in bytes.
REACH = 1 << 16


class Problem(Exception):
    """Why a command cannot do what it should, in words for its user."""


class Frame:
    """A frame of the stack. What debuggers know of it: `pc`, `sp` and `fp` as numbers, `is_interrupted` (pc is an instruction, and
    not where a call returns to), `is_signal` (made by the system, for a signal handler), `text` (what the debugger says of it),
    `registers` (a function that returns the values of those that are known)."""

    def __init__(self, **fields):
        self.__dict__.update(fields)


class Module:
    """A module that was loaded, by the address of its `ModuleView`."""

    def __init__(self, process, view):
        self.process, self.view = process, view
        self.descriptor = process.pointer(view + LAYOUT["ModuleView.metadata"])
        version = process.number(self.descriptor + LAYOUT["Descriptor.abi_version"], 4)
        if version != LAYOUT["ABI_VERSION"]:
            raise Problem(f"a module of version {version} of the binary interface: this script is for version {LAYOUT['ABI_VERSION']}")
        address, count = self.field("name"), self.field("name_bytes")
        self.name = process.read(address, count).decode("utf-8", "replace") if count else "a module without a name"

    def field(self, name):
        return self.process.pointer(self.view + LAYOUT["ModuleView." + name])

    def layout(self, name):
        return self.process.number(self.view + LAYOUT[name], 4)

    def span(self, name):
        """Where a table is, and how many bytes it has."""
        place = self.descriptor + LAYOUT["Descriptor." + name]
        offset = self.process.number(place, 4)
        return self.descriptor + (offset - (1 << 32) if offset >> 31 else offset), self.process.number(place + 4, 4)

    def blocks(self, name, header, size):
        """A table in blocks of so many rows: how many blocks there are, where its other bytes begin, and a function that gives where
        a block begins and how many bytes it has, behind these."""
        table, _ = self.span(name)
        count = (self.process.number(table, 4) + size - 1) // size
        bounds = lambda block: [self.process.number(table + header + 4 * (block + side), 4) for side in (0, 1)]
        return count, table + header + 4 * (count + 1), bounds

    def functions(self, block):
        """The functions of a block: start, size, wasm offset of the body, and where the name is."""
        _, table, bounds = self.blocks("functions", 8, 32)
        begin, end = bounds(block)
        data = iter(self.process.read(table + begin, end - begin))
        name, start, size, wasm = leb128(data), 0, 0, 0
        for first in data:
            start += size + leb128(itertools.chain([first], data))
            size, wasm, name_size = leb128(data), wasm + signed(leb128(data)), leb128(data)
            yield start, size, wasm, (name, name_size)
            name += name_size

    def function_at(self, offset):
        """The function whose code contains this offset: its start, index, the wasm offset of its body, and its name. None if none
        does: then a trampoline does."""
        count, _, _ = self.blocks("functions", 8, 32)
        block = last(count, lambda block: next(self.functions(block))[0] <= offset)
        if block is None:
            return None
        first = self.process.number(self.span("functions")[0] + 4, 4)
        for position, (start, size, wasm, (name, name_size)) in enumerate(self.functions(block)):
            if start <= offset < start + size:
                name = self.process.read(self.span("names")[0] + name, name_size) if name_size else b""
                return start, first + 32 * block + position, wasm, name.decode("utf-8", "replace")
        return None

    def wasm_offset(self, function, offset):
        """The place in the wasm file that the code at this offset comes from."""
        flags = self.process.number(self.span("places")[0] + 4, 4)
        unit, commons = flags >> 8 & 255, flags >> 16 & 255
        count, table, bounds = self.blocks("places", 8, 128)
        first = lambda block: self.process.number(table + 4 * block, 4)
        common = self.process.read(table + 4 * count, 3 * commons) if commons else b""

        def rows(block):
            begin, end = bounds(block)
            data = self.process.read(table + 4 * count + 3 * commons + begin, end - begin)
            return places(data, first(block), common, unit)

        block = last(count, lambda block: first(block) <= offset)
        before = [wasm for code, wasm in rows(block) if function[0] <= code <= offset] if block is not None else []
        return before[-1] or None if before else None

    def globals(self):
        """The byte of each global."""
        return self.process.read(self.field("globals"), self.field("global_count")) if self.field("global_count") else b""

    def memories(self):
        """The byte of each memory."""
        return self.process.read(self.field("memories"), self.field("memory_count")) if self.field("memory_count") else b""


class Instance:
    """An instance, by its address."""

    def __init__(self, process, address):
        self.process = process
        self.vmctx = process.pointer(address + LAYOUT["Instance.vmctx"])
        self.previous = process.pointer(address + LAYOUT["Instance.previous"])
        self.module = Module(process, process.pointer(address + LAYOUT["Instance.view"]))
        if process.number(self.vmctx + LAYOUT["VmContextHeader.magic"], 4) != LAYOUT["VMCTX_INSTANCE"]:
            raise Problem("the store's list of instances is damaged")
        self.number = process.number(self.vmctx + LAYOUT["VmContextHeader.instance"], 4)

    def memory(self, index):
        """Where a memory begins, and how many bytes it has."""
        kinds = self.module.memories()
        if not 0 <= index < len(kinds):
            have = "has no memory" if not kinds else f"has the memories 0 to {len(kinds) - 1}" if len(kinds) > 1 else "has only memory 0"
            raise Problem(f"there is no memory {index}: {self.module.name} {have}")
        imported = self.module.layout("VmShape.imported_memories")
        if index < imported:
            record = self.vmctx + self.module.layout("VmLayout.imported_memories") + 8 * index
        else:
            record = self.vmctx + self.module.layout("VmLayout.memories") + LAYOUT["VmMemory"] * (index - imported)
        if kinds[index] & LAYOUT["MEMORY_BY_POINTER"]:
            record = self.process.pointer(record)
        return self.process.pointer(record + LAYOUT["VmMemory.base"]), self.process.pointer(record + LAYOUT["VmMemory.bytes"])

    def global_bytes(self, index):
        imported = self.module.layout("VmShape.imported_globals")
        if index < imported:
            record = self.process.pointer(self.vmctx + self.module.layout("VmLayout.imported_globals") + 8 * index)
        else:
            record = self.vmctx + self.module.layout("VmLayout.globals") + LAYOUT["VmGlobal"] * (index - imported)
        return self.process.read(record, LAYOUT["VmGlobal"])


class Process:
    """What all debuggers can. Each of them adds `read`, `symbol`, `frames`, `selected`, and `order`: `<` or `>`."""

    def number(self, address, size):
        if address + size >= 1 << 64:
            raise Problem(f"there is no memory at {address:#x}")
        return int.from_bytes(self.read(address, size), "little" if self.order == "<" else "big")

    def pointer(self, address):
        return self.number(address, 8)

    def modules(self):
        """All modules: where the code of each begins and ends, and the address of its view."""
        root = self.symbol("wootz_debugger")
        if root is None:
            raise Problem(
                "the symbol `wootz_debugger` is missing: the program does not use Wootz, or is not running yet, or it has no "
                "symbols. A program that is stripped keeps it if it is linked with -Wl,--export-dynamic-symbol=wootz_debugger"
            )
        if self.pointer(root + LAYOUT["Root.checksum"]) != CHECKSUM:
            raise Problem("the program has another version of Wootz in it than this script is for: make the script again, with the `wootz` of that version")
        snapshot = self.pointer(self.pointer(root + LAYOUT["Root.ranges"]))
        if snapshot == 0:
            return []
        start, count = (self.pointer(snapshot + LAYOUT["Snapshot." + name]) for name in ("start", "count"))
        entries = [start + number * LAYOUT["Entry"] for number in range(count)]
        fields = [[self.pointer(entry + LAYOUT["Entry." + name]) for name in ("start", "bytes", "view")] for entry in entries]
        return [(start, start + size, view) for start, size, view in fields]

    def stack(self):
        """The frames, and for those of compiled code the module, and the offset in its code."""
        modules = self.modules()
        frames = []
        for frame in self.frames():
            frame.module = None
            inside = frame.pc if frame.is_interrupted else frame.pc - 1
            for start, end, view in modules:
                if start <= inside < end:
                    frame.module, frame.offset = Module(self, view), inside - start
                    frame.function = frame.module.function_at(frame.offset)
            frames.append(frame)
        return frames

    def entries(self, frames):
        """The frames through which wasm was entered: the position of each, and its store. The store of one is 0 if it is about to
        begin, or over."""
        found = []
        for position in range(len(frames) - 1):
            frame, outer = frames[position], frames[position + 1]
            if not frame.module or frame.function or outer.module:
                continue
            # Above the frame lies that of whoever has called, with the record of the call, which names the store.
            above = self.words(outer.sp, outer.sp + REACH)
            stores = (word for _, word in above if word % 8 == 0 and self.has(word + LAYOUT["Store.entry_fp"], frame.fp))
            store = next(stores, 0)
            # If the same store was entered again, by a function that wasm has called, that call's record has this frame.
            if not store:
                store = next(filter(None, (self.entered_again(frames[inner + 1], frame, known) for inner, known in found)), 0)
            found.append((position, store))
        return found

    def entered_again(self, caller, frame, store):
        """The store, if the record of the call by this caller says that the store was entered before through this frame."""
        to_store = LAYOUT["Activation.store"] - LAYOUT["Activation.saved_entry_fp"]
        for address, word in self.words(caller.sp, caller.sp + REACH):
            if store and word == frame.fp and self.has(address + to_store, store):
                return store
        return 0

    def has(self, address, number):
        try:
            return self.pointer(address) == number
        except Problem:
            return False

    def words(self, start, end):
        """The words of a part of the stack, and their addresses, as far as there is a stack."""
        start = start + 7 & ~7
        while start < end:
            size = min(end, (start | 4095) + 1) - start
            try:
                words = struct.unpack(f"{self.order}{size // 8}Q", self.read(start, size))
            except Problem:
                return
            for number, word in enumerate(words):
                yield start + 8 * number, word
            start += size

    def instance(self):
        """The instance whose function is executed in the selected frame, or in the next one outside of it."""
        frames = self.stack()
        selected = min(self.selected(), len(frames) - 1)
        functions = [position for position, frame in enumerate(frames) if frame.module]
        position = next((position for position in functions if position >= selected), None)
        if position is None:
            where = "of this thread" if selected == 0 or not functions else "from the selected frame on"
            raise Problem(f"there is no wasm function on the stack {where}")
        entries = self.entries(frames)
        entry, store = next(((at, store) for at, store in entries if at >= position), (None, 0))
        if entry is None:
            raise Problem("the stack does not lead to where wasm was entered")
        if store == 0:
            raise Problem("wasm is just being entered, or left: there is no instance yet, or no more")
        instances, address = [], self.pointer(store + LAYOUT["Store.newest_instance"])
        while address:
            instance = Instance(self, address)
            address = instance.previous
            if instance.module.descriptor == frames[position].module.descriptor:
                instances.append(instance)
        if not instances:
            raise Problem("the store has no instance of the module yet")
        return instances[0] if len(instances) == 1 else self.one_of(instances, store, frames[position : entry + 2])

    def one_of(self, instances, store, frames):
        """Of several instances of one module, the one of the first of the frames, of which the last has called into wasm: the
        one that was entered, unless functions of other modules are in between. Then the frames may tell: it is one whose vmctx
        is in a register or on the stack."""
        by_vmctx = {instance.vmctx: instance for instance in instances}
        entered = self.entered(store, frames[-1])
        if entered in by_vmctx and all(frame.module.descriptor == frames[0].module.descriptor for frame in frames[:-1]):
            return by_vmctx[entered]
        words = list(frames[0].registers()) + [word for _, word in self.words(frames[0].sp, frames[1].sp)]
        found = {word for word in words if word in by_vmctx}
        if len(found) == 1:
            return by_vmctx[found.pop()]
        raise Problem(f"the store has {len(instances)} instances of the module, and the frame does not tell which one this is")

    def entered(self, store, caller):
        """The vmctx of the instance that this frame has called."""
        to_vmctx = LAYOUT["Activation.vmctx"] - LAYOUT["Activation.store"]
        for address, word in self.words(caller.sp, caller.sp + REACH):
            if word == store:
                try:
                    vmctx = self.pointer(address + to_vmctx)
                    if self.has(vmctx + LAYOUT["VmContextHeader.store"], store):
                        return vmctx
                except Problem:
                    pass
        return 0


def last(count, begins):
    """The last of so many positions of which something is true, if it is not true of those behind. None if there is none."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if begins(middle) else (low, middle)
    return low - 1 if low else None


def leb128(data):
    """A number of any size, from an iterator of bytes."""
    number, shift, byte = 0, 0, 0x80
    while byte >= 0x80:
        byte = next(data)
        number |= (byte & 0x7F) << shift
        shift += 7
    return number


def signed(number):
    """The number with a sign that zigzag has made this one of."""
    return number >> 1 if number & 1 == 0 else -(number + 1 >> 1)


def places(data, code, common, unit):
    """Code offset and wasm offset of each row of a block of the table of places, which begins at a code offset."""
    wasm, data = 0, iter(data)
    for first in data:
        if first < 0xC0:
            more, by, _ = common[3 * first : 3 * first + 3]
            by -= by >> 7 << 8
        elif first < 0xF0:
            row = first - 0xC0 << 8 | next(data)
            more, by = (row >> 7) + 1, (row >> 1 & 0x3F) - 8
        elif first < 0xFF:
            row = first - 0xF0 << 16 | next(data) << 8 | next(data)
            more, by = (row >> 12) + 1, (row >> 3 & 0x1FF) - 256
        else:
            other_call, more, by = next(data) & 0x40, leb128(data), signed(leb128(data))
            if other_call:
                leb128(data)
        code, wasm = code + more * unit, wasm + by
        yield code, wasm


def printable(byte):
    return chr(byte) if 0x20 <= byte < 0x7F else "."


# The commands. Each gets the process and words, and returns lines.


def backtrace(process, words):
    """wootz bt
The stack of this thread: functions of wasm with their index and their place in the wasm file, and those of the program."""
    options(words, [])
    frames = process.stack()
    lines = []
    for number, frame in enumerate(frames):
        # Rust's names end in a number that nobody wants to see.
        text = re.sub("::h[0-9a-f]{16}(?= at |$)", "", frame.text)
        if frame.module and frame.function:
            wasm = frame.module.wasm_offset(frame.function, frame.offset)
            _, index, body, name = frame.function
            place = f"offset {wasm:#x}" if wasm is not None else f"a body at {body:#x}"
            text = f"{name or f'function[{index}]'} (wasm function {index}, {place}) in {frame.module.name}"
        elif frame.module:
            outer = frames[number + 1] if number + 1 < len(frames) else None
            text = "(out of wasm)" if outer and outer.module else "(into wasm)"
            text += f" in {frame.module.name}"
        elif "wootz_trap_hook" in text and number == 0:
            text = f"wootz_trap_hook: {TRAPS.get(process.argument() & 0xFFFFFFFF, 'a trap')}"
        lines.append(f"#{number:<3} {frame.pc:#018x} {text}")
    return lines


def memory(process, words):
    """wootz memory ADDRESS LENGTH [--memory N]
What is in the guest's memory, from an address of the guest on."""
    words, index = options(words, ["ADDRESS", "LENGTH"], memory=True)
    address, length = (process.evaluate(word) for word in words)
    base, size = process.instance().memory(index)
    if length <= 0 or address < 0 or address + length > size:
        raise Problem(f"{length} bytes from {address:#x} on are not in memory {index}, which has {size:#x} bytes")
    data = process.read(base + address, length)
    lines = []
    for start in range(0, length, 16):
        row = data[start : start + 16]
        numbers = " ".join(f"{byte:02x}" for byte in row[:8]) + "  " + " ".join(f"{byte:02x}" for byte in row[8:])
        lines.append(f"{address + start:08x}  {numbers:<48}  |{''.join(map(printable, row))}|")
    return lines


def string(process, words):
    """wootz string ADDRESS [--memory N]
The string of C that is at an address of the guest's memory."""
    words, index = options(words, ["ADDRESS"], memory=True)
    address = process.evaluate(words[0])
    base, size = process.instance().memory(index)
    if not 0 <= address < size:
        raise Problem(f"{address:#x} is not in memory {index}, which has {size:#x} bytes")
    most = 1 << 16
    data = b""
    while address + len(data) < size and len(data) < most and b"\0" not in data:
        count = min(256, size - address - len(data))
        data += process.read(base + address + len(data), count)
    text, end, _ = data.partition(b"\0")
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    characters = text.decode("utf-8", "backslashreplace")
    shown = "".join(escapes.get(c, c if c.isprintable() else f"\\x{ord(c):02x}") for c in characters)
    return [f'"{shown}"' + ("" if end else " and so on: no end in sight" if len(data) >= most else " and the memory ends")]


def instance(process, words):
    """wootz instance
The instance that is executed: its module, memories and globals."""
    options(words, [])
    found = process.instance()
    module = found.module
    lines = [f"instance {found.number} of {module.name}, vmctx {found.vmctx:#x}"]
    for index, _ in enumerate(module.memories()):
        base, size = found.memory(index)
        imported = ", imported" if index < module.layout("VmShape.imported_memories") else ""
        lines.append(f"  memory {index}: {size:#x} bytes at {base:#x}{imported}")
    for index, kind in enumerate(module.globals()):
        ty = GLOBAL_TYPES[kind & ~LAYOUT["GLOBAL_IS_MUTABLE"]]
        mutable = "mut " if kind & LAYOUT["GLOBAL_IS_MUTABLE"] else ""
        imported = ", imported" if index < module.layout("VmShape.imported_globals") else ""
        lines.append(f"  global {index}: {mutable}{ty} = {value(process.order, ty, found.global_bytes(index))}{imported}")
    return lines


def value(order, ty, data):
    """A global's value as text."""
    if ty == "v128":
        return "0x" + data[::-1].hex()
    if ty in ("i32", "i64"):
        size, code = (4, "i") if ty == "i32" else (8, "q")
        number = struct.unpack(order + code, data[:size])[0]
        return f"{number} ({number & (1 << 8 * size) - 1:#x})"
    if ty in ("f32", "f64"):
        return repr(struct.unpack(order + ("f" if ty == "f32" else "d"), data[: 4 if ty == "f32" else 8])[0])
    number = int.from_bytes(data[: 8 if ty == "funcref" else 4], "little" if order == "<" else "big")
    return "null" if number == 0 else f"{number:#x}"


def options(words, names, memory=False):
    """The words without options, which must be as many as there are names; and the number behind `--memory`."""
    words, index = list(words), 0
    if memory and "--memory" in words:
        at = words.index("--memory")
        number = words[at + 1] if at + 1 < len(words) else ""
        if not number.isdecimal():
            raise Problem("`--memory` wants the number of a memory")
        index = int(number)
        del words[at : at + 2]
    if len(words) != len(names):
        wanted = " and ".join(names) if names else "nothing"
        raise Problem(f"{wanted} is wanted here, and not `{' '.join(words)}`" if words else f"{wanted} is missing")
    return words, index


COMMANDS = {"bt": backtrace, "memory": memory, "string": string, "instance": instance}
SIGNALS = ["SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE"]
CATCH = """wootz catch
Stops at traps of guests, with the guest's frames on the stack, and nowhere else when the hardware tells of a fault: these
signals are the program's, which makes traps of them."""
