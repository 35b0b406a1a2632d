import gzip
import io
import tarfile
import zipfile
import zlib
from pathlib import Path

SOURCE, TARGET = Path("/data/notes"), Path("/out/notes.zip")

with zipfile.ZipFile(TARGET, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for path in sorted(SOURCE.iterdir()):
        archive.write(path, path.name)
    archive.writestr("generated/table.csv", "n,square\n" + "".join(f"{n},{n * n}\n" for n in range(200)))

with zipfile.ZipFile(TARGET) as archive:
    assert archive.testzip() is None
    sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
    last = archive.read("generated/table.csv").decode().splitlines()[-1]
    packed = sum(entry.compress_size for entry in archive.infolist())
print(sizes, packed < sum(sizes.values()))

# A tar archive that never touches a disk.
buffer = io.BytesIO()
with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
    for name, content in [("x/one.txt", b"1"), ("x/two.txt", b"22")]:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mtime = len(content), 1_790_000_000
        archive.addfile(entry, io.BytesIO(content))
buffer.seek(0)
with tarfile.open(fileobj=buffer) as archive:
    tar = {entry.name: archive.extractfile(entry).read().decode() for entry in archive}

text = ("the same line again and again\n" * 500).encode()
squeezed = gzip.compress(text, mtime=0)
assert gzip.decompress(squeezed) == text and len(squeezed) < 200

# A stream, a piece at a time.
stream, pieces = zlib.decompressobj(wbits=31), []
for start in range(0, len(squeezed), 16):
    pieces.append(stream.decompress(squeezed[start:start + 16]))
assert b"".join(pieces) == text and stream.eof

damaged = bytearray(squeezed)
damaged[len(damaged) // 2] ^= 0xFF
try:
    gzip.decompress(bytes(damaged))
except (zlib.error, gzip.BadGzipFile, EOFError) as error:
    print("damage is found:", type(error).__name__ in ("error", "BadGzipFile", "EOFError"))
try:
    zipfile.ZipFile(io.BytesIO(b"PK not a zip"))
except zipfile.BadZipFile as error:
    print(error)

result = {"last": last, "tar": tar, "checksum": zlib.crc32(text)}
