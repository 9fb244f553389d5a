// What the parts of the SQLite program share. sqlite.c has the main function and these helpers; sqlite_session.c works
// in memory, sqlite_database.c on files.

#include "sqlite3.h"

// The database that the helpers work on.
extern sqlite3 *db;

// Says on standard error what SQLite complains of, and ends the program with status 1.
_Noreturn void fail(const char *what);

// Runs statements that return nothing.
void run(const char *sql);

// Runs statements that are to be refused, and prints why they are.
void refuse(const char *sql);

sqlite3_stmt *prepare(const char *sql);

// Prints the query, then its rows, columns separated by bars.
void show(const char *sql);

// Park and Miller's generator: the same numbers everywhere.
int random_below(int limit);

// Adds to `db` the scalar function weigh(text): a checksum of its bytes, to see calls from SQL into C.
void add_weigh(void);

int session(void);
int database(const char *path, const char *step);
