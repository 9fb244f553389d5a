
import shlex

import lldb

# Functions to which signal handlers return.
RETURNS_FROM_SIGNALS = re.compile(r"^(__restore_rt|__kernel_rt_sigreturn|_sigtramp|__default_rt_sa_restorer)$")


class LldbProcess(Process):
    def __init__(self, context):
        self.context, self.process = context, context.GetProcess()
        if not self.process.IsValid() or not context.GetThread().IsValid():
            raise Problem("there is no program: run it first")
        self.order = ">" if self.process.GetByteOrder() == lldb.eByteOrderBig else "<"

    def read(self, address, size):
        error = lldb.SBError()
        data = self.process.ReadMemory(address, size, error)
        if error.Fail() or data is None or len(data) != size:
            raise Problem(f"{size} bytes at {address:#x} cannot be read")
        return data

    def symbol(self, name):
        for found in self.context.GetTarget().FindSymbols(name):
            address = found.GetSymbol().GetStartAddress().GetLoadAddress(self.context.GetTarget())
            if address != lldb.LLDB_INVALID_ADDRESS:
                return address
        return None

    def evaluate(self, text):
        result = self.context.GetFrame().EvaluateExpression(text)
        if result.GetError().Fail():
            raise Problem(f"`{text}` is no number: {result.GetError().GetCString()}")
        return result.GetValueAsSigned()

    def argument(self):
        return self.context.GetThread().GetFrameAtIndex(0).FindRegister("arg1").GetValueAsUnsigned()

    def selected(self):
        return self.context.GetFrame().GetFrameID()

    def frames(self):
        is_interrupted = True
        for frame in self.context.GetThread():
            name = frame.GetFunctionName() or frame.GetSymbol().GetName() or "??"
            is_signal = bool(RETURNS_FROM_SIGNALS.match(name))
            line = frame.GetLineEntry()
            if line.IsValid():
                name += f" at {line.GetFileSpec().GetFilename()}:{line.GetLine()}"
            yield Frame(
                pc=frame.GetPC(), sp=frame.GetSP(), fp=self.frame_of(frame), is_interrupted=is_interrupted, is_signal=is_signal,
                text="<signal handler called>" if is_signal else name,
                registers=lambda frame=frame: self.registers(frame),
            )
            is_interrupted = is_signal

    def frame_of(self, frame):
        if "s390x" in self.context.GetTarget().GetTriple():
            # No frame pointer, but what the stack pointer points at.
            try:
                return self.pointer(frame.GetSP())
            except Problem:
                return 0
        return frame.GetFP()

    def registers(self, frame):
        return [one.GetValueAsUnsigned() for kind in frame.GetRegisters() for one in kind if one.GetByteSize() == 8]


def command_class(name, run):
    class OneCommand:
        def __init__(self, debugger, dictionary):
            pass

        def __call__(self, debugger, words, context, result):
            try:
                for line in run(LldbProcess(context), shlex.split(words)):
                    result.AppendMessage(line)
            except (Problem, ValueError) as problem:
                result.SetError(f"wootz: {problem}")

        def get_short_help(self):
            return run.__doc__.partition("\n")[2]

        def get_long_help(self):
            return run.__doc__

    return OneCommand


# A pointer is as wide as any array that it may point to.
MOST_ELEMENTS = 1 << 20


def memory_of(value):
    """Where the memory begins that a guest's pointer points into."""
    frame = value.GetFrame()
    if not frame.IsValid():
        frame = value.GetProcess().GetSelectedThread().GetSelectedFrame()
    memory = frame.FindVariable("wootz_memory")
    if not memory.IsValid() or memory.GetError().Fail():
        memory = value.GetTarget().FindFirstGlobalVariable("wootz_memory")
    return memory.GetValueAsUnsigned(0)


class GuestPointer:
    """What a `guest_pointer<T>` points to, for `frame variable`: `*p`, `p->member` and `p[1]`."""

    def __init__(self, value, dictionary):
        self.value = value.GetNonSyntheticValue()

    def update(self):
        self.address = self.value.GetChildMemberWithName("address").GetValueAsUnsigned(0)
        self.type = self.value.GetType().GetCanonicalType().GetTemplateArgumentType(0)
        return False

    def num_children(self, *most):
        return MOST_ELEMENTS if self.type.IsValid() and self.type.GetByteSize() else 0

    def has_children(self):
        return self.num_children() > 0

    def get_child_index(self, name):
        if name == "$$dereference$$":
            return 0
        number = name.strip("[]")
        return int(number) if number.isdecimal() else -1

    def get_child_at_index(self, index):
        memory = memory_of(self.value)
        if not memory or not self.address or not self.type.GetByteSize():
            return None
        place = memory + self.address + index * self.type.GetByteSize()
        return self.value.CreateValueFromAddress(f"[{index}]", place, self.type)


class GuestReference(GuestPointer):
    """What a `guest_reference<T>` refers to, as if it were that."""

    def update(self):
        super().update()
        self.target = self.get_child_at_index(0)
        return False

    def num_children(self, *most):
        return self.target.GetNumChildren() if self.target else 0

    def get_child_index(self, name):
        return self.target.GetIndexOfChildWithName(name) if self.target else -1

    def get_child_at_index(self, index):
        if not hasattr(self, "target"):
            return super().get_child_at_index(index)
        return self.target.GetChildAtIndex(index) if self.target else None


CHARACTERS = {lldb.eBasicTypeChar, lldb.eBasicTypeSignedChar, lldb.eBasicTypeUnsignedChar, lldb.eBasicTypeChar8}


def pointer_summary(value, dictionary):
    pointer = GuestPointer(value, dictionary)
    pointer.update()
    text = f"{pointer.address:#x}"
    if pointer.type.GetCanonicalType().GetUnqualifiedType().GetBasicType() in CHARACTERS and pointer.address:
        error = lldb.SBError()
        string = value.GetProcess().ReadCStringFromMemory(memory_of(value) + pointer.address, 1024, error)
        if error.Success():
            escaped = string.encode("unicode_escape").decode().replace('"', '\\"')
            text += f' "{escaped}"'
    return text


def reference_summary(value, dictionary):
    reference = GuestReference(value.GetNonSyntheticValue(), dictionary)
    reference.update()
    target = reference.target
    return (target.GetSummary() or target.GetValue() or "") if target else f"{reference.address:#x}"


class CatchCommand:
    def __init__(self, debugger, dictionary):
        pass

    def __call__(self, debugger, words, context, result):
        debugger.HandleCommand(f"process handle {' '.join(SIGNALS)} -s false -n false -p true")
        debugger.HandleCommand("breakpoint set --name wootz_trap_hook")

    def get_short_help(self):
        return CATCH.partition("\n")[2]

    def get_long_help(self):
        return CATCH


for name, run in COMMANDS.items():
    globals()[f"Command_{name}"] = command_class(name, run)
Command_catch = CatchCommand


def __lldb_init_module(debugger, dictionary):
    debugger.HandleCommand('command container add --overwrite --help "Commands for programs that run WebAssembly with Wootz." wootz')
    for name in [*COMMANDS, "catch"]:
        debugger.HandleCommand(f"command script add --overwrite --class {__name__}.Command_{name} wootz {name}")
    for kind, hide, provider, summary in [
        ("guest_pointer", "-h", "GuestPointer", "pointer_summary"), ("guest_reference", "", "GuestReference", "reference_summary"),
    ]:
        debugger.HandleCommand(f'type synthetic add -w wootz -x "^{kind}<.*>$" -l {__name__}.{provider}')
        debugger.HandleCommand(f'type summary add -w wootz {hide or "-e"} -x "^{kind}<.*>$" -F {__name__}.{summary}')
    debugger.HandleCommand("type category enable wootz")
