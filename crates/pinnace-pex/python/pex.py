"""`import __pex__`, with the PEX file on sys.path, shows what it brings to the process that runs."""
import os
import sys

_pex = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_names = {"__name__": "pinnace_main", "__file__": os.path.join(_pex, "__main__.py")}
exec(compile(__loader__.get_data(_names["__file__"]), _names["__file__"], "exec"), _names)
_boot, _place = _names["boot"](_pex)
_boot.mount(_place)


def __getattr__(name):
    """`from __pex__ import name`."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise AttributeError(str(error)) from None
