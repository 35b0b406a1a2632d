import sqlite3

database = sqlite3.connect(":memory:")
with open("/m/note.txt", "w") as note:
    note.write("kept\n")
database.execute("CREATE TABLE t (x)")
