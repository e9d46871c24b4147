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


def foreign(identity, name):
    """The digest for a distribution whose own hash is not that of its bytes."""
    return digest_of_text("%s\n%s" % (identity, name))


def digest_of_text(text):
    return hashlib.sha256(os.fsencode(text)).hexdigest()


def stamp_of(path):
    """What changes when a file, or one of a folder, does."""
    found = []
    for parent, folders, files in os.walk(path):
        folders[:] = sorted(one for one in folders if one != "__pycache__")
        for name in sorted(files):
            status = os.stat(os.path.join(parent, name))
            found.append("%s %d %d" % (os.path.join(parent, name), status.st_size, status.st_mtime_ns))
    if not found and os.path.exists(path):
        status = os.stat(path)
        found.append("%d %d" % (status.st_size, status.st_mtime_ns))
    return digest_of_text("\n".join(found))


def checked(info):
    """A PEX-INFO of the shape that is relied on."""
    own = info.get("pinnace") or {} if isinstance(info, dict) else None
    kinds = (("distributions", dict), ("requirements", list), ("inject_env", dict), ("inject_args", list),
             ("interpreter_constraints", list), ("bind_resource_paths", dict))
    if not isinstance(own, dict) or not isinstance(info.get("distributions"), dict):
        raise ValueError("its PEX-INFO is malformed")
    for key, kind in kinds:
        if not isinstance(info.get(key) or kind(), kind):
            raise ValueError("its PEX-INFO is malformed: %s is no %s" % (key, kind.__name__))
    for name in info["distributions"]:
        if not re.match(r"^[\w.!+-]+\.whl$", name) or name.count("-") < 4:
            raise ValueError("its PEX-INFO is malformed: %r is no name of a wheel" % name)
    for platform in own.get("platforms") or []:
        if not isinstance(platform, dict) or not isinstance(platform.get("wheels"), list):
            raise ValueError("its PEX-INFO is malformed: platforms")
    return info


def digest_of_file(path):
    found = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            found.update(piece)
    return found.hexdigest()


def project_of(wheel):
    return re.sub(r"[-_.]+", "-", wheel.split("-")[0]).lower()


def unpack(place, key, pexes):
    """The folder of the environment in which these files are seen together."""
    try:
        return unpack_into(writable(place.cache), place, key, pexes)
    except (PermissionError, NotADirectoryError) as error:
        # A part of the cache belongs to somebody else.
        return unpack_into(temporary(place.cache, error), place, key, pexes)


def unpack_into(cache, place, key, pexes):
    folder = boot.env_folder(cache, key)
    with locked(folder):
        if boot.ready(cache, key) is None:
            install_runtime(place, os.path.join(cache, "runtime", place.runtime))
            for pex in pexes:
                pex.check_key()
            wheels = choose(pexes)
            folders = Wheels(cache, wheels).unpack()
            build = lambda new: build_environment(new, folder, cache, place, pexes, folders)
            publish(folder, build, lambda one: is_whole(one) and is_usable(one))
            announce(cache, place, key, folder)
    return folder


def is_usable(folder):
    try:
        return boot.usable(boot.load(folder))
    except (OSError, EOFError, ValueError, TypeError, KeyError):
        return False


def choose(pexes):
    """The wheels that are seen: of a project in several files that of the first, the others leave
    whole, with a word about it."""
    from pinnace_choose import this

    chosen, interpreter = {}, this()
    for pex in pexes:
        names = pex.choose(interpreter)
        if names is None:
            from pinnace_choose import ignores_errors, rank

            if not ignores_errors(pex):
                boot.fail(
                    "%s does not fit this interpreter (%s, Python %s on %s); %s was built for %s"
                    % (pex.misfit(interpreter), interpreter.executable, sys.version.split()[0], sys.platform,
                       pex.path, " and ".join(pex.platforms()) or "another one")
                )
            names = [name for name in sorted(pex.info["distributions"]) if rank(name, interpreter)]
        for name in names:
            first, first_pex = chosen.setdefault(project_of(name), (name, pex))
            if first != name and says_warnings(pexes[0]):
                sys.stderr.write(
                    "warning: %s is in %s, and %s in %s; the first is used\n" % (first, first_pex.path, name, pex.path)
                )
    return list(chosen.values())


def says_warnings(main):
    said = os.environ.get("PEX_EMIT_WARNINGS", "").lower()
    return said in ("1", "true") if said else bool(main.info.get("emit_warnings", True))


def writable(cache):
    """The cache, or a folder that lives as long as this process where it cannot be written to."""
    try:
        os.makedirs(cache, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            return cache
    except OSError as error:
        error.filename = cache
        return temporary(cache, error)


def temporary(cache, error):
    sys.stderr.write(
        "warning: cannot write to %s (%s), so this PEX file unpacks at every start; set PEX_ROOT\n"
        % (error.filename or cache, error.strerror)
    )
    return tempfile.mkdtemp(prefix="pex-root.")


class locked:
    """One of several first starts works, and the others wait for it. Where locks do not work each
    works for itself, which is only slower."""

    def __init__(self, folder):
        self.path, self.file = folder + ".lock", None

    def __enter__(self):
        try:
            import fcntl

            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            self.file = open(self.path, "w")
            fcntl.flock(self.file, fcntl.LOCK_EX)
        except (ImportError, OSError):
            pass

    def __exit__(self, *_):
        if self.file:
            self.file.close()


def publish(place, build, is_whole):
    """Build a folder beside `place`, and give it that name when it is whole. One that is there but
    found wanting is moved aside first."""
    if is_whole(place):
        return
    parent = os.path.dirname(place)
    os.makedirs(parent, exist_ok=True)
    sweep(parent)
    folder = tempfile.mkdtemp(prefix=".unfinished-", dir=parent)
    try:
        new = os.path.join(folder, "new")
        os.mkdir(new)
        build(new)
        take(new, place, is_whole, os.path.join(folder, "old"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def take(new, place, is_whole, aside):
    try:
        if os.path.lexists(place) and not is_whole(place):
            os.rename(place, aside)
        os.rename(new, place)
    except OSError:
        # Somebody else may have been faster, which is as good.
        if not is_whole(place):
            raise


def install_runtime(place, folder):
    code = runtime_code(place)

    def is_whole(folder):
        try:
            with open(os.path.join(folder, "pinnace_boot.py"), "rb") as file:
                return file.read() == code
        except OSError:
            return False

    publish(folder, lambda new: write(os.path.join(new, "pinnace_boot.py"), code), is_whole)


def runtime_code(place):
    bootstrap = os.path.join(place.pex, ".bootstrap")
    if os.path.isdir(bootstrap):
        with open(os.path.join(bootstrap, "pinnace_boot.py"), "rb") as file:
            return file.read()
    with zipfile.ZipFile(bootstrap if os.path.isfile(bootstrap) else place.pex) as archive:
        return archive.read("pinnace_boot.py" if os.path.isfile(bootstrap) else ".bootstrap/pinnace_boot.py")


class Wheels:
    """The wheels of an environment, each unpacked once."""

    def __init__(self, cache, wheels):
        self.place = os.path.join(cache, "wheels")
        self.jobs = []
        for name, pex in wheels:
            digest, source = pex.wheel(name)
            bytecode = pex.bytecode(name)
            if not re.match("^[0-9a-f]{64}$", digest):
                boot.fail("PEX-INFO of %s has %r where a SHA-256 is expected" % (pex.path, digest))
            folder = os.path.join(self.place, digest + ("-" + bytecode[0][:16] if bytecode else ""))
            self.jobs.append((folder, name, digest, source, bytecode))

    def unpack(self):
        missing = [job for job in self.jobs if not is_whole(job[0])]
        if missing:
            os.makedirs(self.place, exist_ok=True)
            sweep(self.place)
            holder = tempfile.mkdtemp(prefix=".unfinished-", dir=self.place)
            try:
                self.unpack_all(missing, holder)
            finally:
                shutil.rmtree(holder, ignore_errors=True)
        return [job[0] for job in self.jobs]

    def unpack_all(self, jobs, holder):
        """In several processes: hashing, inflating and writing files all want a processor each. A
        wheel that is large is shared among them."""
        count = workers()
        share = sum(size_of(job[3]) for job in jobs) // count + 1
        parts = []
        for number, job in enumerate(jobs):
            new = os.path.join(holder, str(number))
            os.mkdir(new)
            pieces = min(count, size_of(job[3]) // share + 1) if job[3][0] in ("wheel", "chroot") else 1
            parts += [(size_of(job[3]) // pieces, number, new, job, piece, pieces) for piece in range(pieces)]
        lanes = [[0, []] for _ in range(count)]
        for part in sorted(parts, key=lambda one: -one[0]):
            lane = min(lanes, key=lambda one: one[0])
            lane[0] += part[0] + 20000
            lane[1].append(part[1:])
        manifests = {number: {} for number in range(len(jobs))}
        for number, files in in_processes([lane[1] for lane in lanes if lane[1]]):
            manifests[number].update(files)
        whole = str(boot.boot_id())
        for number, job in enumerate(jobs):
            new = os.path.join(holder, str(number))
            manifest = marshal.dumps({"whole": whole, "files": manifests[number]})
            write(os.path.join(new, "manifest.marshal"), manifest)
            take(new, job[0], is_whole, new + ".old")


def sweep(folder):
    """Remove what a killed start left behind a day ago or longer."""
    import time

    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.startswith(".unfinished-") and os.path.getmtime(path) < time.time() - 86400:
            shutil.rmtree(path, ignore_errors=True)


def workers():
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("PEX_MAX_INSTALL_JOBS", "")
    return max(1, min(16, int(asked) if asked.isdigit() and int(asked) else count))


def size_of(source):
    return source[3] if source[0] in ("wheel", "chroot") else 1 << 20


def in_processes(lanes):
    """What `work` gives for each part of each lane; a lane is a process."""
    if len(lanes) == 1 or not hasattr(os, "fork"):
        return [work(*part) for lane in lanes for part in lane]
    children = []
    for lane in lanes[1:]:
        receiver, sender = os.pipe()
        child = os.fork()
        if not child:
            os.close(receiver)
            answer = attempt(lane)
            with open(sender, "wb") as pipe:
                marshal.dump(answer, pipe)
            os._exit(0)
        os.close(sender)
        children.append((child, receiver))
    answers = [attempt(lanes[0])]
    for child, receiver in children:
        with open(receiver, "rb") as pipe:
            answers.append(marshal.loads(pipe.read() or marshal.dumps(["a process was killed", None])))
        os.waitpid(child, 0)
    for failure, _ in answers:
        if failure and isinstance(failure, str):
            boot.fail(failure)
        if failure:
            raise OSError(*failure)
    return [part for _, parts in answers for part in parts]


def attempt(lane):
    try:
        return [None, [work(*part) for part in lane]]
    except SystemExit as error:
        return [str(error.code), None]
    except OSError as error:
        return [(error.errno, error.strerror, error.filename), None]
    except Exception as error:
        return ["%s: %s" % (type(error).__name__, error), None]


def work(number, new, job, piece, pieces):
    """Unpack a piece of a wheel; the answer is what was written: paths, sizes and checksums."""
    _, name, digest, source, bytecode = job
    out = Out(new)
    if source[0] == "wheel":
        unpack_wheel(out, name, digest, source[1:], piece, pieces)
    elif source[0] == "chroot":
        with Window(source[1:]) as window:
            unpack_chroot(out, archive_members(window, piece, pieces))
    elif source[0] == "members":
        with zipfile.ZipFile(source[1]) as archive:
            length = len(source[2])
            found = [m for m in archive.infolist() if m.filename.startswith(source[2])]
            unpack_chroot(out, ((m.filename[length:], m.external_attr >> 16, archive.read(m)) for m in found))
    else:
        unpack_chroot(out, folder_members(source[1]))
    if bytecode and not piece:
        with Window(bytecode[1]) as window:
            if hashlib.sha256(window.view).hexdigest() != bytecode[0]:
                sys.exit("the bytecode of %s is damaged: its SHA-256 is not the one recorded" % name)
            for path, *rest in archive_members(window, 0, 1):
                out.add("lib/" + path, *rest)
    return number, out.files


class Out:
    """Files on their way into a folder."""

    def __init__(self, folder):
        self.folder, self.files, self.made = folder, {}, set()

    def add(self, name, mode, content, checksum=None):
        if name.endswith("/"):
            return
        parts = name.split("/")
        if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
            sys.exit("refusing to unpack the unsafe name %r" % name)
        parent = name[: -len(parts[-1]) - 1]
        if parent not in self.made:
            os.makedirs(os.path.join(self.folder, parent), exist_ok=True)
            self.made.add(parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        file = os.open(os.path.join(self.folder, name), flags, 0o777 if mode & stat.S_IXUSR else 0o666)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(file, view):]
        finally:
            os.close(file)
        self.files[name] = (len(content), zlib.crc32(content) if checksum is None else checksum)


class Window:
    """A part of a file, in place."""

    def __init__(self, part):
        path, self.start, size = part
        self.file = open(path, "rb")
        self.map = mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_READ)
        self.view = memoryview(self.map)[self.start : self.start + size]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()


class Seekable(io.RawIOBase):
    """A view as a file, so that its directory can be read."""

    def __init__(self, view):
        self.view, self.at = view, 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=os.SEEK_SET):
        self.at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.at, os.SEEK_END: len(self.view)}[whence]
        return self.at

    def tell(self):
        return self.at

    def readinto(self, buffer):
        count = max(0, min(len(buffer), len(self.view) - self.at))
        buffer[:count] = self.view[self.at : self.at + count]
        self.at += count
        return count


def archive_members(window, piece, pieces):
    """Names, modes and contents of a piece of an archive."""
    directory = zipfile.ZipFile(io.BufferedReader(Seekable(window.view), 1 << 16))
    members = directory.infolist()
    total, before = sum(member.file_size for member in members) or 1, 0
    for member in members:
        mine = min(before * pieces // total, pieces - 1) == piece
        before += member.file_size
        if mine and not member.filename.endswith("/"):
            content = content_of(window, directory, member)
            yield member.filename, member.external_attr >> 16, content, member.CRC


def content_of(window, directory, member):
    at = member.header_offset
    names = int.from_bytes(window.view[at + 26 : at + 28], "little")
    at += 30 + names + int.from_bytes(window.view[at + 28 : at + 30], "little")
    raw = window.view[at : at + member.compress_size]
    if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return directory.read(member)
    if member.compress_type == zipfile.ZIP_STORED:
        content = bytes(raw)
    else:
        inflater = zlib.decompressobj(-15)
        content = inflater.decompress(raw, member.file_size + 1)
    if len(content) != member.file_size or zlib.crc32(content) != member.CRC:
        sys.exit("%s is damaged: its checksum is not the one recorded" % member.filename)
    return content


def folder_members(folder):
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(one for one in folders if one != "__pycache__")
        for name in sorted(files):
            path = os.path.join(parent, name)
            with open(path, "rb") as file:
                yield os.path.relpath(path, folder).replace(os.sep, "/"), os.stat(path).st_mode, file.read()


def unpack_wheel(out, name, digest, part, piece, pieces):
    with Window(part) as window:
        # Of a wheel that is shared each process checks its members, and the first one the whole.
        if not piece and hashlib.sha256(window.view).hexdigest() != digest:
            sys.exit("%s in %s is damaged: its SHA-256 is not the one recorded" % (name, part[0]))
        record = read_record(name, zipfile.ZipFile(io.BufferedReader(Seekable(window.view), 1 << 16)))
        for path, mode, content, checksum in archive_members(window, piece, pieces):
            expected = record.get(path)
            if expected and expected != digest_in_record(content, expected):
                sys.exit("%s is damaged: %s is not what its RECORD says" % (name, path))
            out.add(destination(path), mode, content, checksum)


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
    project = name.split("-")[0]
    places = {"purelib": "lib/", "platlib": "lib/", "scripts": "bin/", "data": "data/", "headers": "include/%s/" % project}
    if scheme not in places:
        sys.exit("a wheel has data of the unknown kind %r" % scheme)
    return places[scheme] + rest


def unpack_chroot(out, members):
    """A distribution as the pex tool installs it before a start: the parts of `.data` in `.prefix`."""
    moved = ((".prefix/bin/", "bin/"), (".prefix/data/", "data/"), (".prefix/include/site/", "include/"),
             (".prefix/platlib/", "lib/"), (".prefix/purelib/", "lib/"))
    for path, mode, content, *_ in members:
        if path.endswith("/") or path == CHROOT or ".pex-info/" in path or path.endswith((".pyc", ".pyo")):
            continue
        for start, target in moved:
            if path.startswith(start):
                rest = path[len(start):]
                out.add(target + (rest.split("/", 1)[-1] if target == "include/" else rest), mode, content)
                break
        else:
            out.add("lib/" + path, mode, content)


def is_whole(folder):
    """Whether a folder has all that was put there. What was put there before the machine went down
    is looked at once, and then is known to be on disk."""
    try:
        with open(os.path.join(folder, "manifest.marshal"), "rb") as file:
            manifest = marshal.load(file)
        if manifest["whole"] in ("settled", str(boot.boot_id())):
            return os.path.isdir(os.path.join(folder, "lib"))
        for name, written in manifest["files"].items():
            if measure(os.path.join(folder, name)) != written:
                return False
        for parent, folders, _ in os.walk(folder):
            cached = os.path.relpath(os.path.join(parent, "__pycache__"), folder).replace(os.sep, "/") + "/"
            if "__pycache__" in folders and not any(name.startswith(cached) for name in manifest["files"]):
                shutil.rmtree(os.path.join(parent, "__pycache__"), ignore_errors=True)
        replace(os.path.join(folder, "manifest.marshal"), marshal.dumps(dict(manifest, whole="settled")))
        return True
    except (OSError, EOFError, ValueError, TypeError, KeyError, AttributeError):
        return False


def measure(path):
    """A file's size and checksum, or where a link leads."""
    if os.path.islink(path):
        return os.readlink(path)
    with open(path, "rb") as file:
        content = file.read()
    return len(content), zlib.crc32(content)


def manifest_of(folder):
    found = {}
    for parent, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        for path in (os.path.join(parent, name) for name in files + links):
            found[os.path.relpath(path, folder)] = measure(path)
    return found


def build_environment(new, folder, cache, place, pexes, wheels):
    """A virtual environment in `new`, which will stand at `folder`."""
    base = boot.base()
    version = "%d.%d" % sys.version_info[:2] + ("t" if "t" in (getattr(sys, "abiflags", "") or "") else "")
    python = "pypy" if sys.implementation.name == "pypy" else "python"
    site = os.path.join("lib", python + version, "site-packages")
    for part in (site, "bin", "boot"):
        os.makedirs(os.path.join(new, part))
    config = "home = %s\ninclude-system-site-packages = false\nversion = %d.%d.%d\n"
    write(os.path.join(new, "pyvenv.cfg"), (config % ((os.path.dirname(base),) + sys.version_info[:3])).encode())
    # A wheel may have data that goes into folders of these names; what is there already stays.
    codes = [unpack_code(pex, number, new, folder) for number, pex in enumerate(pexes)]
    for wheel in wheels:
        link(os.path.join(wheel, "lib"), os.path.join(new, site))
        link(os.path.join(wheel, "data"), new)
        link(os.path.join(wheel, "include"), os.path.join(new, "include", "site", "python" + version))
    entries = scripts(wheels)
    executable = os.path.join(folder, "bin", "python")
    for wheel in wheels:
        copy_scripts(os.path.join(wheel, "bin"), os.path.join(new, "bin"), executable)
    for name, entry in entries.items():
        write_script(os.path.join(new, "bin"), name, entry, executable)
    for name in ("python", python + "3", python + version):
        path = os.path.join(new, "bin", name)
        if os.path.lexists(path):
            os.unlink(path)
        os.symlink(base if name == "python" else "python", path)
    # Python 3.11 of Debian reads such a file twice.
    insert = "import sys; sys.path[0:0] = [one for one in %r if one not in sys.path]\n" % [code for code in codes if code]
    write(os.path.join(new, site, "_pinnace.pth"), insert.encode())
    write(os.path.join(new, "boot", "start.py"), (START % (folder, base)).encode())
    with open(os.path.join(cache, "runtime", place.runtime, "pinnace_boot.py"), "rb") as file:
        write(os.path.join(new, "boot", "pinnace_boot.py"), file.read())
    pth = any(name.endswith(".pth") and name != "_pinnace.pth" for name in os.listdir(os.path.join(new, site)))
    settings = settings_of(pexes[0].info)
    settings.update(
        executable=executable, start=os.path.join(folder, "boot", "start.py"), version=sys.hexversion, wheels=wheels, site=os.path.join(folder, site), scripts=entries, pth=pth,
        codes=[code for code in codes if code], temporary=None if cache == place.cache else cache,
    )
    write(os.path.join(new, "settings.marshal"), marshal.dumps(settings))
    manifest = {"whole": str(boot.boot_id()), "files": manifest_of(new)}
    write(os.path.join(new, "manifest.marshal"), marshal.dumps(manifest))


def settings_of(info):
    return {
        "entry_point": info.get("entry_point"), "script": info.get("script"),
        "strip": info.get("strip_pex_env", True), "inject_env": dict(info.get("inject_env") or {}),
        "inject_args": info.get("inject_args") or [], "resources": info.get("bind_resource_paths") or {},
        "venv": bool(info.get("venv")), "bin_path": info.get("venv_bin_path") or "false",
    }


def unpack_code(pex, number, new, folder):
    """The user code of a PEX file, unpacked; that of a folder is used where it is."""
    if pex.zip is None:
        return pex.path
    name = "code" if not number else "code-%d" % number
    members = list(pex.sources())
    if members or not number:
        os.mkdir(os.path.join(new, name))
        out = Out(os.path.join(new, name))
        for member in members:
            out.add(member.filename, member.external_attr >> 16, pex.zip.read(member))
        return os.path.join(folder, name)


def announce(cache, place, key, folder):
    """Tell later starts that the folder is whole; prefix.sh looks by the interpreter that it would
    start."""
    with open(os.path.join(folder, "manifest.marshal"), "rb") as file:
        whole = marshal.load(file)["whole"]
    replace(os.path.join(folder, "whole"), whole.encode())
    if key == place.key and cache == place.cache and os.name != "nt":
        known = os.path.join(cache, "ready", key, whole) + os.path.abspath(sys.executable)
        try:
            os.makedirs(os.path.dirname(known), exist_ok=True)
            replace(known, (folder + "\n").encode())
        except OSError:
            pass


def link(source, target):
    """Show what is in `source` in `target`: by one link where nobody else has that name, else folder
    by folder. What is there already stays."""
    if not os.path.isdir(source):
        return
    os.makedirs(target, exist_ok=True)
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


def copy_scripts(source, target, python):
    """Scripts that a wheel has as files; `#!python` is for the installer to fill in."""
    for name in sorted(os.listdir(source)) if os.path.isdir(source) else ():
        path = os.path.join(target, name)
        if os.path.lexists(path) or os.path.isdir(os.path.join(source, name)):
            continue
        with open(os.path.join(source, name), "rb") as file:
            content = file.read()
        if content.startswith((b"#!python\n", b"#!python\r", b"#!python ", b"#!pythonw")):
            content = shebang(python).encode() + content.partition(b"\n")[2]
        write(path, content, 0o777)


def write_script(target, name, entry, python):
    if re.match(r"^[^/\\\0]+$", name) and name not in (".", ".."):
        module, _, attributes = entry.partition(":")
        code = "%simport sys\nimport %s as module\n\nif __name__ == '__main__':\n    sys.exit(module.%s())\n"
        path = os.path.join(target, name)
        if os.path.lexists(path):
            os.unlink(path)
        write(path, (code % (shebang(python), module, attributes)).encode(), 0o777)


def shebang(python):
    """Systems cut a long line, and split one with a space."""
    if len(python) < 125 and " " not in python:
        return "#!%s\n" % python
    return "#!/bin/sh\n'''exec' \"%s\" \"$0\" \"$@\"\n' '''\n" % python


def scripts(wheels):
    """The console and GUI scripts of all wheels, by name; the first wheel that has a name wins."""
    found = {}
    for wheel in wheels:
        lib = os.path.join(wheel, "lib")
        for folder in os.listdir(lib) if os.path.isdir(lib) else ():
            path = os.path.join(lib, folder, "entry_points.txt")
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
            entry = re.sub(r"\s|\[.*", "", entry)
            if re.match(r"^[\w.]+:[\w.]+$", entry):
                yield name.strip(), entry


def write(path, content, mode=0o666):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)


def replace(path, content):
    write("%s.%d" % (path, os.getpid()), content)
    os.replace("%s.%d" % (path, os.getpid()), path)
