"""Unpack a PEX file: what happens once per machine, interpreter and content.

Everything is built beside its place and renamed into it when it is whole, so two first starts at
once, or one that is killed, leave nothing that a later start could mistake for finished.
"""
import base64
import csv
import hashlib
import io
import json
import marshal
import os
import re
import shutil
import stat
import sys
import tempfile
import zipfile

import pinnace_boot

FORMAT = 1


def unpack(pex, key, runtime, cache, interpreter):
    if os.path.isdir(pex):
        sys.exit("%s is a folder; this PEX file only boots as one file" % pex)
    with zipfile.ZipFile(pex) as outer:
        info = json.loads(outer.read("PEX-INFO").decode("utf-8"))
        check(info)
        names = key, runtime, interpreter
        try:
            place = unpack_into(writable(cache), pex, outer, info, *names)
        except (PermissionError, NotADirectoryError) as error:
            # A part of the cache belongs to somebody else.
            place = unpack_into(temporary(cache, error), pex, outer, info, *names)
    with open(os.path.join(place, "info.marshal"), "rb") as file:
        return place, marshal.load(file)


def unpack_into(cache, pex, outer, info, key, runtime, interpreter):
    install_runtime(outer, os.path.join(cache, "runtime", runtime))
    wheels = Wheels(pex, outer, info, os.path.join(cache, "wheels"))
    place = os.path.join(cache, "env", key, interpreter)
    is_whole = lambda _: pinnace_boot.ready(cache, key)[1] is not None
    publish(place, lambda folder: build(folder, outer, info, wheels), is_whole)
    return place


def check(info):
    own = info.get("pinnace") or {}
    if own.get("format") != FORMAT:
        sys.exit("this PEX file has format %r, and its boot code knows %d" % (own.get("format"), FORMAT))
    for wheel in sorted(info["distributions"]):
        if not fits(wheel):
            sys.exit(
                "%s does not fit this interpreter (%s, Python %s on %s %s); the PEX file was built for %s"
                % (wheel, sys.executable, sys.version.split()[0], sys.platform, machine(), own.get("platform"))
            )


def writable(cache):
    """The cache, or a folder that lives as long as this process where it cannot be written to."""
    try:
        os.makedirs(cache, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            return cache
    except OSError as error:
        return temporary(cache, error)


def temporary(cache, error):
    import atexit

    folder = tempfile.mkdtemp(prefix="pex-root.")
    owner = os.getpid()
    atexit.register(lambda: os.getpid() == owner and shutil.rmtree(folder, ignore_errors=True))
    sys.stderr.write(
        "warning: cannot write to %s (%s), so this PEX file unpacks at every start; set PEX_ROOT\n"
        % (error.filename or cache, error.strerror)
    )
    return folder


def publish(place, build, is_whole):
    """Build a folder beside `place`, and give it that name when it is whole. One that is there but
    found wanting is moved aside first."""
    if is_whole(place):
        return
    parent = os.path.dirname(place)
    os.makedirs(parent, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=".unfinished-", dir=parent)
    try:
        new = os.path.join(folder, "new")
        os.mkdir(new)
        build(new)
        if os.path.lexists(place) and not is_whole(place):
            os.rename(place, os.path.join(folder, "old"))
        os.rename(new, place)
    except OSError:
        # Somebody else may have been faster, which is as good.
        if not is_whole(place):
            raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def install_runtime(outer, place):
    code = outer.read(".bootstrap/pinnace_boot.py")

    def is_whole(folder):
        try:
            with open(os.path.join(folder, "pinnace_boot.py"), "rb") as file:
                return file.read() == code
        except OSError:
            return False

    publish(place, lambda folder: write(os.path.join(folder, "pinnace_boot.py"), code), is_whole)


def build(folder, outer, info, wheels):
    unpacked = wheels.unpack()
    os.mkdir(os.path.join(folder, "site"))
    os.mkdir(os.path.join(folder, "bin"))
    for wheel in unpacked:
        link(os.path.join(wheel, "lib"), os.path.join(folder, "site"))
        link(os.path.join(wheel, "bin"), os.path.join(folder, "bin"))
    code = os.path.join(folder, "code")
    os.mkdir(code)
    reserved = (".bootstrap/", ".deps/", "__pex__/")
    for member in outer.infolist():
        name = member.filename
        if not name.startswith(reserved) and name not in ("PEX-INFO", "__main__.py"):
            extract(member, outer.read(member), code, name)
    info["scripts"] = scripts(unpacked)
    info["pth"] = any(name.endswith(".pth") for name in os.listdir(os.path.join(folder, "site")))
    # Written last: its presence says that the folder is whole.
    write(os.path.join(folder, "info.marshal"), marshal.dumps(info))


def link(source, target):
    """Show what is in `source` in `target`: by one link where nobody else has that name, else folder
    by folder. What is there already stays."""
    if not os.path.isdir(source):
        return
    for name in sorted(os.listdir(source)):
        mine, theirs = os.path.join(source, name), os.path.join(target, name)
        if not os.path.lexists(theirs):
            os.symlink(mine, theirs)
        elif os.path.isdir(mine) and os.path.isdir(theirs):
            if os.path.islink(theirs):
                first = os.readlink(theirs)
                os.unlink(theirs)
                os.mkdir(theirs)
                link(first, theirs)
            link(mine, theirs)


def scripts(wheels):
    """The console and GUI scripts of all wheels, by name; the first wheel that has a name wins."""
    found = {}
    for wheel in wheels:
        for folder in os.listdir(os.path.join(wheel, "lib")):
            path = os.path.join(wheel, "lib", folder, "entry_points.txt")
            if folder.endswith(".dist-info") and os.path.isfile(path):
                with io.open(path, encoding="utf-8") as file:
                    for name, entry in entry_points(file):
                        found.setdefault(name, entry)
    return found


def entry_points(lines):
    section = None
    for line in lines:
        line = line.strip()
        if line.startswith("["):
            section = line
        elif section in ("[console_scripts]", "[gui_scripts]") and "=" in line and line[0] not in "#;":
            name, entry = line.split("=", 1)
            yield name.strip(), re.sub(r"\s|\[.*", "", entry)


class Window(io.RawIOBase):
    """A stored member of the PEX file, read in place."""

    def __init__(self, path, start, size):
        self.file = open(path, "rb")
        self.start, self.size, self.at = start, size, 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self.at

    def seek(self, offset, whence=os.SEEK_SET):
        self.at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.at, os.SEEK_END: self.size}[whence]
        return self.at

    def readinto(self, buffer):
        self.file.seek(self.start + self.at)
        count = self.file.readinto(memoryview(buffer)[: max(0, min(len(buffer), self.size - self.at))])
        self.at += count
        return count

    def close(self):
        self.file.close()
        super().close()


class Wheels:
    """The wheels of a PEX file, each unpacked once under the SHA-256 of its bytes."""

    def __init__(self, pex, outer, info, place):
        self.pex, self.outer, self.place = pex, outer, place
        self.hashes = sorted(info["distributions"].items())

    def unpack(self):
        jobs = [(name, digest) for name, digest in self.hashes if not is_wheel(self.folder(digest))]
        if len(jobs) > 1:
            from concurrent.futures import ThreadPoolExecutor

            # Hashing, inflating and writing release the interpreter lock.
            with ThreadPoolExecutor(min(8, (os.cpu_count() or 1) + 1)) as pool:
                list(pool.map(lambda job: self.unpack_one(*job), jobs))
        else:
            for name, digest in jobs:
                self.unpack_one(name, digest)
        return [self.folder(digest) for _, digest in self.hashes]

    def folder(self, digest):
        if not re.match("^[0-9a-f]{64}$", digest):
            sys.exit("PEX-INFO has %r where a SHA-256 is expected" % digest)
        return os.path.join(self.place, digest)

    def unpack_one(self, name, digest):
        member = self.outer.getinfo(".deps/" + name)
        with open(self.pex, "rb") as file:
            file.seek(member.header_offset)
            head = file.read(30)
        start = member.header_offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
        with io.BufferedReader(Window(self.pex, start, member.file_size), 1 << 17) as wheel:
            found = hashlib.sha256()
            for piece in iter(lambda: wheel.read(1 << 18), b""):
                found.update(piece)
            if found.hexdigest() != digest:
                sys.exit("%s in %s is damaged: its SHA-256 is not the one recorded" % (name, self.pex))
            with zipfile.ZipFile(wheel) as archive:
                publish(self.folder(digest), lambda folder: unpack_wheel(name, archive, folder), is_wheel)


def is_wheel(folder):
    return os.path.isdir(os.path.join(folder, "lib"))


def unpack_wheel(name, archive, folder):
    record = read_record(name, archive)
    for part in ("lib", "bin"):
        os.mkdir(os.path.join(folder, part))
    for member in archive.infolist():
        if member.filename.endswith("/"):
            continue
        content = archive.read(member)
        expected = record.get(member.filename)
        if expected and expected != digest_in_record(content, expected):
            sys.exit("%s is damaged: %s is not what its RECORD says" % (name, member.filename))
        extract(member, content, folder, destination(member.filename))


def read_record(name, archive):
    records = [n for n in archive.namelist() if re.match(r"^[^/]+\.dist-info/RECORD$", n)]
    if len(records) != 1:
        sys.exit("%s is no wheel: it has %d RECORD files" % (name, len(records)))
    rows = csv.reader(io.StringIO(archive.read(records[0]).decode("utf-8")))
    return {row[0]: row[1] for row in rows if len(row) >= 2}


def digest_in_record(content, expected):
    algorithm = expected.partition("=")[0]
    try:
        digest = hashlib.new(algorithm, content).digest()
    except ValueError:
        sys.exit("a RECORD uses the unknown hash %r" % algorithm)
    return algorithm + "=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def destination(name):
    """Where a member of a wheel goes (binary distribution format, "The .data directory")."""
    match = re.match(r"^[^/]+\.data/([^/]+)/(.*)$", name)
    if not match:
        return "lib/" + name
    scheme, rest = match.groups()
    places = {"purelib": "lib/", "platlib": "lib/", "scripts": "bin/", "data": "data/", "headers": "include/"}
    if scheme not in places:
        sys.exit("a wheel has data of the unknown kind %r" % scheme)
    return places[scheme] + rest


def extract(member, content, folder, name):
    parts = name.split("/")
    if member.filename.endswith("/"):
        parts.pop()
    if not parts or any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
        sys.exit("refusing to unpack the unsafe name %r" % name)
    path = os.path.join(folder, *parts)
    if member.filename.endswith("/"):
        os.makedirs(path, exist_ok=True)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    write(path, content)
    if (member.external_attr >> 16) & stat.S_IXUSR:
        os.chmod(path, stat.S_IMODE(os.stat(path).st_mode) | 0o111)


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def machine():
    if not hasattr(os, "uname"):
        return ""
    name = os.uname().machine
    return {"x86_64": "i686", "aarch64": "armv7l"}.get(name, name) if sys.maxsize < 2**32 else name


def fits(wheel):
    """Whether a wheel was built for an interpreter like this one (PEP 425, 600, 656)."""
    pythons, abis, platforms = wheel[: -len(".whl")].split("-")[-3:]
    return any(fits_platform(platform) for platform in platforms.split(".")) and any(
        fits_python(python, abi) for python in pythons.split(".") for abi in abis.split(".")
    )


def fits_python(python, abi):
    minor = sys.version_info[1]
    own = ("cp" if sys.implementation.name == "cpython" else "pp") + "3%d" % minor
    flags = getattr(sys, "abiflags", "")
    named = re.match(r"^(py|cp|pp)3(\d*)$", python)
    if not named:
        return False
    newest = int(named.group(2) or 0)
    if abi == "none":
        return python == own or named.group(1) == "py" and newest <= minor
    if abi == "abi3":
        return own.startswith("cp") and named.group(1) == "cp" and newest <= minor and "t" not in flags
    return python == own and (abi == own + flags or own.startswith("pp"))


def fits_platform(platform):
    if platform == "any":
        return True
    if not sys.platform.startswith("linux"):
        return platform.startswith({"darwin": "macosx_", "win32": "win"}.get(sys.platform, sys.platform))
    if not platform.endswith("_" + machine()):
        return False
    legacy = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
    numbered = re.match(r"^(many|musl)linux_(\d+)_(\d+)_", platform)
    needs = legacy.get(platform.split("_")[0])
    if numbered:
        needs = int(numbered.group(2)), int(numbered.group(3))
    if platform.startswith("musllinux"):
        return libc() is None
    return needs is None or libc() is not None and libc() >= needs


def libc():
    """The version of glibc, or None where the C library is another one."""
    try:
        name, _, version = os.confstr("CS_GNU_LIBC_VERSION").partition(" ")
        return tuple(int(part) for part in version.split(".")[:2]) if name == "glibc" else None
    except (AttributeError, OSError, TypeError, ValueError):
        return None
