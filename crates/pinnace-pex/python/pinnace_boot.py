"""Run a PEX file: what happens at every start.

Standard library only, Python 3.8 and newer, and as few imports as possible: each costs
milliseconds. What happens once per machine is in `pinnace_unpack`.
"""
import marshal
import os
import sys

USAGE_ERROR = 2

# Better refused than ignored: whoever sets these counts on them.
UNSUPPORTED = (
    "PEX_PATH", "PEX_PYTHON", "PEX_PYTHON_PATH", "PEX_EXTRA_SYS_PATH", "PEX_TOOLS", "PEX_VENV",
)


def main(pex, key, runtime, cache, found):
    """`found` is what sys.path was; what it is now is the standard library alone."""
    standard, packages, pythonpath = split_path(found)
    if not os.environ.get("PEX_INHERIT_PATH"):
        forget(packages + pythonpath)
    folder, info = ready(cache, key)
    if info is None:
        folder, info = unpack(pex, key, runtime, cache)
    settings = Settings(info)
    isolate(settings.inherit_path, folder, info, standard, packages, pythonpath)
    os.environ["PEX"] = os.path.realpath(pex)
    settings.apply()
    sys.modules.pop("pinnace_boot", None)
    run(settings, info, folder)


def fail(message, status=1):
    sys.stderr.write(message + "\n")
    sys.exit(status)


def interpreter_id():
    """What unpacked wheels may depend on: the exact interpreter, its ABI, the machine."""
    machine = os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", "")
    return "%s-%x%s-%s" % (sys.implementation.cache_tag, sys.hexversion, getattr(sys, "abiflags", ""), machine)


def ready(cache, key):
    """The unpacked PEX, if an earlier start has finished one."""
    folder = os.path.join(cache, "env", key, interpreter_id())
    try:
        with open(os.path.join(folder, "info.marshal"), "rb") as file:
            info = marshal.load(file)
        whole = [os.path.join(folder, "code"), os.path.join(folder, "site")]
        whole += [os.path.join(cache, "wheels", digest, "lib") for digest in info["distributions"].values()]
        return folder, info if all(map(os.path.isdir, whole)) else None
    except (OSError, EOFError, ValueError, TypeError, AttributeError, KeyError):
        return folder, None


def unpack(pex, key, runtime, cache):
    before = set(sys.modules)
    sys.path.insert(0, os.path.join(pex, ".bootstrap"))
    import pinnace_unpack
    folder, info = pinnace_unpack.unpack(pex, key, runtime, cache, interpreter_id())
    del sys.path[0]
    # User code may have modules of these names, and a first start is like any other.
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").endswith(".py"):
            del sys.modules[name]
    return folder, info


class Settings:
    """What the environment says, and else the PEX-INFO."""

    def __init__(self, info):
        environ = self.environ = dict(os.environ)
        self.inherit_path = environ.get("PEX_INHERIT_PATH") or info.get("inherit_path") or "false"
        if self.inherit_path not in ("false", "prefer", "fallback"):
            fail("PEX_INHERIT_PATH must be false, prefer or fallback, not %r" % self.inherit_path)
        for name in UNSUPPORTED:
            if environ.get(name):
                fail("%s is set, but this PEX file does not know it yet; unset %s" % (name, name))
        self.interpreter = self.flag("PEX_INTERPRETER")
        self.module = environ.get("PEX_MODULE") or None
        self.script = environ.get("PEX_SCRIPT") or None
        if self.module and self.script:
            fail("PEX_MODULE and PEX_SCRIPT are both set; set one of them")
        self.strip = info.get("strip_pex_env", True)
        self.inject = info.get("inject_env") or {}

    @staticmethod
    def flag(name):
        value = os.environ.get(name, "").lower()
        if value not in ("", "0", "1", "false", "true"):
            fail("%s must be 0, 1, false or true, not %r" % (name, value))
        return value in ("1", "true")

    def apply(self):
        if self.strip:
            for name in [name for name in os.environ if name.startswith("PEX_")]:
                del os.environ[name]
        for name, value in self.inject.items():
            os.environ.setdefault(name, value)


def isolate(inherit, folder, info, standard, packages, pythonpath):
    """Put the code, the standard library and the dependencies on sys.path; `inherit` lets the rest
    back in, at one of two places."""
    code, deps = os.path.join(folder, "code"), os.path.join(folder, "site")
    if inherit == "prefer":
        sys.path[:] = pythonpath + [code] + standard + packages
    else:
        sys.path[:] = [code] + standard
    if inherit == "false":
        forget(packages + pythonpath)
    if info.get("pth"):
        import site

        site.addsitedir(deps)
    else:
        sys.path.append(deps)
    if inherit == "fallback":
        sys.path += packages + pythonpath
    sys.displayhook = sys.__displayhook__
    sys.excepthook = sys.__excepthook__


def split_path(found):
    """A sys.path as standard library, installed packages, and PYTHONPATH. The PEX file itself,
    which Python puts first, and the current folder are none of these."""
    library = os.path.dirname(os.__file__)
    bundle = "python%d%d" % sys.version_info[:2]
    named = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    named = [os.path.abspath(entry) for entry in named]
    standard, packages, pythonpath = [], [], []
    for index, entry in enumerate(found):
        path = os.path.abspath(entry)
        kind = os.path.basename(path)
        if kind in ("site-packages", "dist-packages"):
            packages.append(entry)
        elif path == library or kind == "lib-dynload" or kind == bundle + ".zip":
            standard.append(entry)
        elif path in named:
            pythonpath.append(entry)
        elif index and entry:
            packages.append(entry)
    return standard, packages, pythonpath


def forget(folders):
    """Drop what `.pth` files and sitecustomize imported from outside the standard library."""
    library = os.path.dirname(os.__file__) + os.sep
    outside = tuple(os.path.abspath(folder) + os.sep for folder in folders)

    def is_outside(module):
        path = getattr(module, "__file__", None)
        if path is None:
            try:
                path = next(iter(module.__path__))
            except (AttributeError, StopIteration, TypeError):
                return False
        path = os.path.abspath(path)
        in_library = path.startswith(library) and "-packages" + os.sep not in path[len(library):]
        return path.startswith(outside) and not in_library

    for name, module in list(sys.modules.items()):
        if name != "__main__" and is_outside(module):
            del sys.modules[name]
    own = ("_frozen_importlib", "_frozen_importlib_external")
    sys.meta_path[:] = [finder for finder in sys.meta_path if getattr(finder, "__module__", "") in own]


def run(settings, info, folder):
    if settings.interpreter:
        return run_interpreter(settings, info)
    if settings.script:
        return run_script(settings.script, info, folder)
    entry = settings.module or info.get("entry_point")
    if not settings.module and info.get("script") and not entry:
        return run_script(info["script"], info, folder)
    if not entry:
        return run_interpreter(settings, info)
    if not settings.module:
        sys.argv[1:1] = info.get("inject_args") or []
    run_entry(entry)


def run_entry(entry):
    module, _, attributes = entry.partition(":")
    if not attributes:
        return run_module(module)
    import importlib

    function = importlib.import_module(module)
    for attribute in attributes.split("."):
        function = getattr(function, attribute)
    sys.exit(function())


def run_script(name, info, folder):
    entry = info["scripts"].get(name)
    if entry:
        sys.argv[0] = name
        return run_entry(entry)
    path = os.path.join(folder, "bin", name)
    if os.path.basename(name) != name or not os.path.isfile(path):
        known = ", ".join(sorted(info["scripts"])) or "none"
        fail("Could not find script %r in this PEX file; it has: %s" % (name, known))
    run_file(path)


def new_main(**names):
    import types

    module = types.ModuleType("__main__")
    module.__dict__["__builtins__"] = sys.modules["builtins"]
    module.__dict__.update(names)
    sys.modules["__main__"] = module
    return module.__dict__


def run_module(name):
    """What `python -m` does."""
    import importlib.util

    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(name + ".__main__")
    except (ImportError, AttributeError, ValueError) as error:
        fail("cannot run the module %r: %s: %s" % (name, type(error).__name__, error))
    code = spec.loader.get_code(spec.name) if spec is not None and spec.loader else None
    if code is None:
        fail("cannot run the module %r: there is no code for it in this PEX file" % name)
    sys.argv[0] = spec.origin
    names = new_main(
        __file__=spec.origin, __cached__=spec.cached, __loader__=spec.loader,
        __package__=spec.parent, __spec__=spec,
    )
    exec(code, names)


def run_code(source, name, **names):
    exec(compile(source, name, "exec"), new_main(**names))


def run_file(path):
    if os.path.isdir(path):
        fail("cannot run %r: it is a folder" % path)
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        fail("cannot open %r: %s" % (path, error.strerror), USAGE_ERROR)
    sys.argv[0] = path
    run_code(source, path, __file__=path)


def run_interpreter(settings, info):
    """Do with the arguments what `python` would do with them."""
    arguments = sys.argv[1:]
    first = arguments[0] if arguments else None
    if first is None:
        return run_prompt(info)
    if first == "-":
        sys.argv = arguments
        return run_code(sys.stdin.buffer.read(), "<stdin>")
    if first.startswith("-c"):
        return run_command(first[2:], arguments[1:])
    if first.startswith("-m"):
        return run_named_module(first[2:], arguments[1:])
    if first.startswith("-"):
        return with_options(settings, arguments)
    sys.argv = arguments
    run_file(first)


def run_command(code, rest):
    if not code:
        if not rest:
            fail("Argument expected for the -c option", USAGE_ERROR)
        code, rest = rest[0], rest[1:]
    sys.argv = ["-c"] + rest
    run_code(code, "<string>")


def run_named_module(name, rest):
    if not name:
        if not rest:
            fail("Argument expected for the -m option", USAGE_ERROR)
        name, rest = rest[0], rest[1:]
    sys.argv = [name] + rest
    run_module(name)


def with_options(settings, arguments):
    """Start Python again with its own options, and this PEX file behind them."""
    options = []
    while arguments and arguments[0].startswith("-") and arguments[0][:2] not in ("-", "-c", "-m"):
        takes_value = arguments[0] in ("-W", "-X", "--check-hash-based-pycs")
        options += arguments[: 1 + takes_value]
        arguments = arguments[1 + takes_value:]
    # The environment as it was: the second start wants its PEX_ROOT, too.
    environ = dict(settings.environ, PEX_INTERPRETER="1")
    os.execve(sys.executable, [sys.executable] + options + [os.environ["PEX"]] + arguments, environ)


def run_prompt(info):
    if sys.stdin is None:
        return
    if not sys.stdin.isatty():
        sys.argv = [""]
        return run_code(sys.stdin.buffer.read(), "<stdin>")
    import code

    try:
        import readline
        import rlcompleter

        names = new_main()
        readline.set_completer(rlcompleter.Completer(names).complete)
        readline.parse_and_bind("tab: complete")
    except ImportError:
        names = new_main()
    sys.argv = [""]
    sys.ps1 = ">>> "
    count = len(info.get("distributions") or ())
    noun = "distribution" if count == 1 else "distributions"
    banner = "Pinnace environment with %d %s\nPython %s on %s" % (count, noun, sys.version, sys.platform)
    code.interact(banner=banner, local=names, exitmsg="")
