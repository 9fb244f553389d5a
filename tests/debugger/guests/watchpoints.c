// The debugger stops where the guest's memory changes.
//
// builds: O0 O0+speed O0+memory64 O2
//
// > break begin
// > run
// > watch counter
// > changes 1 to 2
// > in bump
// > bt bump main ...
// > changes 2 to 4
// > in bump
// > p counter = 4
// > p account.balance = 100
// > exits 0

struct account {
    int number, balance;
};

volatile int counter = 1;
volatile struct account account = {7, 100};

__attribute__((noinline)) void bump(int by) {
    account.balance += 0;
    counter += by;
    account.number += 1;
}

int main(void) {
    account.number += 1; // @begin
    bump(1);
    bump(2);
    return counter - 4;
}
