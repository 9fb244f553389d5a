// What the debugger sets, the guest goes on with.
//
// builds: O0 O0+speed O0+dwarf4 O0+memory64
// not on: s390x-linux
//
// > break made
// > run
// > set number = 40
// > p number = 40
// > set pair.second = 2
// > p pair = {first = 1, second = 2}
// > set at->first = 30
// > p pair.first = 30
// > set values[1] = 200
// > p values = {10, 200}
// > set real = 0.5
// > p real = 0.5
// > set wide = 5000000000
// > p wide = 5000000000
// > break summed
// > continue
// > p sum = 272
// > p half = 1.0
// > p wider = 5000000001
// > exits 0

struct pair {
    int first, second;
};

__attribute__((noinline)) int add(int number, struct pair *pair, int *values) {
    return number + pair->first + pair->second + values[1];
}

int main(void) {
    int number = 1;
    struct pair pair = {1, 1};
    struct pair *at = &pair;
    int values[2] = {10, 20};
    double real = 2.5;
    long long wide = 1;
    int sum = add(number, at, values); // @made
    double half = real * 2;
    long long wider = wide + 1;
    if (half != 1.0 || wider != 5000000001ll)
        return 1;
    return sum - 272; // @summed
}
