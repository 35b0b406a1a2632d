import io
import os
import shutil
import zipfile

NAMES = ["good.txt", "../planted.txt", "/planted.txt", "..\\planted.txt", "a/../../planted.txt", "{{root}}/work/planted.txt", "\0x"]

for name in NAMES:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("placeholder")
        entry.filename = name
        archive.writestr(entry, "mine")
    told = []
    with zipfile.ZipFile(buffer) as archive:
        for act in (
            lambda: archive.extractall("/box/unpacked"),
            # What a careless extractor does.
            lambda: open(os.path.join("/box", archive.namelist()[0]), "wb").write(archive.read(archive.namelist()[0])),
        ):
            try:
                told.append("written" if act() or True else "")
            except Exception as error:
                told.append(getattr(error, "code", None) or type(error).__name__)
    print(ascii(name.replace("{{root}}", "ROOT")), *told)

with zipfile.ZipFile("/box/link.zip", "w") as archive:
    entry = zipfile.ZipInfo("link")
    entry.external_attr = 0o120777 << 16
    archive.writestr(entry, "../canary.txt")
try:
    shutil.unpack_archive("/box/link.zip", "/box/linked")
    print("a link becomes", repr(open("/box/linked/link").read()))
except OSError as error:
    print(getattr(error, "code", None) or type(error).__name__)

found = sorted(os.path.join(folder, name) for folder, _, names in os.walk("/box") for name in names)
print(*found)
