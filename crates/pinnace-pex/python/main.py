"""Start this PEX file. Above stand KEY, the identity of its members, and RUNTIME, that of the code
that boots it.

This file is compiled at every start, so it only finds the boot code: in the cache, where its
bytecode is kept, else in the PEX file itself.
"""
import os
import sys

if sys.version_info < (3, 8):
    sys.exit("this PEX file needs Python 3.8 or newer, and this is " + sys.version.split()[0])


def cache_root():
    root = os.environ.get("PEX_ROOT")
    if not root and sys.platform == "darwin":
        root = "~/Library/Caches/pex"
    if not root:
        root = os.path.join(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "pex")
    return os.path.abspath(os.path.expanduser(root))


def is_standard(entry):
    """Whether an entry of sys.path is of the standard library."""
    path, bundle = os.path.abspath(entry), "python%d%d.zip" % sys.version_info[:2]
    return path == os.path.dirname(os.__file__) or os.path.basename(path) in ("lib-dynload", bundle)


def load(folder, standard):
    """Import the boot code from a folder, and see nothing but the standard library beside it."""
    sys.path[:] = [folder] + standard
    sys.modules.pop("pinnace_boot", None)
    import pinnace_boot

    return pinnace_boot.main


def boot():
    pex = os.path.dirname(os.path.abspath(__file__))
    cache = os.path.join(cache_root(), "pinnace", "1")
    found = sys.path[:]
    standard = [entry for entry in found if is_standard(entry)]
    try:
        main = load(os.path.join(cache, "runtime", RUNTIME), standard)
    except Exception:
        main = load(os.path.join(pex, ".bootstrap"), standard)
    sys.path[:] = standard
    main(pex, KEY, RUNTIME, cache, found)


boot()
