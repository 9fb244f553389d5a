// Unions: each member sees the same bytes.
//
// builds: O0 O0+speed O0+dwarf4
//
// > break made
// > run
// > p word.whole = 1078530011
// > p word.real = 3.14159274
// > p word.halves = {4059, 16457}
// > p word.halves[1] = 16457
// !s390x> p tagged = {kind = TEXT, {number = _, text = "seven"}}
// > p tagged.text = "seven"
// > next
// !s390x> p tagged.kind = NUMBER
// s390x> p tagged.kind = 0
// > p tagged.number = 7
// > exits 0

struct tagged {
    enum kind { NUMBER, TEXT } kind;
    union {
        long long number;
        char text[8];
    };
};

volatile int sink;

int main(void) {
    union {
        unsigned int whole;
        float real;
        unsigned short halves[2];
    } word = {0x40490fdb};
    struct tagged tagged = {TEXT, {.text = "seven"}};
    sink = word.halves[0];
    tagged = (struct tagged){NUMBER, {7}}; // @made
    return tagged.number - 7;
}
