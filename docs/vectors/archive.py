"""A second implementation of ../format.md: checks the vectors in archive.json, bytes and digests.

python3 archive.py            checks them
python3 archive.py --write    writes the digests that this implementation computes
"""

import hashlib
import json
import pathlib
import struct
import sys
import zlib

MODES = {"d": 0o40755, "f": 0o100644, "x": 0o100755}


def entries(vector):
    """Name, kind and content, in order, with every parent directory."""
    files = {}
    for name, kind, content in vector["entries"]:
        files[name] = (kind, content.encode() * vector.get("repeat", 1))
    for n in range(vector.get("numbered", 0)):
        files["%06d" % n] = ("f", b"")
    names = {}
    for name, entry in files.items():
        parts = name.rstrip("/").split("/")
        for depth in range(1, len(parts)):
            names.setdefault("/".join(parts[:depth]) + "/", ("d", b""))
        names[name] = entry
    return sorted(((name, *entry) for name, entry in names.items()), key=lambda e: e[0].encode())


def archive(prefix, members):
    out, central = bytearray(prefix), bytearray()
    for name, kind, content in members:
        encoded = name.encode()
        flags = 0 if name.isascii() else 0x800
        common = struct.pack(
            "<HHHHHLLLHH", 20, flags, 0, 0, 0x21, zlib.crc32(content), len(content), len(content), len(encoded), 0
        )
        attributes = MODES[kind] << 16 | (0x10 if kind == "d" else 0)
        central += b"PK\1\2" + struct.pack("<H", 3 << 8 | 20) + common
        central += struct.pack("<HHHLL", 0, 0, 0, attributes, len(out)) + encoded
        out += b"PK\3\4" + common + encoded + content
    offset, size, count = len(out), len(central), len(members)
    out += central
    if count >= 0xFFFF or central[-20:-16] == b"PK\6\7":
        out += b"PK\6\6" + struct.pack("<QHHLLQQQQ", 44, 3 << 8 | 45, 45, 0, 0, count, count, size, offset)
        out += b"PK\6\7" + struct.pack("<LQL", 0, offset + size, 1)
    short = min(count, 0xFFFF)
    return bytes(out + b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, short, short, size, offset, 0))


def content_digest(prefix, members):
    digest = hashlib.sha256(b"pinnace-content 1\n")
    digest.update(struct.pack("<Q", len(prefix)) + prefix)
    for name, kind, content in members:
        encoded = name.encode()
        digest.update(struct.pack("<Q", len(encoded)) + encoded + kind.encode())
        if kind != "d":
            digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def main():
    path = pathlib.Path(__file__).with_name("archive.json")
    vectors = json.loads(path.read_text())
    wrong = 0
    for vector in vectors:
        prefix, members = vector["prefix"].encode(), entries(vector)
        computed = {
            "sha256": hashlib.sha256(archive(prefix, members)).hexdigest(),
            "content_digest": content_digest(prefix, members),
        }
        for key, value in computed.items():
            if vector.get(key) != value:
                wrong += 1
                print("%s: %s is %s, not %s" % (vector["name"], key, value, vector.get(key)))
        vector.update(computed)
    if "--write" in sys.argv:
        path.write_text(json.dumps(vectors, indent=1, ensure_ascii=True) + "\n")
    elif wrong:
        sys.exit(1)
    print("%d vectors" % len(vectors))


main()
