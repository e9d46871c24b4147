"""Start this PEX file. Above stand KEY, the identity of its members, RUNTIME, that of the code that
boots it, and BAKED, what must be known before its environment is found.

This file is compiled at every start, so it only finds the boot code: in the cache, where its
bytecode is kept, else in the PEX file itself.
"""
import os
import sys

if sys.version_info < (3, 8):
    sys.exit("this PEX file needs Python 3.8 or newer, and this is " + sys.version.split()[0])


def cache_root():
    root = os.environ.get("PEX_ROOT")
    if not root:
        root = "~/Library/Caches" if os.path.isdir(os.path.expanduser("~/Library/Caches")) else "~/.cache"
        root = os.path.join(os.environ.get("XDG_CACHE_HOME") or root, "pex")
    return os.path.abspath(os.path.expanduser(root))


def is_standard(entry):
    """Whether an entry of sys.path is of the standard library."""
    path, bundle = os.path.abspath(entry), "python%d%d.zip" % sys.version_info[:2]
    return path == os.path.dirname(os.__file__) or os.path.basename(path) in ("lib-dynload", bundle)


def load(folder):
    """Import the boot code from a folder, and see nothing but the standard library beside it."""
    sys.path.insert(0, folder)
    sys.modules.pop("pinnace_boot", None)
    try:
        import pinnace_boot

        pinnace_boot.main
        return pinnace_boot
    finally:
        del sys.path[0]


def read(pex, name):
    """A member of a file that Python cannot import from, since it is too large for that."""
    import types
    import zipfile

    with zipfile.ZipFile(pex) as archive:
        code = archive.read(".bootstrap/%s.py" % name)
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(code, name + ".py", "exec"), module.__dict__)
    return module


def runtime(pex, cache):
    try:
        return load(os.path.join(cache, "runtime", RUNTIME))
    except Exception:
        pass
    try:
        return load(os.path.join(pex, ".bootstrap"))
    except ImportError:
        return read(pex, "pinnace_boot")


def boot(pex):
    cache = os.path.join(cache_root(), "pinnace", "1")
    found = sys.path[:]
    sys.path[:] = [entry for entry in found if is_standard(entry)]
    return runtime(pex, cache), (pex, KEY, RUNTIME, cache, found, BAKED, read)


if __name__ == "__main__":
    boot_code, place = boot(os.path.dirname(os.path.abspath(__file__)))
    boot_code.main(*place)
