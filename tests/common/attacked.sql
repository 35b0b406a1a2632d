-- What `cases/sql-attacks.tsv` is tried on. `secrets` and `salaries` are for nobody; the policy is `attacked.toml`.
CREATE TABLE Expenses (id INTEGER PRIMARY KEY, account TEXT NOT NULL, amount INTEGER CHECK (amount > 0), cents INTEGER AS (amount * 100));
CREATE TABLE accounts (name TEXT PRIMARY KEY, owner TEXT);
CREATE TABLE documents (id INTEGER PRIMARY KEY, body TEXT);
CREATE TABLE inbox (id INTEGER PRIMARY KEY AUTOINCREMENT, line TEXT UNIQUE);
CREATE TABLE secrets (id INTEGER PRIMARY KEY, token TEXT);
CREATE TABLE salaries (person TEXT PRIMARY KEY, amount INTEGER);
CREATE TABLE "odd name" (a TEXT);

-- Owned by somebody else, and reaching further than their names say.
CREATE VIEW leak AS SELECT token FROM secrets;
CREATE VIEW leak_of_leak AS SELECT * FROM leak;
CREATE VIEW mailbox AS SELECT line FROM inbox;
CREATE TRIGGER mailed INSTEAD OF INSERT ON mailbox BEGIN INSERT INTO secrets (token) VALUES (NEW.line); END;
CREATE TABLE watched (id INTEGER);
CREATE TRIGGER watch AFTER INSERT ON watched BEGIN UPDATE salaries SET amount = 0; END;
CREATE TABLE child (secret INTEGER REFERENCES secrets (id) ON DELETE CASCADE);
CREATE TABLE parent (id INTEGER PRIMARY KEY);
CREATE TABLE dependent (parent INTEGER REFERENCES parent (id) ON DELETE CASCADE, token TEXT);

-- Virtual tables, with the tables that they keep their content in.
CREATE VIRTUAL TABLE notes USING fts5 (body);
CREATE VIRTUAL TABLE places USING rtree (id, x0, x1);

INSERT INTO Expenses (id, account, amount) VALUES (1, 'travel', 120), (2, 'food', 30);
INSERT INTO accounts VALUES ('travel', 'ada'), ('food', 'bo');
INSERT INTO documents VALUES (1, '{"a": [1, 2, 3]}');
INSERT INTO secrets VALUES (1, 'hunter2');
INSERT INTO salaries VALUES ('ada', 5200);
INSERT INTO "odd name" VALUES ('odd');
INSERT INTO child VALUES (1);
INSERT INTO parent VALUES (1);
INSERT INTO dependent VALUES (1, 'kept');
INSERT INTO notes VALUES ('the quick brown fox');
INSERT INTO places VALUES (1, 0, 1);
