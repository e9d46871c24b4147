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
