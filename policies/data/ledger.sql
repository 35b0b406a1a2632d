CREATE TABLE accounts (name TEXT PRIMARY KEY, budget INTEGER NOT NULL);
CREATE TABLE expenses (
    id INTEGER PRIMARY KEY,
    day TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES accounts (name),
    cents INTEGER NOT NULL CHECK (cents <> 0),
    note TEXT NOT NULL DEFAULT ''
);
CREATE TABLE salaries (person TEXT PRIMARY KEY, cents INTEGER NOT NULL);
CREATE VIEW totals AS SELECT substr(day, 1, 7) AS month, account, sum(cents) AS cents FROM expenses GROUP BY 1, 2;

INSERT INTO accounts VALUES ('travel', 150000), ('food', 20000), ('books', 10000);
INSERT INTO expenses (day, account, cents, note) VALUES
    ('2026-09-14', 'travel', 98000, 'Lisbon'), ('2026-10-02', 'travel', 162000, 'Oslo'), ('2026-10-05', 'food', 3450, ''),
    ('2026-10-05', 'food', 34500, 'typed with a zero too many'), ('2026-10-19', 'books', 4200, ''), ('2026-10-30', 'travel', 8900, 'trains');
INSERT INTO salaries VALUES ('ada', 520000);
