"""Checks a signed audit log, or proofs from one, with libraries that others wrote.

    check.py log LOG.jsonl KEY            the file, its folder, and its checkpoint
    check.py proofs FILE KEY              what `bailiwick audit prove` printed
    check.py consistency FILE             `old_size`, `size`, `old_root`, `root` and a path, one a line
    check.py witnessed FILE KEY WITNESS   a checkpoint that a witness has cosigned

`aics-tlog` knows the formats of C2SP and all proofs, `pymerkle` the trees and inclusion proofs of RFC 9162 (its consistency proofs
have a form of their own), `rfc8785` canonical JSON. Exit code 1 and a
word on standard error when something does not hold.
"""

import base64
import json
import pathlib
import sys

import aics_tlog
import pymerkle
import rfc8785
from pymerkle.core import _inclusion_path_layout
from pymerkle.proof import InclusionProof, InvalidProof


def wrong(what):
    print(what, file=sys.stderr)
    sys.exit(1)


def key_of(text, origin):
    """The key `NAME+HASH+KEY` as the log signs with it: under its name and the log's."""
    key = aics_tlog.parse_vkey(text)
    if not origin.startswith(key.name + "/"):
        wrong("checkpoint: it is of another origin")
    return aics_tlog.parse_vkey(aics_tlog.format_vkey(aics_tlog.vkey_from_ed25519(origin, key.public_key)))


def checkpoint_of(text, key, witnesses=(), quorum=0):
    try:
        note = aics_tlog.parse_note(text)
        origin = aics_tlog.parse_checkpoint(note.text).origin
    except ValueError as error:
        wrong(f"checkpoint: {error}")
    found = aics_tlog.verify_checkpoint(note, key_of(key, origin), list(witnesses), quorum, expected_origin=origin)
    if not found.ok:
        wrong(f"checkpoint: {found.error}")
    return found


def check_inclusion(entry, index, size, path, root):
    if not aics_tlog.verify_leaf_inclusion(entry, index, size, path, root):
        wrong(f"inclusion: entry {index} is not in the tree (aics-tlog)")
    leaf = pymerkle.hasher.MerkleHasher("sha256", True).hash_buff(entry)
    rule, _ = _inclusion_path_layout(index + 1, size)
    proof = InclusionProof("sha256", True, size, index + 1, rule, [leaf, *path])
    try:
        proof.verify(leaf, root, index=index + 1, size=size, algorithm="sha256")
    except InvalidProof as error:
        wrong(f"inclusion: entry {index} is not in the tree (pymerkle: {error})")


def check_log(path, key):
    path = pathlib.Path(path)
    folder = path.with_suffix("")
    lines = path.read_bytes().splitlines()
    for number, line in enumerate(lines, 1):
        if rfc8785.dumps(json.loads(line)) != line:
            wrong(f"canonical: line {number}")
    checkpoint = checkpoint_of((folder / "checkpoint").read_text(), key)
    if checkpoint.size != len(lines):
        wrong(f"size: the file has {len(lines)} entries, the checkpoint {checkpoint.size}")
    reader = aics_tlog.FileSystemTileReader(folder)
    try:
        aics_tlog.audit_tiles(reader, checkpoint.size, checkpoint.root, entries=True)
    except (aics_tlog.TileMissingError, aics_tlog.TileVerificationError) as error:
        wrong(f"tiles: {error}")
    tree = pymerkle.InmemoryTree("sha256")
    for number, line in enumerate(lines):
        tree.append_entry(line)
        if aics_tlog.read_entry(reader, number, checkpoint.size) != line:
            wrong(f"entries: line {number + 1} is not the one of its bundle")
    if tree.get_state() != checkpoint.root:
        wrong("root: the file's entries have another root (pymerkle)")
    for index in {0, 1, len(lines) // 2, len(lines) - 1}:
        proof = aics_tlog.inclusion_proof_from_tiles(reader, index, checkpoint.size)
        check_inclusion(lines[index], index, checkpoint.size, proof, checkpoint.root)
    print(f"{len(lines)} entries")


def check_proofs(path, key):
    parts = pathlib.Path(path).read_text().split("c2sp.org/tlog-proof@v1\n")
    for number, part in enumerate(parts[1:], 2):
        text = part if number == len(parts) else part.removesuffix("\n")
        head, _, note = text.partition("\n\n")
        extra, index, *hashes = head.split("\n")
        entry = base64.b64decode(extra.removeprefix("extra "), validate=True)
        checkpoint = checkpoint_of(note, key)
        path = [base64.b64decode(line, validate=True) for line in hashes]
        check_inclusion(entry, int(index.removeprefix("index ")), checkpoint.size, path, checkpoint.root)
    print(f"{len(parts) - 1} proofs")


def check_consistency(path):
    old_size, size, *lines = pathlib.Path(path).read_text().splitlines()
    old_size, size = int(old_size), int(size)
    old_root, root, *path = [base64.b64decode(line, validate=True) for line in lines]
    if not aics_tlog.verify_consistency(old_size, size, old_root, root, path):
        wrong("consistency: one is not the other with entries added")
    print(f"{size} entries begin with {old_size}")


def check_witnessed(path, key, witness):
    found = checkpoint_of(pathlib.Path(path).read_text(), key, [aics_tlog.parse_vkey(witness)], quorum=1)
    print(f"{found.size} entries, witnessed")


if __name__ == "__main__":
    checks = {"log": check_log, "proofs": check_proofs, "consistency": check_consistency, "witnessed": check_witnessed}
    checks[sys.argv[1]](*sys.argv[2:])
