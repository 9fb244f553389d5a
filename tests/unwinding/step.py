"""Run by gdb: steps through compiled code, instruction by instruction, and checks what gdb's unwinder says of the callers.

What is right is not taken from any table: at each call the registers are noted, and until it returns, the caller's frame must
have just these. Prints `checked N steps at M places` if all is well, and what differs if not. With `$WOOTZ_NO_FUEL` the guest's fuel is taken away first, so that it asks for more all the time.
"""

import os

import gdb

PRESERVED = ["rbx", "rbp", "r12", "r13", "r14", "r15"]
EVERYTHING = PRESERVED + ["rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"]
# Called by functions that go on as if nothing had been called. Vectors are preserved too, but gdb has eyes for those of other
# frames only on processors without AVX.
PRESERVING = ["wootz_out_of_fuel", "wootz_epoch_reached"]
CLOBBERED = [name for name in EVERYTHING if name not in PRESERVED]


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
    def __init__(self):
        self.calls, self.places, self.functions, self.failures, self.steps = [], set(), set(), [], 0

    def entered(self):
        """A function begins: the return address is on the stack."""
        stack = register("rsp")
        frame = gdb.newest_frame()
        registers = {name: register(name, frame) for name in EVERYTHING}
        self.calls.append(Call(word(stack), stack + 8, registers))

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
            caller = frame.older()
            if caller is None:
                wrong.append(f"{inner} has no caller: {frame.unwind_stop_reason()}")
                break
            for what, found, right in [("pc", caller.pc(), call.returns_to), ("rsp", register("rsp", caller), call.stack)]:
                if found != right:
                    wrong.append(f"{inner}: the caller's {what} is {found:#x}, not {right:#x}")
            for name in EVERYTHING if inner in PRESERVING else PRESERVED:
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
            pc, stack = register("pc"), register("rsp")
            code = gdb.selected_inferior().read_memory(pc, 3).tobytes()
            instruction = gdb.execute("x/i $pc", to_string=True).split(":", 1)[1].strip()
            function = symbol(pc)
            gdb.execute("stepi", to_string=True)
            self.steps += 1
            now = register("pc")
            if instruction.startswith("call"):
                back = word(register("rsp"))
                if start <= now < end:
                    self.entered()
                elif function in PRESERVING:
                    # In place of the host, which would end the guest: all is well, and registers are what they like to be.
                    gdb.execute(f"set $pc = {back:#x}")
                    gdb.execute("set $rsp = $rsp + 8")
                    for name in CLOBBERED:
                        gdb.execute(f"set ${name} = 0x5a5a5a01")
                else:
                    # Out to the host, and back.
                    gdb.execute(f"tbreak *{back:#x}", to_string=True)
                    gdb.execute("continue", to_string=True)
                    assert register("pc") == back
            elif instruction.startswith("ret"):
                call = self.calls.pop()
                if now != call.returns_to:
                    self.failures.append(f"{function} returns to {now:#x}, not {call.returns_to:#x}")
            elif instruction.startswith("jmp") and symbol(now) != function:
                # A tail call: the caller's registers must be what they were, and the stack ends behind other arguments.
                call = self.calls[-1]
                for name in PRESERVED:
                    if register(name) != call.registers[name]:
                        self.failures.append(f"{function} leaves with another {name}")
                call.stack = register("rsp") + 8
        for failure in self.failures:
            print("wrong:", failure)
        print("functions:", " ".join(sorted(self.functions)))
        print(f"checked {self.steps} steps at {len(self.places)} places, {len(self.failures)} failures")

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
    gdb.execute("run", to_string=True)
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
Stepper().run()
