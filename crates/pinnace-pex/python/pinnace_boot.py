"""Run a PEX file: what happens at every start.

Standard library only, Python 3.8 and newer, and as few imports as possible: each costs
milliseconds. What happens once per machine is in `pinnace_unpack`, what few ask for in
`pinnace_choose` and `pinnace_tools`.

There are two processes, one after the other under the same number: `main` runs in the interpreter
that was started on the PEX file, and goes over to the interpreter of the environment, where
`start` runs. A file that has been run before goes there at once (see `prefix.sh`).
"""
import marshal
import os
import sys

USAGE_ERROR = 2
# Which interpreter runs, which files are seen, or something else than the program: not decided here.
RARE = ("PEX_PATH", "PEX_PYTHON", "PEX_PYTHON_PATH", "PEX_TOOLS", "PEX_IGNORE_ERRORS")
# Better refused than ignored: whoever sets these counts on them.
UNSUPPORTED = ("PEX_DISABLE_VARIABLES", "PEX_PROFILE", "PEX_PROFILE_FILENAME", "PEX_COVERAGE", "PEX_COVERAGE_FILENAME")


class Place:
    """Where the PEX file is, and where its environment is kept."""

    def __init__(self, pex, key, runtime, cache, found, baked, read):
        self.pex, self.key, self.runtime, self.cache = pex, key, runtime, cache
        self.baked, self.read = baked, read
        # `found` is what sys.path was; what it is now is the standard library alone.
        self.standard, self.packages, self.pythonpath = split_path(found)


def main(*place):
    """In the interpreter that was started on the PEX file: find the environment, or make it."""
    place = Place(*place)
    check_variables(os.environ)
    folder = None
    if not place.baked.get("pex_path") and not any(map(os.environ.get, RARE)):
        folder = ready(place.cache, place.key)
    if folder is None:
        forget(place.packages + place.pythonpath)
        try:
            folder = rarely(place, "pinnace_choose").environment(place)
        except KeyboardInterrupt:
            fail("interrupted", 130)
        except OSError as error:
            fail("cannot make the environment of %s: %s; PEX_ROOT says where to" % (place.pex, error))
    if flag("PEX_TOOLS"):
        try:
            tools = rarely(place, "pinnace_tools")
        except KeyError:
            fail("PEX_TOOLS is set, but this PEX file was built without tools; `--include-tools` adds them")
        return tools.main(place, folder)
    inherit = os.environ.get("PEX_INHERIT_PATH") or place.baked.get("inherit_path") or "false"
    given = place.baked.get("inject_python_args", [])
    if inherit != "false" and given and os.environ.pop("_PINNACE_GIVEN", "") != str(os.getpid()):
        os.environ["_PINNACE_GIVEN"] = str(os.getpid())
        os.execv(sys.executable, [sys.executable] + options() + given + [place.pex] + sys.argv[1:])
    if inherit != "false" or os.name == "nt":
        return start_here(place, folder, inherit)
    os.environ["PEX"] = place.pex
    python = load(folder)["executable"]
    os.execv(python, [python] + options() + given + [os.path.join(folder, "boot", "start.py")] + sys.argv[1:])


def start(folder, base):
    """In the interpreter of the environment."""
    environ = os.environ
    try:
        info = load(folder)
        again = not usable(info)
    except (OSError, EOFError, ValueError, TypeError, KeyError):
        again = True
    if again and environ.pop("_PINNACE_AGAIN", "") == str(os.getpid()):
        fail("the environment in %s is not usable, and could not be made again; remove it" % folder)
    if again:
        environ["_PINNACE_AGAIN"] = str(os.getpid())
        # It was made for another Python than is there now, or somebody cleaned up.
        os.execv(base, [base] + options() + [environ["PEX"]] + sys.argv[1:])
    environ.pop("_PINNACE_AGAIN", None)
    boot = os.path.join(folder, "boot")
    outside = split_path([""] + sys.path)[2]
    sys.path[:] = [entry for entry in sys.path if entry != boot and entry not in outside]
    if outside:
        forget(outside)
    if info.get("temporary"):
        remove_at_exit(info["temporary"])
    check_variables(environ)
    begin(folder, info)


def start_here(place, folder, inherit):
    """In the interpreter that was started, which sees what it has beside what the file brings."""
    info = load(folder)
    site, codes = info["site"], info["codes"]
    if inherit == "prefer":
        sys.path[:] = place.pythonpath + codes + place.standard + place.packages
    else:
        sys.path[:] = codes + place.standard
        if inherit == "false":
            forget(place.packages + place.pythonpath)
    if info["pth"]:
        import site as library

        library.addsitedir(site)
    else:
        sys.path.append(site)
    if inherit == "fallback":
        sys.path += place.packages + place.pythonpath
    if info.get("temporary"):
        remove_at_exit(info["temporary"])
    os.environ["PEX"] = place.pex
    begin(folder, info)


def mount(place):
    """For `import __pex__`: show what the file brings to the process that runs already."""
    place = Place(*place)
    folder = None
    if not place.baked.get("pex_path") and not os.environ.get("PEX_PATH"):
        folder = ready(place.cache, place.key)
    folder = folder or rarely(place, "pinnace_choose").environment(place, go_over=False)
    info = load(folder)
    if info.get("temporary"):
        remove_at_exit(info["temporary"])
    sys.path[:] = info["codes"] + [e for e in sys.path if e not in place.packages] + [info["site"]]


def begin(folder, info):
    environ = dict(os.environ)
    pex = os.environ["PEX"] = os.path.realpath(os.environ["PEX"])
    sys.argv[0] = pex
    sys.displayhook = sys.__displayhook__
    sys.excepthook = sys.__excepthook__
    apply(environ, folder, info)
    for name in ("pinnace_boot", "pinnace_choose", "pinnace_unpack"):
        sys.modules.pop(name, None)
    run(environ, folder, info)


def fail(message, status=1):
    sys.stderr.write(message + "\n")
    sys.exit(status)


def rarely(place, name):
    """A module of the PEX file that is not always needed."""
    import importlib

    if name in sys.modules:
        return sys.modules[name]
    sys.path.insert(0, os.path.join(place.pex, ".bootstrap"))
    try:
        return importlib.import_module(name)
    except ImportError:
        return place.read(place.pex, name)
    finally:
        del sys.path[0]


def base():
    """This interpreter, outside of any virtual environment."""
    if sys.prefix == sys.base_prefix:
        return sys.executable
    name = "python%d.%d" % sys.version_info[:2]
    found = os.path.join(sys.base_prefix, "bin", name)
    return found if os.path.isfile(found) else os.path.realpath(sys.executable)


def interpreter_id():
    """What unpacked wheels may depend on: the exact interpreter, its ABI, the machine."""
    import zlib

    machine = os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", "")
    exact = "%s-%x%s" % (sys.implementation.cache_tag, sys.hexversion, getattr(sys, "abiflags", ""))
    return "%s-%s-%08x" % (exact, machine, zlib.crc32(os.fsencode(base())))


def boot_id():
    """What the system calls the time since it was started; None where it does not say."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return None


def load(folder):
    with open(os.path.join(folder, "settings.marshal"), "rb") as file:
        return marshal.load(file)


def usable(info):
    parts = [os.path.join(wheel, "lib") for wheel in info["wheels"]] + info["codes"] + [info["executable"], info["start"], info["site"]]
    whole = all(map(os.path.exists, parts))
    return whole and info["version"] == sys.hexversion


def env_folder(cache, key):
    return os.path.join(cache, "env", key[:32], interpreter_id())


def ready(cache, key):
    """The environment, if an earlier start has finished one. What was not yet on disk when the
    machine went down may have been lost, so one of before that is not believed unseen."""
    folder = env_folder(cache, key)
    try:
        info = load(folder)
        with open(os.path.join(folder, "whole")) as file:
            whole = file.read()
        return folder if whole in ("settled", str(boot_id())) and usable(info) else None
    except (OSError, EOFError, ValueError, TypeError, AttributeError, KeyError):
        return None


def remove_at_exit(temporary):
    import atexit
    import shutil

    owner = os.getpid()
    atexit.register(lambda: os.getpid() == owner and shutil.rmtree(temporary, ignore_errors=True))


def options():
    """The options that this interpreter was started with."""
    if hasattr(sys, "orig_argv"):
        found = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv)]
        return found[: found.index("-c")] if "-c" in found else found
    flags = (("O", "optimize"), ("B", "dont_write_bytecode"), ("b", "bytes_warning"), ("v", "verbose"))
    found = ["-" + letter * getattr(sys.flags, name) for letter, name in flags if getattr(sys.flags, name)]
    found += ["-W" + option for option in sys.warnoptions]
    for name, value in sys._xoptions.items():
        found += ["-X", name if value is True else "%s=%s" % (name, value)]
    return found


def flag(name):
    value = os.environ.get(name, "").lower()
    if value not in ("", "0", "1", "false", "true"):
        fail("%s must be 0, 1, false or true, not %r" % (name, value))
    return value in ("1", "true")


def check_variables(environ):
    for name in UNSUPPORTED:
        if environ.get(name):
            fail("%s is set, but PEX files by Pinnace do not know it; unset %s" % (name, name))
    for name in ("PEX_INTERPRETER", "PEX_TOOLS", "PEX_VENV", "PEX_IGNORE_ERRORS"):
        flag(name)
    for name, values in (
        ("PEX_INHERIT_PATH", ("false", "prefer", "fallback")),
        ("PEX_VENV_BIN_PATH", ("false", "prepend", "append")),
    ):
        if environ.get(name) and environ[name] not in values:
            fail("%s must be %s or %s, not %r" % (name, ", ".join(values[:-1]), values[-1], environ[name]))
    if environ.get("PEX_MODULE") and environ.get("PEX_SCRIPT"):
        fail("PEX_MODULE and PEX_SCRIPT are both set; set one of them")


def apply(environ, folder, info):
    """What the environment and the PEX-INFO say of paths and variables."""
    variables = os.environ
    if info["strip"]:
        for name in [name for name in variables if name.startswith("PEX_")]:
            del variables[name]
    for name, value in info["inject_env"].items():
        variables.setdefault(name, value)
    for name, path in info["resources"].items():
        places = [os.path.join(place, path) for place in info["codes"] + [info["site"]]]
        variables[name] = next(filter(os.path.exists, places), places[0])
    if info["venv"] or environ.get("PEX_VENV", "").lower() in ("1", "true"):
        variables["VIRTUAL_ENV"] = folder
        bin_path = environ.get("PEX_VENV_BIN_PATH") or info["bin_path"]
        scripts, path = os.path.join(folder, "bin"), variables.get("PATH", os.defpath)
        if bin_path != "false":
            variables["PATH"] = os.pathsep.join((scripts, path) if bin_path == "prepend" else (path, scripts))
    extra = environ.get("PEX_EXTRA_SYS_PATH")
    if extra:
        sys.path += extra.split(os.pathsep)
        known = variables.get("PYTHONPATH")
        variables["PYTHONPATH"] = known + os.pathsep + extra if known else extra


def split_path(found):
    """A sys.path as standard library, installed packages, and PYTHONPATH. The PEX file itself,
    which Python puts first, and the current folder are none of these."""
    library = os.path.dirname(os.__file__)
    bundle = "python%d%d.zip" % sys.version_info[:2]
    named = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    named = list(map(absolute, named))
    standard, packages, pythonpath = [], [], []
    for index, entry in enumerate(found):
        path = absolute(entry)
        kind = os.path.basename(path)
        if kind in ("site-packages", "dist-packages"):
            packages.append(entry)
        elif path == library or kind == "lib-dynload" or kind == bundle:
            standard.append(entry)
        elif path in named:
            pythonpath.append(entry)
        elif index and entry:
            packages.append(entry)
    return standard, packages, pythonpath


def absolute(path):
    """An absolute path; where the current folder is gone, what is relative leads nowhere."""
    try:
        return os.path.abspath(path)
    except OSError:
        return path


def forget(folders):
    """Drop what `.pth` files and sitecustomize imported from outside the standard library."""
    library = os.path.dirname(os.__file__) + os.sep
    outside = tuple(absolute(folder) + os.sep for folder in folders)

    def is_outside(module):
        path = getattr(module, "__file__", None)
        if path is None:
            try:
                path = next(iter(module.__path__))
            except (AttributeError, StopIteration, TypeError):
                return False
        path = absolute(path)
        in_library = path.startswith(library) and "-packages" + os.sep not in path[len(library):]
        return path.startswith(outside) and not in_library

    for name, module in list(sys.modules.items()):
        if name != "__main__" and is_outside(module):
            del sys.modules[name]
    own = ("_frozen_importlib", "_frozen_importlib_external")
    sys.meta_path[:] = [finder for finder in sys.meta_path if getattr(finder, "__module__", "") in own]


def run(environ, folder, info):
    module, script = environ.get("PEX_MODULE"), environ.get("PEX_SCRIPT")
    if environ.get("PEX_INTERPRETER", "").lower() in ("1", "true"):
        return run_interpreter(environ, folder, info)
    if module:
        return run_entry(module)
    if script:
        return run_script(script, folder, info)
    if not info["entry_point"] and not info["script"]:
        return run_interpreter(environ, folder, info)
    sys.argv[1:1] = [filled(argument, environ) for argument in info["inject_args"]]
    if info["entry_point"]:
        return run_entry(info["entry_point"])
    run_script(info["script"], folder, info)


def filled(argument, environ):
    """An injected argument may name variables: `{pex.env.NAME}`."""
    pieces = argument.split("{pex.env.")
    for index, piece in enumerate(pieces[1:], 1):
        name, brace, rest = piece.partition("}")
        pieces[index] = environ.get(name, "") + rest if brace else "{pex.env." + piece
    return "".join(pieces)


def run_entry(entry):
    module, _, attributes = entry.partition(":")
    if not attributes:
        return run_module(module)
    import importlib

    function = importlib.import_module(module)
    for attribute in attributes.split("."):
        function = getattr(function, attribute)
    sys.exit(function())


def run_script(name, folder, info):
    entry = info["scripts"].get(name)
    if entry:
        sys.argv[0] = name
        return run_entry(entry)
    path = os.path.join(folder, "bin", name)
    if os.path.basename(name) != name or name.startswith("python") or not os.path.isfile(path):
        entry = own_script(name)
        if entry:
            sys.argv[0] = name
            return run_entry(entry)
        known = ", ".join(sorted(info["scripts"])) or "none"
        fail("Could not find script %r in this PEX file; it has: %s" % (name, known))
    with open(path, "rb") as file:
        first = file.readline()
    if first.startswith(b"#!") and b"python" not in first:
        go_over(info, path, [path] + sys.argv[1:], os.environ)
    run_file(path)


def own_script(name):
    """What a script of the code runs, where a project beside it says so."""
    from importlib import metadata

    found = metadata.entry_points()
    is_old = not hasattr(found, "select")
    points = found.get("console_scripts", ()) if is_old else found.select(group="console_scripts")
    return next((point.value for point in points if point.name == name), None)


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
        import runpy

        if not os.path.isfile(os.path.join(path, "__main__.py")):
            fail("cannot run %r: it is a folder without __main__.py" % path)
        sys.argv[0] = path
        return runpy.run_path(path, run_name="__main__")
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        fail("cannot open %r: %s" % (path, error.strerror), USAGE_ERROR)
    sys.argv[0] = path
    run_code(source, path, __file__=path)


def run_interpreter(environ, folder, info):
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
        return with_options(environ, arguments, info)
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


def go_over(info, program, arguments, environ):
    """Become another program; one whose files are gone with this process is waited for."""
    if not info.get("temporary"):
        os.execve(program, arguments, environ)
    import subprocess

    code = subprocess.call(arguments, executable=program, env=environ)
    sys.exit(code if code >= 0 else 128 - code)


def with_options(environ, arguments, info):
    """Start Python again with its own options, and this PEX file behind them."""
    found = []
    while arguments and arguments[0].startswith("-") and arguments[0][:2] not in ("-", "-c", "-m"):
        takes_value = arguments[0] in ("-W", "-X", "--check-hash-based-pycs")
        found += arguments[: 1 + takes_value]
        arguments = arguments[1 + takes_value:]
    # The environment as it was: the second start wants its PEX_ROOT, too.
    environ = dict(environ, PEX_INTERPRETER="1")
    python = base()
    go_over(info, python, [python] + found + [os.environ["PEX"]] + arguments, environ)


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
    count = len(info["wheels"])
    noun = "distribution" if count == 1 else "distributions"
    banner = "Pinnace environment with %d %s\nPython %s on %s" % (count, noun, sys.version, sys.platform)
    code.interact(banner=banner, local=names, exitmsg="")
