"""Print the index that this interpreter's pip asks by default."""

import glob
import os
import sys


def bundled():
    """The pip that ensurepip would install: interpreters without pip mostly still carry it."""
    import sysconfig

    folders = [sysconfig.get_config_var("WHEEL_PKG_DIR")]
    try:
        import ensurepip

        folders.append(os.path.join(os.path.dirname(ensurepip.__file__), "_bundled"))
    except ImportError:
        pass
    for folder in filter(None, folders):
        for wheel in sorted(glob.glob(os.path.join(folder, "pip-*.whl"))):
            return wheel


try:
    from pip._internal.models.index import PyPI
except ImportError:
    wheel = bundled()
    if wheel is None:
        sys.exit("it has no pip, and no ensurepip to take one from")
    sys.path.insert(0, wheel)
    from pip._internal.models.index import PyPI

print(PyPI.simple_url)
