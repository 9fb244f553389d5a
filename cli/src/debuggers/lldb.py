
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
