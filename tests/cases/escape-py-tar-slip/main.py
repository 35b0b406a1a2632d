import io
import tarfile


def member(name, content=b"mine", **fields):
    entry = tarfile.TarInfo(name)
    entry.size = len(content) if fields.get("type", tarfile.REGTYPE) == tarfile.REGTYPE else 0
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry, content


MEMBERS = [
    member("good.txt", b"good"),
    member("../planted.txt"),
    member("/planted.txt"),
    member("{{root}}/work/planted.txt"),
    member("sub/../../planted.txt"),
    member("out", type=tarfile.SYMTYPE, linkname=".."),
    member("out/planted.txt"),
    member("passwd", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    member("hard", type=tarfile.LNKTYPE, linkname="../canary.txt"),
    member("device", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
    member("pipe", type=tarfile.FIFOTYPE),
]

for how in ("fully_trusted", "tar", "data"):
    for entry, content in MEMBERS:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            archive.addfile(entry, io.BytesIO(content) if entry.size else None)
        buffer.seek(0)
        try:
            with tarfile.open(fileobj=buffer) as archive:
                archive.extractall("/box", filter=how)
            told = "extracted"
        except Exception as error:
            told = getattr(error, "code", None) or type(error).__name__
        print(f"{how}: {entry.name.replace('{{root}}', 'ROOT')}: {told}")

for name in ("out/canary.txt", "passwd", "hard"):
    try:
        print(name, open(f"/box/{name}").read())
    except OSError as error:
        print(name, getattr(error, "code", None) or type(error).__name__)
