/* A program with a WebAssembly module in it: calls, a function for the module to call, its memory, and a trap. */
#include <stdio.h>
#include <stdlib.h>

#include "ledger.h" /* made by `wootz compile`, see Makefile */

/* What the module imports as `shop` `price`. */
static wootz_error_t *price(void *data, struct ledger *caller, int32_t article, double *result) {
    const double *prices = (const double *)data;
    (void)caller;
    if (article < 0 || article >= 3) {
        return wootz_error_new("there is no such article");
    }
    *result = prices[article];
    return NULL;
}

static void check(wootz_error_t *error) {
    if (error) {
        fprintf(stderr, "error: %s\n", wootz_error_message(error));
        exit(1);
    }
}

/* Shows why a call has failed, which it had to. */
static void show(wootz_error_t *error) {
    size_t i;
    const wootz_frame_t *frame;
    if (!error) {
        fprintf(stderr, "error: it did not fail\n");
        exit(1);
    }
    printf("%s\n", wootz_error_trap(error) == WOOTZ_TRAP_MEMORY_OUT_OF_BOUNDS ? "it trapped:" : "it failed:");
    printf("%s\n", wootz_error_message(error));
    for (i = 0; (frame = wootz_error_frame(error, i)) != NULL; i++) {
        printf("frame %d: %s\n", (int)i, frame->function ? frame->function : "(no name)");
    }
    wootz_error_delete(error);
}

int main(void) {
    static double prices[] = {0.5, 1.25, 20};
    static const int32_t list[] = {0, 4, 2, 1, 1, 2}; /* little-endian, as WebAssembly is */
    static const int32_t wrong[] = {7, 1};
    wootz_engine_t *engine = NULL;
    wootz_store_t *store;
    struct ledger_imports imports;
    struct ledger *ledger = NULL;
    double total = 0;

    check(wootz_engine_new(NULL, &engine));
    store = wootz_store_new(engine);
    imports.data = prices;
    imports.shop.price = price;
    check(ledger_wootz_instantiate(store, &imports, &ledger));

    check(wootz_memory_write(ledger_memory(ledger), 1024, list, sizeof list));
    check(ledger_total(ledger, 1024, 3, &total));
    printf("total: %.2f\n", total);

    /* An error of the host's ends the call, and so does what the module must not do. */
    check(wootz_memory_write(ledger_memory(ledger), 1024, wrong, sizeof wrong));
    show(ledger_total(ledger, 1024, 1, &total));
    show(ledger_total(ledger, 65536, 1, &total));

    wootz_store_delete(store);
    wootz_engine_delete(engine);
    return 0;
}
