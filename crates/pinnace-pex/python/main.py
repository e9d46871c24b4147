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
    if root:
        return os.path.abspath(os.path.expanduser(root))
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Caches/pex")
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(caches, "pex")


def boot():
    pex = os.path.dirname(os.path.abspath(__file__))
    cache = os.path.join(cache_root(), "pinnace", "1")
    sys.path.insert(0, os.path.join(cache, "runtime", RUNTIME))
    try:
        import pinnace_boot
    except ImportError:
        sys.path[0] = os.path.join(pex, ".bootstrap")
        import pinnace_boot
    del sys.path[0]
    pinnace_boot.main(pex, KEY, RUNTIME, cache)


boot()
