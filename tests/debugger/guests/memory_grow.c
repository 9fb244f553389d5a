// Values are where they were after memory has grown, also if it had to move.
//
// builds: O0 O0+speed
// not on: s390x-linux
// compile flags: --memory-reservation 0
//
// > break before
// > run
// > p value = 17
// > p list->next->number = 2
// > break after
// > continue
// > locals value = 17, grown = 1
// > p list->number = 1
// > p list->next->number = 2
// native> p words = {"before", "after"}
// lldb wasm> p words = {"before", "after"}
// gdb wasm> p *words[1] = "after"
// > p kept = 23
// > set value = 18
// > p value = 18
// > exits 0

struct link {
    int number;
    struct link *next;
};

volatile int kept = 23;

__attribute__((noinline)) int grow(void) {
#ifdef __wasm__
    return __builtin_wasm_memory_grow(0, 300) > 0;
#else
    return 1;
#endif
}

int main(void) {
    int value = 17;
    const char *words[2] = {"before", "after"};
    struct link second = {2, 0}, first = {1, &second};
    struct link *list = &first;
    int grown = grow();                   // @before
    kept += words[0][0] * 0;              // @after
    return value - 17 - grown + list->next->number * 0;
}
