import gzip
import io
import tarfile
import zipfile
import zlib


def bomb(megabytes, wbits=15):
    squeezer = zlib.compressobj(1, wbits=wbits)
    zeros = bytes(1 << 20)
    return b"".join(squeezer.compress(zeros) for _ in range(megabytes)) + squeezer.flush()


def attempt(name, act):
    try:
        print(name, act())
    except (MemoryError, zlib.error, zipfile.BadZipFile, OverflowError) as error:
        print(name, type(error).__name__)


packed, zipped = bomb(48), bomb(48, wbits=31)
print("packed in", len(packed) // 1024, "KiB")
attempt("zlib", lambda: len(zlib.decompress(packed)))
attempt("zlib with a size", lambda: len(zlib.decompress(packed, bufsize=2**31 - 1)))
attempt("bounded", lambda: len(zlib.decompressobj().decompress(packed, 1000)))
attempt("gzip", lambda: len(gzip.decompress(zipped)))
attempt("gzip file", lambda: len(gzip.GzipFile(fileobj=io.BytesIO(zipped)).read()))


def archive():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        with file.open("zeros", "w") as member:
            for _ in range(48):
                member.write(bytes(1 << 20))
    return len(zipfile.ZipFile(buffer).read("zeros"))


attempt("zip", archive)


def lying():
    entry = tarfile.TarInfo("x")
    entry.size = 1 << 33
    return len(tarfile.open(fileobj=io.BytesIO(entry.tobuf() + bytes(1024))).extractfile("x").read())


try:
    attempt("tar that lies", lying)
except tarfile.TarError as error:
    print("tar that lies", type(error).__name__)
result = "still here"
