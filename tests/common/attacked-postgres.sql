-- What `cases/sql-attacks-postgres.tsv` is tried on. `secrets` and the columns `salary`, `pin` are for nobody; the policy is
-- `attacked-postgres.toml`. The role may do everything, so that nothing but the host is in the way.
CREATE TABLE accounts (id integer PRIMARY KEY, name text, owner text);
CREATE TABLE inbox (id serial PRIMARY KEY, line text UNIQUE, token text DEFAULT 'default-canary');
CREATE TABLE people (id integer PRIMARY KEY, name text, note text, salary integer, pin text UNIQUE);
CREATE TABLE visits (person integer, pin text);
CREATE TABLE secrets (id integer PRIMARY KEY, token text);
CREATE TABLE "Odd Name" (a text);
CREATE TABLE documents (id integer PRIMARY KEY, body jsonb, tags text[]);
CREATE VIEW leak AS SELECT token FROM secrets;
CREATE VIEW named AS SELECT id, name FROM people;
CREATE SEQUENCE counter;
CREATE SCHEMA vault;
CREATE TABLE vault.accounts (id integer, name text);
CREATE TYPE mood AS ENUM ('good', 'bad');

INSERT INTO accounts VALUES (1, 'travel', 'ada'), (2, 'food', 'bo');
INSERT INTO inbox (line) VALUES ('first');
INSERT INTO people VALUES (1, 'ada', 'n', 5200, 'canary-4711'), (2, 'bo', 'm', 900, 'canary-0815');
INSERT INTO visits VALUES (1, 'canary-4711');
INSERT INTO secrets VALUES (1, 'canary-hunter2');
INSERT INTO "Odd Name" VALUES ('canary-odd');
INSERT INTO documents VALUES (1, '{"a": [1, 2.50, {"b": null}]}', '{x,"y z",NULL}');
INSERT INTO vault.accounts VALUES (1, 'canary-vault');

-- Functions that a row or a name could be made to call.
CREATE FUNCTION stolen(accounts) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT token FROM secrets';
CREATE FUNCTION length(accounts) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT token FROM secrets';
CREATE FUNCTION wipe() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM secrets RETURNING id';
-- Whatever row, value or operator they are given, they run; some are named as what computes.
CREATE FUNCTION grab(anyelement) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT token FROM secrets';
CREATE FUNCTION salary(anyelement) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT token FROM secrets';
CREATE FUNCTION "case"(anyelement) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT token FROM secrets';
CREATE FUNCTION "isnull"(anyelement) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT token FROM secrets';
CREATE FUNCTION upper(integer) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT token FROM secrets';
CREATE FUNCTION "coalesce"(integer) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT token FROM secrets';
CREATE FUNCTION "ceil"(boolean) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT token FROM secrets';
CREATE FUNCTION "substring"(integer, integer) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT token FROM secrets';
CREATE FUNCTION generate_series(text) RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS 'SELECT token FROM secrets';
CREATE FUNCTION unnest(text) RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS 'SELECT token FROM secrets';
CREATE FUNCTION beside(accounts, text) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT token FROM secrets';
CREATE OPERATOR || (LEFTARG = accounts, RIGHTARG = text, FUNCTION = beside);

CREATE ROLE agents;
GRANT ALL ON ALL TABLES IN SCHEMA public, vault TO agents;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO agents;
GRANT ALL ON SCHEMA public, vault TO agents;
GRANT pg_read_server_files, pg_write_server_files, pg_execute_server_program, pg_read_all_settings, pg_signal_backend TO agents;
GRANT CREATE, TEMPORARY ON DATABASE crm TO agents;
GRANT agents TO bailiwick;
