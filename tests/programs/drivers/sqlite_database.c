// The life of an SQLite database in a file, one step a process: create, change, crash, recover, attach, vacuum, dump.
//
// SQLite locks files by way of its `unix-dotfile`, a directory FILE.lock beside the file: WASI has no other locks, and both
// sides are to leave the same files behind. Its random numbers start from a fixed one for the same reason.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite_program.h"

static const char *path;

// The name of a file beside the database.
static const char *beside(const char *suffix) {
    static char name[256];
    snprintf(name, sizeof name, "%s%s", path, suffix);
    return name;
}

static sqlite3 *open_database(const char *file, int flags) {
    sqlite3 *opened;
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, 42, NULL);
    if (sqlite3_open_v2(file, &opened, flags, "unix-dotfile") != SQLITE_OK) {
        db = opened;
        fail(file);
    }
    return opened;
}

// Closes what must have no statements open any more.
static void close_database(sqlite3 *opened) {
    if (sqlite3_close(opened) != SQLITE_OK) {
        db = opened;
        fail("close");
    }
}

// Says which files there are, and whether they have something in them.
static void show_files(const char *when) {
    static const char *const suffixes[] = {"", "-journal", ".lock"};
    printf("%s:", when);
    for (int i = 0; i < 3; i++) {
        struct stat status;
        if (stat(beside(suffixes[i]), &status) != 0)
            continue;
        if (S_ISDIR(status.st_mode))
            printf(" FILE%s/", suffixes[i]);
        else
            printf(" FILE%s of %lld bytes", suffixes[i], (long long)status.st_size);
    }
    printf("\n");
}

static void insert_readings(int first, int count) {
    sqlite3_stmt *insert = prepare("INSERT INTO reading(id, station, at, value, note) VALUES (?, ?, ?, ?, ?)");
    for (int id = first; id < first + count; id++) {
        char note[64];
        snprintf(note, sizeof note, "reading %d, %s", id, random_below(3) ? "as usual" : "to be looked at again");
        sqlite3_bind_int(insert, 1, id);
        sqlite3_bind_int(insert, 2, 1 + random_below(5));
        sqlite3_bind_int64(insert, 3, 1700000000LL + 60LL * id);
        sqlite3_bind_double(insert, 4, random_below(5000) / 100.0 - 20);
        sqlite3_bind_text(insert, 5, note, -1, SQLITE_TRANSIENT);
        if (sqlite3_step(insert) != SQLITE_DONE)
            fail("insert reading");
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
}

static const char *const totals = "SELECT count(*), sum(id), round(sum(value), 2), sum(weigh(note)) FROM reading";

static void create(void) {
    db = open_database(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    add_weigh();
    show("PRAGMA journal_mode");
    show("PRAGMA synchronous");
    show_files("before the first table");
    run("CREATE TABLE station(id INTEGER PRIMARY KEY, name TEXT UNIQUE, picture BLOB)");
    run("CREATE TABLE reading(id INTEGER PRIMARY KEY, station INTEGER REFERENCES station(id), at INTEGER, value REAL, note TEXT)");
    run("CREATE INDEX reading_station ON reading(station, at)");
    show_files("with tables");

    run("BEGIN");
    run("INSERT INTO station(name) VALUES ('harbour'), ('hill'), ('mill'), ('quarry'), ('weir')");
    insert_readings(1, 4000);
    show_files("within a transaction");
    run("COMMIT");
    show_files("after it");
    show(totals);

    run("BEGIN");
    insert_readings(5000, 100);
    run("SAVEPOINT half");
    run("DELETE FROM reading WHERE station = 2");
    show(totals);
    run("ROLLBACK TO half");
    show(totals);
    run("ROLLBACK");
    show(totals);
    show("PRAGMA integrity_check");
    run("PRAGMA user_version = 7");
    close_database(db);
    show_files("closed");
}

static void change(void) {
    db = open_database(path, SQLITE_OPEN_READWRITE);
    add_weigh();
    show("PRAGMA user_version");
    show(totals);
    show("SELECT name FROM station ORDER BY name");

    // Somebody else has it open, and does not get it as long as it is locked.
    sqlite3 *first = db, *second = open_database(path, SQLITE_OPEN_READWRITE);
    run("BEGIN EXCLUSIVE");
    show_files("locked");
    db = second;
    refuse("DELETE FROM reading");
    db = first;
    run("UPDATE reading SET value = value + 1, note = upper(note) WHERE id % 7 = 0");
    printf("updated %d\n", sqlite3_changes(db));
    run("COMMIT");
    db = second;
    run("DELETE FROM reading WHERE station = 5 AND value < 0");
    printf("deleted %d\n", sqlite3_changes(db));
    db = first;
    close_database(second);
    show(totals);

    // Journals that stay: one is cut to nothing, one has its header overwritten.
    show("PRAGMA journal_mode = TRUNCATE");
    run("DELETE FROM reading WHERE id = 3");
    show_files("truncated");
    show("PRAGMA journal_mode = PERSIST");
    run("DELETE FROM reading WHERE id = 4");
    show_files("persistent");
    show("PRAGMA journal_mode = DELETE");
    run("DELETE FROM reading WHERE id = 5");
    show_files("deleted");

    // A blob of many pages, written and read in pieces.
    run("UPDATE station SET picture = zeroblob(100000) WHERE id = 3");
    sqlite3_blob *blob;
    if (sqlite3_blob_open(db, "main", "station", "picture", 3, 1, &blob) != SQLITE_OK)
        fail("open the picture");
    unsigned char piece[1000], again[1000];
    for (int at = 0; at < 100000; at += 1000) {
        memset(piece, at / 1000, sizeof piece);
        if (sqlite3_blob_write(blob, piece, sizeof piece, at) != SQLITE_OK)
            fail("write the picture");
    }
    int wrong = sqlite3_blob_read(blob, again, sizeof again, 77000) != SQLITE_OK || again[0] != 77 || again[999] != 77;
    printf("picture: %d bytes, %s\n", sqlite3_blob_bytes(blob), wrong ? "WRONG" : "as written");
    sqlite3_blob_close(blob);
    show("PRAGMA integrity_check");
    close_database(db);
    show_files("closed");
}

// Ends in the middle of a transaction of which pages are in the file already.
static void crash(void) {
    db = open_database(path, SQLITE_OPEN_READWRITE);
    add_weigh();
    show(totals);
    run("PRAGMA cache_size = 10");
    run("BEGIN");
    run("UPDATE reading SET value = 0, note = 'lost'");
    run("DELETE FROM station");
    show(totals);
    show_files("in the middle");
    fflush(stdout);
    _Exit(0);
}

static void recover(void) {
    show_files("found");
    db = open_database(path, SQLITE_OPEN_READWRITE);
    add_weigh();
    refuse("SELECT count(*) FROM reading");
    // The lock of a process that is no more: who uses such locks has to take it away.
    if (rmdir(beside(".lock")) != 0)
        printf("the lock stays\n");
    show(totals);
    show("SELECT count(*) FROM station");
    show("PRAGMA integrity_check");
    close_database(db);
    show_files("recovered");
}

// One transaction on two files: both journals are bound together by a third.
static void attach(void) {
    db = open_database(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    add_weigh();
    char *sql = sqlite3_mprintf("ATTACH %Q AS archive", beside(".archive"));
    run(sql);
    sqlite3_free(sql);
    run("CREATE TABLE archive.reading(id INTEGER PRIMARY KEY, station INTEGER, at INTEGER, value REAL, note TEXT)");
    run("BEGIN");
    run("INSERT INTO archive.reading SELECT * FROM main.reading WHERE id < 1000");
    run("DELETE FROM main.reading WHERE id < 1000");
    show_files("on both");
    run("COMMIT");
    show_files("committed");
    show("SELECT count(*) FROM main.reading");
    show("SELECT count(*), sum(id) FROM archive.reading");
    run("DETACH archive");
    close_database(db);
}

static void vacuum(void) {
    db = open_database(path, SQLITE_OPEN_READWRITE);
    add_weigh();
    run("DELETE FROM reading WHERE station IN (1, 4)");
    show("PRAGMA freelist_count");
    show_files("with free pages");
    run("VACUUM");
    show("PRAGMA freelist_count");
    show_files("without");
    char *sql = sqlite3_mprintf("VACUUM INTO %Q", beside(".copy"));
    run(sql);
    sqlite3_free(sql);
    run("PRAGMA page_size = 1024");
    run("VACUUM");
    show("PRAGMA page_size");
    show_files("with small pages");
    show("PRAGMA integrity_check");
    close_database(db);
}

// Everything that is in it, through a connection that may only read.
static void dump(void) {
    db = open_database(path, SQLITE_OPEN_READONLY);
    add_weigh();
    refuse("DELETE FROM reading");
    show("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name");
    show("SELECT id, name, length(picture), hex(substr(picture, 50001, 8)) FROM station ORDER BY id");
    show("SELECT * FROM reading WHERE id % 50 = 0 ORDER BY id");
    show(totals);
    show("PRAGMA integrity_check");
    close_database(db);
}

int database(const char *file, const char *step) {
    static const struct {
        const char *name;
        void (*run)(void);
    } steps[] = {
        {"create", create}, {"change", change}, {"crash", crash}, {"recover", recover},
        {"attach", attach}, {"vacuum", vacuum}, {"dump", dump},
    };
    path = file;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (!strcmp(steps[i].name, step)) {
            steps[i].run();
            return 0;
        }
    }
    fprintf(stderr, "sqlite: there is no step `%s`\n", step);
    return 2;
}
