
import gdb

def numbered(letter, first, last):
    return [f"{letter}{number}" for number in range(first, last + 1)]


# The frame pointer, the register of a function's first argument, registers that functions preserve, and others. For s390x, what
# the stack pointer points at takes the place of the frame pointer.
REGISTERS = {
    "i386:x86-64": ("rbp", "rdi", ["rbx", *numbered("r", 12, 15)], ["rax", "rcx", "rdx", "rsi", "rdi", *numbered("r", 8, 11)]),
    "aarch64": ("x29", "x0", numbered("x", 19, 28), numbered("x", 0, 18)),
    "riscv:rv64": ("fp", "a0", numbered("s", 1, 11), numbered("a", 0, 7) + numbered("t", 0, 6)),
    "s390:64-bit": (None, "r2", numbered("r", 6, 13), numbered("r", 0, 5)),
}


class GdbProcess(Process):
    def __init__(self):
        if gdb.selected_inferior().pid == 0:
            raise Problem("there is no program: run it first")
        self.order = ">" if "big" in gdb.execute("show endian", to_string=True) else "<"
        self.frame = gdb.selected_frame()
        name = self.frame.architecture().name()
        if name not in REGISTERS:
            raise Problem(f"this script does not know the processor {name}")
        self.frame_pointer, self.first_argument, self.preserved, self.others = REGISTERS[name]

    def read(self, address, size):
        try:
            return bytes(gdb.selected_inferior().read_memory(address, size))
        except gdb.error:
            raise Problem(f"{size} bytes at {address:#x} cannot be read")

    def symbol(self, name):
        try:
            # In a language that has such expressions, which that of the program may not be.
            text = gdb.execute(f"with language c -- output/x (unsigned long) &{name}", to_string=True)
            # There may be a warning about that in front.
            return int(re.findall("0x[0-9a-f]+", text)[-1], 16)
        except (gdb.error, IndexError):
            return None

    def evaluate(self, text):
        try:
            return int(gdb.parse_and_eval(text))
        except gdb.error as error:
            raise Problem(f"`{text}` is no number: {error}")

    def argument(self):
        return self.register(gdb.newest_frame(), self.first_argument)

    def register(self, frame, name):
        try:
            return int(frame.read_register(name)) & (1 << 64) - 1
        except (gdb.error, ValueError):
            return 0

    def selected(self):
        return self.frame.level()

    def frames(self):
        frame, is_interrupted = gdb.newest_frame(), True
        while frame is not None and frame.is_valid():
            name, place = frame.name() or "??", frame.find_sal()
            if place.symtab:
                name += f" at {place.symtab.filename}:{place.line}"
            is_signal = frame.type() == gdb.SIGTRAMP_FRAME
            sp = self.register(frame, "sp")
            # Of other registers, callers' frames have what is in them now.
            names = self.preserved + self.others if is_interrupted else self.preserved
            yield Frame(
                pc=frame.pc(), sp=sp, fp=self.frame_of(frame, sp), is_interrupted=is_interrupted, is_signal=is_signal,
                text="<signal handler called>" if is_signal else name,
                registers=lambda frame=frame, names=names: [self.register(frame, name) for name in names],
            )
            is_interrupted = is_signal
            try:
                frame = frame.older()
            except gdb.error:
                return

    def frame_of(self, frame, sp):
        if self.frame_pointer is None:
            try:
                return self.pointer(sp)
            except Problem:
                return 0
        return self.register(frame, self.frame_pointer)


class WootzCommand(gdb.Command):
    """Commands for programs that run WebAssembly with Wootz."""

    def __init__(self):
        super().__init__("wootz", gdb.COMMAND_STACK, gdb.COMPLETE_COMMAND, True)


class OneCommand(gdb.Command):
    def __init__(self, name, run):
        self.__doc__, self.run = run.__doc__, run
        super().__init__("wootz " + name, gdb.COMMAND_STACK, gdb.COMPLETE_NONE)

    def invoke(self, argument, from_tty):
        try:
            for line in self.run(GdbProcess(), gdb.string_to_argv(argument)):
                gdb.write(line + "\n")
        except Problem as problem:
            raise gdb.GdbError(f"wootz: {problem}")


class CatchCommand(gdb.Command):
    __doc__ = CATCH

    def __init__(self):
        super().__init__("wootz catch", gdb.COMMAND_BREAKPOINTS, gdb.COMPLETE_NONE)

    def invoke(self, argument, from_tty):
        gdb.execute(f"handle {' '.join(SIGNALS)} nostop noprint pass", to_string=True)
        gdb.execute("set breakpoint pending on")
        gdb.execute("break wootz_trap_hook")


WootzCommand()
for name, run in COMMANDS.items():
    OneCommand(name, run)
CatchCommand()
