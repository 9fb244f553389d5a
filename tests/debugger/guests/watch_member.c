// Memory behind a pointer is watched.
//
// builds: O0 O0+speed
//
// > break begin
// > run
// > in change
// > watch of->balance
// > changes 100 to 70
// > in change
// > p of->balance = 70
// > p of->number = 7
// > changes 70 to 71
// > p of->balance = 71
// > delete
// > exits 0

struct account {
    int number, balance;
};

__attribute__((noinline)) int change(struct account *of, int by) {
    of->balance -= by; // @begin
    of->balance += 1;
    return of->balance;
}

int main(void) {
    struct account account = {7, 100};
    return change(&account, 30) - 71;
}
