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

-- Of which some columns are for guests: `salary`, `diagnosis` and `pin` are for nobody.
CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, note TEXT, salary INTEGER, diagnosis TEXT, pin TEXT UNIQUE,
  hint TEXT AS (substr(diagnosis, 1, 1)));
CREATE TABLE visits (person INTEGER, salary INTEGER, pin TEXT);
CREATE VIEW paid AS SELECT name FROM people WHERE salary > 1000;
CREATE VIEW named AS SELECT id, name FROM people;
CREATE VIEW joined AS SELECT people.id FROM people NATURAL JOIN visits;
CREATE TABLE touched (id INTEGER);
CREATE TRIGGER touch AFTER INSERT ON touched BEGIN UPDATE people SET note = (SELECT pin FROM people WHERE id = NEW.id); END;
INSERT INTO people (id, name, note, salary, diagnosis, pin) VALUES (1, 'ada', 'n', 5200, 'flu', '4711'), (2, 'bo', 'm', 900, 'cold', '0815');
INSERT INTO visits VALUES (1, 5200, '4711');
