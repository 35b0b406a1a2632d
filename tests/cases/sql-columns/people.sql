CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, email TEXT, note TEXT);
INSERT INTO people VALUES (1, 'ada', 'ada@example', 'm'), (2, 'bo', 'bo@example', 'n'), (3, 'eve', 'eve@example', 'o');
