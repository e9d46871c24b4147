"""A second implementation of ../storage.md: reads what the first wrote, and writes it again.

python3 store.py FOLDER    reads a store on disk, follows its refs, and prints what it holds
python3 store.py           checks the vectors in store.json
"""

import hashlib
import json
import pathlib
import re
import struct
import sys
import zlib

DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")
ENVELOPE = "pinnace-manifest 1\n"


def sha256(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def canonical(manifest):
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def parse_manifest(content):
    manifest = json.loads(content)
    assert manifest["format"] == 1 and isinstance(manifest["kind"], str), "no manifest of format 1"
    assert canonical(manifest) == content, "not canonical"
    return manifest


def references(value):
    if isinstance(value, str):
        return {value} if DIGEST.match(value) else set()
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return set()
    return set().union(*map(references, value))


def parse_pack(content):
    magic, count = struct.unpack_from("<8sI", content)
    assert magic == b"pinpack1" and 0 < count <= 65536
    at, contents, last = 12 + 42 * count, {}, b""
    for number in range(count):
        kind, encoding, digest, length, stored = struct.unpack_from("<BB32sII", content, 12 + 42 * number)
        assert digest > last, "not sorted"
        raw, at, last = content[at : at + stored], at + stored, digest
        data = zlib.decompress(raw, -15) if encoding == 1 else raw
        assert len(data) == length <= 1 << 20 and hashlib.sha256(data).digest() == digest
        contents["sha256:" + digest.hex()] = (kind, data)
    assert at == len(content), "something follows"
    return contents


def write_pack(contents):
    """Of plain contents: kind and bytes."""
    rows = sorted((hashlib.sha256(data).digest(), kind, data) for kind, data in contents)
    head = b"".join(struct.pack("<BB32sII", kind, 0, digest, len(data), len(data)) for digest, kind, data in rows)
    return struct.pack("<8sI", b"pinpack1", len(rows)) + head + b"".join(data for _, _, data in rows)


def parse_envelope(content):
    head, _, manifest = unseal(content).decode().partition("\n\n")
    lines = (head + "\n").splitlines()
    assert lines[0] + "\n" == ENVELOPE
    return [line.split(" ")[1] for line in lines[1:]], manifest.encode()


def unseal(content):
    record, digest, end = content.rsplit(b"\n", 2)
    assert end == b"" and sha256(record).encode() == digest, "the digest at the end is another"
    return record


def parse_step(content):
    return parse_manifest(unseal(content))


def step_key(name, generation):
    return "refs/%s/@/%020d" % (name, 2**64 - 1 - generation)


class Store:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        assert (self.folder / "format").read_text() == "pinnace-store 1\n"

    def read(self, kind, digest):
        digits = digest.split(":")[1]
        path = self.folder / kind / digits[:2] / digits[2:]
        return path.read_bytes() if path.exists() else None

    def release(self, digest):
        """Everything that a release refers to, checked."""
        packs, manifest = parse_envelope(self.read("manifests", digest))
        assert sha256(manifest) == digest
        packed, found, waiting = {}, {digest: "manifest"}, [parse_manifest(manifest)]
        for pack in packs:
            content = self.read("packs", pack)
            assert sha256(content) == pack
            packed.update(parse_pack(content))
        while waiting:
            for one in references(waiting.pop()) - set(found):
                if one in packed:
                    kind, data = packed[one]
                    found[one] = "packed"
                    waiting += [parse_manifest(data)] if kind == 1 else []
                else:
                    assert sha256(self.read("blobs", one)) == one
                    found[one] = "blob"
        return found

    def refs(self):
        for folder in sorted(self.folder.glob("refs/**/@")):
            newest = parse_step(sorted(folder.iterdir())[0].read_bytes())
            yield str(folder.parent.relative_to(self.folder / "refs")), newest


def main():
    if len(sys.argv) > 1:
        store = Store(sys.argv[1])
        for name, step in store.refs():
            kinds = sorted(store.release(step["release"]).values())
            print(name, step["generation"], step["release"], ",".join(kinds))
        return
    vectors = json.loads(pathlib.Path(__file__).with_name("store.json").read_text())
    for one in vectors["manifests"]:
        assert sha256(canonical(one["keys"])) == one["digest"], one
        assert sorted(references(one["keys"])) == one["references"], one
    for one in vectors["packs"]:
        contents = [(kind, bytes.fromhex(data)) for kind, data in one["contents"]]
        assert sha256(write_pack(contents)) == one["plain"], one
        assert sorted(parse_pack(bytes.fromhex(one["pack"])).values()) == sorted(contents), one
    for one in vectors["steps"]:
        assert step_key(one["name"], one["generation"]) == one["key"], one
        assert parse_step(one["record"].encode())["generation"] == one["generation"], one
    print("%d vectors" % sum(map(len, vectors.values())))


main()
