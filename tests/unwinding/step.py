"""Run by gdb: steps through compiled code, instruction by instruction, and checks what gdb's unwinder says of the callers.

What is right is not taken from any table: at each call the registers are noted, and until it returns, the caller's frame must
have just these. Prints `checked N steps at M places` if all is well, and what differs if not. With `$WOOTZ_NO_FUEL` the guest's fuel
is taken away first, so that it asks for more all the time. With `$WOOTZ_SERVER` the guest is on another machine, which gdb is connected to.
"""

import os

import gdb


class Machine:
    """What differs between processors: here x86-64."""

    PRESERVED = ["rbx", "rbp", "r12", "r13", "r14", "r15"]
    OTHERS = ["rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"]
    CALLS, RETURNS, TAIL_CALLS = ["call"], ["ret"], ["jmp"]

    def returns_to(self):
        """Where a function that begins returns to, and the caller's stack pointer."""
        stack = register("sp")
        return word(stack), stack + 8

    def leave(self, back):
        """Returns from a function that has just begun."""
        gdb.execute(f"set $pc = {back:#x}")
        gdb.execute("set $rsp = $rsp + 8")


class LinkMachine(Machine):
    """One where the return address is in a register."""

    LINK = ""

    def returns_to(self):
        return register(self.LINK), register("sp")

    def leave(self, back):
        gdb.execute(f"set $pc = {back:#x}")


class Aarch64(LinkMachine):
    PRESERVED = [f"x{number}" for number in range(19, 30)]
    OTHERS = [f"x{number}" for number in range(18)]
    CALLS, RETURNS, TAIL_CALLS, LINK = ["bl", "blr"], ["ret"], ["b", "br"], "x30"


class Riscv64(LinkMachine):
    PRESERVED = ["fp"] + [f"s{number}" for number in range(1, 12)]
    OTHERS = [f"a{number}" for number in range(8)] + [f"t{number}" for number in range(7)]
    CALLS, RETURNS, TAIL_CALLS, LINK = ["jal", "jalr", "call"], ["ret"], ["j", "jr", "tail"], "ra"


class S390x(LinkMachine):
    PRESERVED = [f"r{number}" for number in range(8, 14)]
    OTHERS = [f"r{number}" for number in range(8)]
    CALLS, RETURNS, TAIL_CALLS, LINK = ["brasl", "basr"], ["br %r14"], ["jg", "br %r1"], "r14"

    def returns_to(self):
        """Callees remove their arguments here, so the caller's stack pointer is known when they have returned."""
        return register(self.LINK), None


MACHINES = {"i386:x86-64": Machine, "aarch64": Aarch64, "riscv:rv64": Riscv64, "s390:64-bit": S390x}
# Called by functions that go on as if nothing had been called. Vectors are preserved too, but gdb has eyes for those of other
# frames only on processors without AVX.
PRESERVING = ["wootz_out_of_fuel", "wootz_epoch_reached"]


class Call:
    """A call that is under way: where it returns to, and the registers then."""

    def __init__(self, returns_to, stack, registers):
        self.returns_to, self.stack, self.registers = returns_to, stack, registers


def register(name, frame=None):
    return int((frame or gdb.newest_frame()).read_register(name)) & (1 << 64) - 1


def word(address):
    return int.from_bytes(gdb.selected_inferior().read_memory(address, 8).tobytes(), "little")


def symbol(pc):
    """The function that an address lies in."""
    return gdb.execute(f"info symbol {pc:#x}", to_string=True).split(" ")[0].strip()


class Stepper:
    def __init__(self, machine):
        self.machine, self.everything = machine, machine.PRESERVED + machine.OTHERS
        self.calls, self.places, self.functions, self.failures, self.steps = [], set(), set(), [], 0

    def entered(self):
        """A function begins."""
        frame = gdb.newest_frame()
        registers = {name: register(name, frame) for name in self.everything}
        self.calls.append(Call(*self.machine.returns_to(), registers))

    def check(self):
        pc = register("pc")
        is_new = pc not in self.places
        self.places.add(pc)
        name = symbol(pc)
        self.functions.add(name)
        wrong = []
        frame = gdb.newest_frame()
        inner = name
        for call in reversed(self.calls):
            try:
                caller = frame.older()
            except gdb.error as error:
                wrong.append(f"{inner} has no caller: {error}")
                break
            if caller is None:
                wrong.append(f"{inner} has no caller: {frame.unwind_stop_reason()}")
                break
            if call.stack is None:
                call.stack = register("sp", caller)
            for what, found, right in [("pc", caller.pc(), call.returns_to), ("sp", register("sp", caller), call.stack)]:
                if found != right:
                    wrong.append(f"{inner}: the caller's {what} is {found:#x}, not {right:#x}")
            for name in self.everything if inner in PRESERVING else self.machine.PRESERVED:
                found = register(name, caller)
                if found != call.registers[name]:
                    wrong.append(f"{inner}: the caller's {name} is {found:#x}, not {call.registers[name]:#x}")
            if wrong:
                break
            frame, inner = caller, symbol(caller.pc() - 1)
        if not wrong and is_new:
            names = []
            while frame is not None:
                names.append(frame.name() or "?")
                frame = frame.older()
            if "main" not in names:
                wrong.append(f"the stack does not lead to main: {names}")
        if wrong:
            line = gdb.execute("x/i $pc", to_string=True).strip()
            self.failures.append(f"{line}\n    " + "\n    ".join(wrong))

    def run(self):
        start, end = self.text()
        self.entered()
        while self.calls and len(self.failures) < 20:
            self.check()
            instruction = gdb.execute("x/i $pc", to_string=True).split(":", 1)[1].strip()
            function = symbol(register("pc"))
            gdb.execute("stepi", to_string=True)
            self.steps += 1
            now = register("pc")
            if self.is_one_of(instruction, self.machine.CALLS):
                back, _ = self.machine.returns_to()
                if start <= now < end:
                    self.entered()
                elif function in PRESERVING:
                    # In place of the host, which would end the guest: all is well, and registers are what they like to be.
                    self.machine.leave(back)
                    for name in self.machine.OTHERS:
                        gdb.execute(f"set ${name} = 0x5a5a5a01")
                else:
                    # Out to the host, and back.
                    gdb.execute(f"tbreak *{back:#x}", to_string=True)
                    gdb.execute("continue", to_string=True)
                    assert register("pc") == back
            elif self.is_one_of(instruction, self.machine.RETURNS):
                call = self.calls.pop()
                if now != call.returns_to:
                    self.failures.append(f"{function} returns to {now:#x}, not {call.returns_to:#x}")
                if self.machine.returns_to()[1] is None and register("sp") != call.stack:
                    self.failures.append(f"{function} was said to return with sp {call.stack:#x}, not {register('sp'):#x}")
            elif self.is_one_of(instruction, self.machine.TAIL_CALLS) and symbol(now) != function:
                # A tail call: the caller's registers must be what they were, and the stack ends behind other arguments.
                call = self.calls[-1]
                for name in self.machine.PRESERVED:
                    if register(name) != call.registers[name]:
                        self.failures.append(f"{function} leaves with another {name}")
                call.stack = self.machine.returns_to()[1] or call.stack
        for failure in self.failures:
            print("wrong:", failure)
        print("functions:", " ".join(sorted(self.functions)))
        print(f"checked {self.steps} steps at {len(self.places)} places, {len(self.failures)} failures")

    def is_one_of(self, instruction, kinds):
        """Whether an instruction is of one of these kinds, which its first words say."""
        words = instruction.split()
        return any(words[: len(kind.split())] == kind.split() for kind in kinds)

    def text(self):
        """Where the compiled code lies that was just entered."""
        pc = register("pc")
        for line in gdb.execute("info files", to_string=True).splitlines():
            parts = line.split()
            if len(parts) >= 5 and parts[3] == "is" and parts[4] == ".text":
                start, end = int(parts[0], 16), int(parts[2], 16)
                if start <= pc < end:
                    return start, end
        raise gdb.GdbError("the code lies in no section")


def run_to_first_instruction(function):
    """Runs to where a function of a library begins: an ordinary breakpoint stops behind its prologue."""
    gdb.execute("set stop-on-solib-events 1")
    # On another machine it waits already.
    gdb.execute("continue" if "WOOTZ_SERVER" in os.environ else "run", to_string=True)
    while True:
        try:
            gdb.execute(f"tbreak *(char *) &{function}", to_string=True)
            break
        except gdb.error:
            gdb.execute("continue", to_string=True)
    gdb.execute("set stop-on-solib-events 0")
    gdb.execute("continue", to_string=True)


run_to_first_instruction("wootz_entry_0")
if "WOOTZ_NO_FUEL" in os.environ:
    # vmctx, context of the store, fuel used minus fuel given.
    gdb.execute("set *(long *) (*(long *) ($rdi + 8) + 8) = 1")
Stepper(MACHINES[gdb.newest_frame().architecture().name()]()).run()
