// A session with an in-memory SQLite database: a schema, some thousand rows, and statements of every kind.
// No file is touched.

#include <stdio.h>

#include "sqlite_program.h"

// Prints how SQLite will find the rows: which table by which index.
static void explain(const char *query) {
    char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", query);
    printf("> %s\n", sql);
    sqlite3_stmt *statement = prepare(sql);
    while (sqlite3_step(statement) == SQLITE_ROW)
        printf("  %s\n", sqlite3_column_text(statement, 3));
    sqlite3_finalize(statement);
    sqlite3_free(sql);
}

enum { CUSTOMERS = 1000, ORDERS = 20000 };

static void fill(void) {
    static const char *const cities[] = {"Lisbon", "Oslo", "Quito", "Nairobi", "Osaka", "Perth", "Lima"};
    static const char *const parts[] = {"an", "bel", "cor", "da", "el", "fin", "ga", "hu"};
    static const char *const goods[] = {"anvil", "bellows", "chisel", "file", "hammer", "tongs"};

    run("BEGIN");
    sqlite3_stmt *insert = prepare("INSERT INTO customer(name, city, credit) VALUES (?, ?, ?)");
    for (int i = 0; i < CUSTOMERS; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s%s%s", parts[random_below(8)], parts[random_below(8)], parts[random_below(8)]);
        sqlite3_bind_text(insert, 1, name, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(insert, 2, cities[random_below(7)], -1, SQLITE_STATIC);
        sqlite3_bind_double(insert, 3, random_below(100000) / 100.0);
        if (sqlite3_step(insert) != SQLITE_DONE)
            fail("insert customer");
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);

    insert = prepare("INSERT INTO purchase(customer, item, quantity, price, note) VALUES (?, ?, ?, ?, ?)");
    for (int i = 0; i < ORDERS; i++) {
        sqlite3_bind_int(insert, 1, 1 + random_below(CUSTOMERS));
        sqlite3_bind_text(insert, 2, goods[random_below(6)], -1, SQLITE_STATIC);
        sqlite3_bind_int(insert, 3, 1 + random_below(12));
        sqlite3_bind_int64(insert, 4, 100 + random_below(90000));
        if (random_below(5))
            sqlite3_bind_null(insert, 5);
        else
            sqlite3_bind_text(insert, 5, random_below(2) ? "gift wrapped" : "urgent", -1, SQLITE_STATIC);
        if (sqlite3_step(insert) != SQLITE_DONE)
            fail("insert purchase");
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    run("COMMIT");
}

int session(void) {
    if (sqlite3_open(":memory:", &db) != SQLITE_OK)
        fail("open");
    add_weigh();
    run("CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL, credit REAL CHECK(credit >= 0))");
    run("CREATE TABLE purchase(id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customer(id),"
        " item TEXT, quantity INTEGER, price INTEGER, note TEXT)");
    fill();

    const char *by_customer = "SELECT count(*), sum(quantity * price) FROM purchase WHERE customer = 77";
    explain(by_customer);
    show(by_customer);
    run("CREATE INDEX purchase_customer ON purchase(customer, item)");
    run("CREATE INDEX customer_city ON customer(city)");
    run("ANALYZE");
    explain(by_customer);
    show(by_customer);

    show("SELECT count(*), min(price), max(price), round(avg(price), 4), count(note) FROM purchase");
    show("SELECT city, count(*), round(sum(credit), 2) FROM customer GROUP BY city HAVING count(*) > 100 ORDER BY 2 DESC, 1");

    const char *join = "SELECT c.city, p.item, sum(p.quantity) AS pieces FROM customer c JOIN purchase p ON p.customer = c.id"
                       " WHERE c.city IN ('Oslo', 'Lima') GROUP BY c.city, p.item ORDER BY pieces DESC, p.item LIMIT 6";
    explain(join);
    show(join);
    show("SELECT c.name, count(p.id) FROM customer c LEFT JOIN purchase p ON p.customer = c.id AND p.price > 89500"
         " GROUP BY c.id ORDER BY 2 DESC, c.id LIMIT 4");
    show("SELECT DISTINCT name FROM customer WHERE name LIKE 'bel%ga' ORDER BY name");
    show("SELECT count(*) FROM customer WHERE name GLOB '*[cd]?r*' OR name LIKE '%FIN'");
    show("SELECT upper(substr(name, 1, 3)) || '-' || id, printf('%08.2f', credit), weigh(name) FROM customer"
         " ORDER BY credit DESC, id LIMIT 5 OFFSET 10");
    show("SELECT name FROM customer WHERE id = (SELECT customer FROM purchase GROUP BY customer"
         " ORDER BY sum(quantity * price) DESC LIMIT 1)");
    show("WITH RECURSIVE collatz(n, step) AS (SELECT 27, 0 UNION ALL SELECT CASE n % 2 WHEN 0 THEN n / 2 ELSE 3 * n + 1 END,"
         " step + 1 FROM collatz WHERE n > 1) SELECT max(step), max(n), group_concat(n) FILTER (WHERE step < 8) FROM collatz");
    show("SELECT item, price, rank() OVER (PARTITION BY item ORDER BY price DESC), sum(price) OVER (ORDER BY id)"
         " FROM purchase WHERE customer = 5 ORDER BY id LIMIT 5");
    show("SELECT json_extract('{\"a\": [1, {\"b\": 2.5}]}', '$.a[1].b'), json_group_array(city) FROM"
         " (SELECT DISTINCT city FROM customer ORDER BY city)");
    show("SELECT date(86400 * 19000, 'unixepoch', '+1 month', 'weekday 1'), strftime('%j', '2024-12-31'), julianday('2000-01-01')");
    show("SELECT hex(x'00ff' || 'a'), typeof(1 / 2), 7 / 2, 7 / 2.0, 9223372036854775807 + 1, abs(-5), quote('it''s')");

    run("UPDATE purchase SET price = price * 11 / 10, note = coalesce(note, 'none') WHERE item IN ('anvil', 'tongs')");
    printf("updated %d\n", sqlite3_changes(db));
    run("DELETE FROM purchase WHERE quantity = 1 AND customer % 3 = 0");
    printf("deleted %d\n", sqlite3_changes(db));
    show("SELECT note, count(*), sum(price) FROM purchase GROUP BY note ORDER BY note");

    run("BEGIN");
    run("DELETE FROM customer WHERE city = 'Oslo'");
    run("SAVEPOINT inner_one");
    run("DELETE FROM customer");
    show("SELECT count(*) FROM customer");
    run("ROLLBACK TO inner_one");
    show("SELECT count(*) FROM customer");
    run("ROLLBACK");
    show("SELECT count(*) FROM customer");

    run("CREATE TABLE log(what TEXT, id INTEGER)");
    run("CREATE TRIGGER gone AFTER DELETE ON customer BEGIN INSERT INTO log VALUES ('gone', old.id); END");
    run("CREATE VIEW rich AS SELECT id, name, credit FROM customer WHERE credit > 990");
    run("DELETE FROM customer WHERE id IN (SELECT id FROM rich ORDER BY id LIMIT 3)");
    show("SELECT * FROM log");
    show("SELECT count(*) FROM rich");
    run("INSERT INTO customer(id, name, city, credit) VALUES (1, 'again', 'Oslo', 1) ON CONFLICT(id) DO UPDATE SET name = 'upserted'");
    show("SELECT name FROM customer WHERE id = 1");
    refuse("INSERT INTO customer(name, city, credit) VALUES ('x', 'Oslo', -1)");
    refuse("SELEC 1");

    show("SELECT sum(weigh(p.item || c.name) * p.quantity) FROM purchase p JOIN customer c ON c.id = p.customer");
    show("SELECT count(*), sum(a.price - b.price) FROM purchase a JOIN purchase b ON a.customer = b.customer AND a.item = b.item AND a.id < b.id");
    show("SELECT count(*) FROM customer a, customer b WHERE a.city = b.city AND a.credit < b.credit AND a.name = b.name");
    run("VACUUM");
    show("PRAGMA integrity_check");
    sqlite3_close(db);
    return 0;
}
