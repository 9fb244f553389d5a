// SQLite: without arguments a session with a database in memory, with `FILE STEP` a step of the life of one on disk.
//
// Prints each query and its rows, so that a difference shows where it began.

#include "sqlite_program.h"

#include <stdio.h>
#include <stdlib.h>

sqlite3 *db;

void fail(const char *what) {
    fflush(stdout);
    fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

void run(const char *sql) {
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail(sql);
}

void refuse(const char *sql) {
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        printf("refused: %s\n", sqlite3_errmsg(db));
    else
        printf("NOT REFUSED: %s\n", sql);
}

sqlite3_stmt *prepare(const char *sql) {
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        fail(sql);
    return statement;
}

void show(const char *sql) {
    printf("> %s\n", sql);
    sqlite3_stmt *statement = prepare(sql);
    int status;
    while ((status = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int column = 0; column < sqlite3_column_count(statement); column++) {
            const unsigned char *text = sqlite3_column_text(statement, column);
            printf("%s%s", column ? " | " : "  ", text ? (const char *)text : "null");
        }
        printf("\n");
    }
    if (status != SQLITE_DONE)
        fail(sql);
    sqlite3_finalize(statement);
}

static unsigned seed = 20240601;
int random_below(int limit) {
    seed = (unsigned)((unsigned long long)seed * 48271 % 2147483647);
    return (int)(seed % (unsigned)limit);
}

static void weigh(sqlite3_context *context, int count, sqlite3_value **values) {
    const unsigned char *text = sqlite3_value_text(values[0]);
    unsigned sum = 0;
    for (; text && *text; text++)
        sum = sum * 31 + *text;
    sqlite3_result_int64(context, sum % 10007);
    (void)count;
}

void add_weigh(void) {
    sqlite3_create_function(db, "weigh", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, weigh, NULL, NULL);
}

int main(int argc, char **argv) {
    switch (argc) {
    case 1:
        return session();
    case 3:
        return database(argv[1], argv[2]);
    default:
        fprintf(stderr, "usage: sqlite [FILE STEP]\n");
        return 2;
    }
}
