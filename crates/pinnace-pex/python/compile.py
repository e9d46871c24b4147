"""Compile the modules of a zip that comes on standard input, in the order of their paths.

What goes out are pairs of path and content, each with its length before it (32 bits, little-endian).
A module that is no code for this interpreter is passed over: imports would tell.
"""
import sys

if sys.argv[1] == "identify":
    import importlib.util

    print(sys.implementation.cache_tag)
    print(importlib.util.MAGIC_NUMBER.hex())
    print("%s-%x" % (sys.implementation.cache_tag, sys.hexversion))
    sys.exit()

import importlib.util
import io
import marshal
import os
import struct
import warnings
import zipfile

warnings.simplefilter("ignore")
archive = zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read()))
out = sys.stdout.buffer
for name in sorted(archive.namelist()):
    parts = name.split("/")
    if not name.endswith(".py"):
        continue
    # What a wheel has for its library is imported from the top; the rest of `.data` is not imported.
    if parts[0].endswith(".data"):
        if len(parts) < 3 or parts[1] not in ("purelib", "platlib"):
            continue
        parts = parts[2:]
    source = archive.read(name)
    try:
        code = compile(source, "/".join(parts), "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError, RecursionError):
        continue
    path = importlib.util.cache_from_source("/".join(parts), optimization="")
    header = importlib.util.MAGIC_NUMBER + struct.pack("<I", int(sys.argv[2])) + importlib.util.source_hash(source)
    for piece in (path.replace(os.sep, "/").encode(), header + marshal.dumps(code)):
        out.write(struct.pack("<I", len(piece)) + piece)
