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
