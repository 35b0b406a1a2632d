import os
from pathlib import Path


def attempt(name, act):
    try:
        print(f"{name}: {act()!r}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__} {getattr(error, 'code', '') or ''}".rstrip())


class Shifting(os.PathLike):
    """Says one thing when it is checked and another when it is used."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def __fspath__(self):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Lying(str):
    def __str__(self):
        return "/box/seed.txt"

    def startswith(self, *_):
        return True

    __repr__ = __eq__ = __str__
    __hash__ = str.__hash__


attempt("the way that is allowed", lambda: open("/box/seed.txt").read())
for path in ["{{root}}/canary.txt", "{{root}}/work/canary.txt", "{{root}}/state/canary.txt", "canary.txt", "../canary.txt", "work/canary.txt", "box.toml"]:
    attempt(path.replace("{{root}}", "ROOT"), lambda: open(path).read())
attempt("bytes", lambda: open(os.fsencode("{{root}}/canary.txt")).read())
attempt("a path that changes", lambda: open(Shifting("/box/seed.txt", "{{root}}/canary.txt", "/etc/passwd")).read())
attempt("a path that changes, twice", lambda: [open(shifty).read() for shifty in [Shifting("{{root}}/canary.txt", "/box/seed.txt")] * 2])
attempt("a text that lies", lambda: open(Lying("{{root}}/canary.txt")).read())
attempt("listing", lambda: os.listdir("{{root}}"))
attempt("the root", lambda: os.listdir("/"))
attempt("resolve", lambda: str(Path("/box/../..").resolve()))
attempt("write", lambda: Path("{{root}}/work/box.toml").write_text("schema = 1"))
attempt("write beside", lambda: Path("/canary.txt").write_text("mine"))
attempt("move the mount", lambda: os.rename("/box", "/box2"))
attempt("remove the mount", lambda: os.rmdir("/box"))
