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
