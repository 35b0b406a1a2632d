import sqlite3


def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '') or ''}".rstrip())


def run(sql, *parameters):
    return lambda: connection.execute(sql, parameters).fetchall()


connection = sqlite3.connect(":memory:")
attempt("memory works", run("select 1 + 1"))
attempt("attach passwd", run("attach '/etc/passwd' as p"))
attempt("read it", run("select * from p.sqlite_master"))
attempt("attach the canary", run("attach ? as c", "{{root}}/canary.txt"))
attempt("attach a new file", run("attach '{{root}}/work/planted.db' as n"))
attempt("write it", run("create table n.t as select 1"))
attempt("vacuum into", run("vacuum into '{{root}}/work/planted2.db'"))
attempt("readfile", run("select readfile('/etc/passwd')"))
attempt("writefile", run("select writefile('/box/x', 'y')"))
attempt("load_extension", run("select load_extension('/lib/libc.so.6')"))
attempt("fts tokenizer", run("select fts3_tokenizer('simple', x'4141414141414141')"))
attempt("temp files", run("pragma temp_store_directory = '{{root}}'"))
attempt("pragma database_list", run("select count(*) from pragma_database_list where file like '%root%'"))


def enable():
    connection.enable_load_extension(True)
    connection.load_extension("/lib/libc.so.6")


attempt("enable extensions", enable)
attempt("backup", lambda: connection.backup(sqlite3.connect("{{root}}/work/planted3.db")))
attempt("shared uri", lambda: sqlite3.connect("file:/proc/self/environ?immutable=1", uri=True).execute("select * from sqlite_master").fetchall())
attempt("iterdump", lambda: list(sqlite3.connect("/etc/passwd").iterdump()))
