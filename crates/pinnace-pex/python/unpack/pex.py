"""Unpack PEX files: what happens once per machine, interpreter and content.

Everything is built beside its place and renamed into it when it is whole, so two first starts at
once, or one that is killed, leave nothing that a later start could mistake for finished.

    wheels/<digest>/    lib bin data include, manifest.marshal: a wheel, shared by all that have it
    env/<key>/<python>/ a virtual environment of links to them, settings.marshal, whole
    ready/<key>/…       for prefix.sh: by the time since the system started and by interpreter
"""
import base64
import csv
import hashlib
import io
import json
import marshal
import mmap
import os
import re
import shutil
import stat
import sys
import tempfile
import zipfile
import zlib

import pinnace_boot as boot

FORMAT = 1
# Processes that multiprocessing spawns read this as well, under another name.
START = """\
import os
import sys

if __name__ == "__main__":
    folder, base = %r, %r
    sys.path.insert(0, os.path.join(folder, "boot"))
    try:
        import pinnace_boot
        start = pinnace_boot.start
    except Exception:
        # Somebody damaged it: what is not whole is made again.
        for name in ("manifest.marshal", "whole"):
            if os.path.exists(os.path.join(folder, name)):
                os.unlink(os.path.join(folder, name))
        os.execv(base, [base, os.environ["PEX"]] + sys.argv[1:])
    start(folder, base)
"""
RESERVED = (".bootstrap", ".deps", "__pex__", "PEX-INFO", "__main__.py")
CHROOT = ".layout.json"


class Pex:
    """A PEX file, or a folder in the layout of one, by whoever wrote it."""

    def __init__(self, path):
        self.path, self.zip, self.known = os.path.abspath(path), None, None
        try:
            if os.path.exists(path) and not os.path.isdir(path) and not os.path.isfile(path):
                raise ValueError("it is no ordinary file")
            if not os.path.isdir(path):
                self.zip = zipfile.ZipFile(path)
            self.info = checked(json.loads(self.read("PEX-INFO").decode("utf-8")))
        except (OSError, KeyError, ValueError, RecursionError, zipfile.BadZipFile) as error:
            boot.fail("%s is no PEX file that can be read: %s" % (path, error))
        self.own = self.info.get("pinnace") or {}
        if self.own and self.own.get("format") != FORMAT:
            boot.fail("%s has format %r, and this boot code knows %d" % (path, self.own.get("format"), FORMAT))

    def read(self, name):
        if self.zip:
            return self.zip.read(name)
        with open(os.path.join(self.path, name), "rb") as file:
            return file.read()

    def identity(self, cache=None):
        """What tells its content from any other."""
        self.known = self.known or self.identify(cache)
        return self.known

    def identify(self, cache):
        if self.zip is None:
            place = digest_of_text(os.path.realpath(self.path))
            stamps = [digest + stamp_of(os.path.join(self.path, ".deps", name)) for name, digest in self.info["distributions"].items()]
            changed = os.stat(self.path).st_mtime_ns
            return "%s %s %s %s" % (place, self.info["pex_hash"], changed, digest_of_text("".join(stamps)))
        if self.own:
            return self.info["pex_hash"]
        return digest_of_file(self.path) if cache is None else self.remembered(cache)

    def remembered(self, cache):
        """The digest of the file, which is remembered for as long as it is the same file."""
        status = os.stat(self.path)
        stamp = [status.st_size, status.st_mtime_ns, status.st_ino]
        memory = os.path.join(cache, "files", digest_of_text(os.path.realpath(self.path))[:32])
        try:
            with open(memory, "rb") as file:
                known, digest = marshal.load(file)
            if known == stamp:
                return digest
        except (OSError, EOFError, ValueError, TypeError):
            pass
        digest = digest_of_file(self.path)
        try:
            os.makedirs(os.path.dirname(memory), exist_ok=True)
            with open("%s.%d" % (memory, os.getpid()), "wb") as file:
                marshal.dump([stamp, digest], file)
            os.replace(file.name, memory)
        except OSError:
            pass
        return digest

    def check_key(self):
        """What a file of ours holds must be what its key says: the key names what is unpacked. Wheels and
        their bytecode are checked where they are unpacked."""
        if self.zip is None or not self.own:
            return
        raw, key = self.read("PEX-INFO"), self.info["pex_hash"].encode()
        known = {"PEX-INFO": hashlib.sha256(raw.replace(b'"pex_hash":"%s"' % key, b'"pex_hash":""', 1)).digest()}
        for name, digest in self.info["distributions"].items() if self.info.get("deps_are_wheel_files") else ():
            known[".deps/" + name] = bytes.fromhex(digest)
        for name, one in self.own.get("bytecode", {}).items():
            known[".deps/%s.%s.zip" % (name, one["python"])] = bytes.fromhex(one["sha256"])
        found = hashlib.sha256(b"pinnace-content 1\n" + bytes(8))
        members = [one for one in self.zip.infolist() if one.filename != "__main__.py" and not one.filename.endswith("/")]
        for name, member in sorted((one.filename.encode(), one) for one in members):
            kind = b"x" if member.external_attr >> 16 & stat.S_IXUSR else b"f"
            content = known.get(member.filename) or hashlib.sha256(self.zip.read(member)).digest()
            found.update(len(name).to_bytes(8, "little") + name + kind + content)
        if found.hexdigest() != self.info["pex_hash"]:
            boot.fail("%s is damaged: what it holds is not what its key says" % self.path)

    def platforms(self):
        return [one["name"] for one in self.own.get("platforms", [])]

    def choose(self, interpreter):
        """The wheels for an interpreter; None if there are none for it."""
        from pinnace_choose import holds, rank

        names = sorted(self.info["distributions"])
        for platform in self.own.get("platforms", []):
            version = "%d.%d" % interpreter.version[:2]
            named = (platform["implementation"], platform["python"]) == (interpreter.implementation, version)
            if named and all(rank(n, interpreter) for n in platform["wheels"]):
                return platform["wheels"]
        for platform in self.own.get("platforms", []):
            # What is built for several Pythons may do for others.
            python = platform.get("requires_python") or ""
            runs = all(holds(interpreter.version, clause) for clause in python.split(",") if clause)
            if runs and all(rank(n, interpreter) for n in platform["wheels"]):
                return platform["wheels"]
        if self.own.get("platforms"):
            return None if names else []
        best = {}
        for name in names:
            fit = rank(name, interpreter)
            project = project_of(name)
            version = [int(part) for part in re.findall(r"\d+", name.split("-")[1])]
            best[project] = max(best.get(project, (None,)), (fit, version, name), key=lambda one: (one[0] or (0,), one[1:]))
        # A project that is for other platforms alone is asked for by a marker, or by nobody.
        asked = [project_of(re.split(r"[^\w.-]", one)[0]) for one in self.info.get("requirements") or [] if ";" not in one]
        unfit = [project for project, (fit, _, _) in best.items() if fit is None]
        if any(project in asked for project in unfit) or len(unfit) == len(best) > 0:
            return None
        return sorted(name for fit, _, name in best.values() if fit)

    def misfit(self, interpreter):
        from pinnace_choose import rank

        unfit = [name for name in sorted(self.info["distributions"]) if not rank(name, interpreter)]
        needs = sorted({one.get("requires_python") or "" for one in self.own.get("platforms", [])} - {""})
        return unfit[0] if unfit else "what it holds (which needs Python %s)" % " or ".join(needs)

    def sources(self):
        """The user code: names and how to read them."""
        for member in self.zip.infolist():
            if member.filename.split("/")[0] not in RESERVED:
                yield member

    def wheel(self, name):
        """Where a distribution is: as the digest of its folder in the cache, and its parts."""
        digest = self.info["distributions"][name]
        path = ".deps/" + name
        if self.zip is None:
            file = os.path.join(self.path, path)
            if os.path.isdir(file):
                return foreign(self.path + digest + stamp_of(file), name), ("folder", file)
            if not os.path.isfile(file):
                boot.fail("%s is damaged: %s is missing" % (self.path, path))
            kind = "wheel" if self.info.get("deps_are_wheel_files") else "chroot"
            key = digest if kind == "wheel" else foreign(digest_of_file(file), name)
            return key, (kind, file, 0, os.path.getsize(file))
        if self.info.get("deps_are_wheel_files"):
            start, size = self.window(path)
            return digest, ("wheel", self.path, start, size)
        if not any(one.startswith(path + "/") for one in self.zip.namelist()):
            boot.fail("%s is damaged: %s is missing" % (self.path, path))
        return foreign(self.identity(), name), ("members", self.path, path + "/")

    def window(self, path):
        try:
            member = self.zip.getinfo(path)
        except KeyError:
            boot.fail("%s is damaged: %s is missing" % (self.path, path))
        if member.compress_type != zipfile.ZIP_STORED:
            boot.fail("%s in %s is compressed, where a wheel is stored" % (path, self.path))
        with open(self.path, "rb") as file:
            file.seek(member.header_offset)
            head = file.read(30)
        names = int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
        return member.header_offset + 30 + names, member.file_size

    def bytecode(self, name):
        """The archive of a wheel's bytecode, if it has one for this interpreter."""
        import importlib.util

        known = self.own.get("bytecode", {}).get(name, {})
        if known.get("magic") != importlib.util.MAGIC_NUMBER.hex():
            return None
        path = ".deps/%s.%s.zip" % (name, known["python"])
        if self.zip is None:
            file = os.path.join(self.path, path)
            return known["sha256"], (file, 0, os.path.getsize(file))
        return known["sha256"], (self.path,) + self.window(path)
