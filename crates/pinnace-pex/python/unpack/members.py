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
