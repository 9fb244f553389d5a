// Strings: in arrays, behind pointers, in the guest's data, empty ones and null.
//
// builds: O0 O0+speed O0+dwarf4 O0+memory64
// not on: s390x-linux
//
// > break made
// > run
// native> p literal = "from the data"
// lldb wasm> p literal = "from the data"
// gdb wasm> p *literal = "from the data"
// > p array = "on the stack"
// > p nothing = 0x0
// native> p empty = ""
// lldb wasm> p empty = ""
// gdb wasm> p *empty = ""
// native> p names = {"one", "two", "three"}
// lldb wasm> p names = {"one", "two", "three"}
// gdb wasm> p *names[0] = "one"
// native> p names[2] = "three"
// lldb wasm> p names[2] = "three"
// gdb wasm> p *names[2] = "three"
// > p letter = 'w'
// native> p greeting = "hello"
// lldb wasm> p greeting = "hello"
// gdb wasm> p *greeting = "hello"
// > p array[3] = 't'
// > exits 0

const char *greeting = "hello";
volatile int sink;

int main(void) {
    const char *literal = "from the data";
    char array[] = "on the stack";
    const char *nothing = 0;
    const char *empty = "";
    const char *names[3] = {"one", "two", "three"};
    char letter = 'w';
    sink = literal[0] + array[0] + empty[0] + names[0][0] + letter + (nothing == 0) + greeting[0];
    return 0; // @made
}
