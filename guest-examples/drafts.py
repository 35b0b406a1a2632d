# Rewrites notes in place, which is staged: if the script fails half way, not one of them is changed. It works in `/tmp`, and
# what it hands over is in `/out`.
#
#   mkdir -p policies/data/notes; bailiwick run guest-examples/drafts.py --policy policies/drafts.toml --as editor --out ./handed-over
import hashlib
import shutil
from pathlib import Path

seen = {}
scratch = Path("/tmp/drafts")
scratch.mkdir()
try:
    for note in sorted(Path("/notes").glob("*.txt")):
        text = note.read_text()
        draft = scratch / note.name
        draft.write_text(text.strip() + "\n")
        tidy = draft.read_text()
        digest = hashlib.sha256(tidy.encode()).hexdigest()
        if digest in seen:
            note.unlink()
            print(f"{note.name}: the same as {seen[digest]}, removed")
            continue
        seen[digest] = note.name
        if tidy != text:
            note.write_text(tidy)
            print(f"{note.name}: tidied")
finally:
    shutil.rmtree(scratch)

if args == ["fail"]:
    raise RuntimeError("half way")

Path("/out/index.txt").write_text("".join(f"{name}\n" for name in seen.values()))
result = {"notes": len(seen), "left in /tmp": len(list(Path("/tmp").iterdir()))}
