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
