"""Choose what is run, by which interpreter: what a start does that finds no environment ready.

`PEX_PYTHON`, `PEX_PYTHON_PATH` and the constraints of a PEX file say which interpreters will do, and
the wheels that it holds must fit. `PEX_PATH` names files that are seen together with it.
"""
import hashlib
import marshal
import os
import re
import sys
from collections import namedtuple

import pinnace_boot as boot

Interpreter = namedtuple("Interpreter", "implementation version abiflags executable")
NAME = re.compile(r"^(python|pypy)([23](\.\d+[a-z]?)?)?$", re.I)
IDENTIFY = (
    "import sys; print('\\t'.join([sys.implementation.name, '.'.join(map(str, sys.version_info[:3])),"
    " getattr(sys, 'abiflags', '') or '', sys.executable]))"
)


def environment(place, go_over=True):
    """The environment of the PEX file, with all that is to be seen with it; made if need be. Another
    interpreter may have to take over."""
    unpack = boot.rarely(place, "pinnace_unpack")
    main = unpack.Pex(place.pex)
    named = main.info.get("pex_paths") or (main.info.get("pex_path") or "").split(os.pathsep)
    named = named + os.environ.get("PEX_PATH", "").split(os.pathsep)
    pexes, seen = [main], {os.path.realpath(place.pex)}
    for path in filter(None, named):
        if os.path.realpath(path) not in seen:
            seen.add(os.path.realpath(path))
            pexes.append(unpack.Pex(path))
    if go_over:
        choose_interpreter(place, pexes)
    key = place.key
    if len(pexes) > 1 or os.path.isdir(place.pex) or ignores_errors(main):
        parts = [place.key, str(ignores_errors(main))] + [pex.identity(place.cache) for pex in pexes]
        key = hashlib.sha256(os.fsencode("\n".join(parts))).hexdigest()
    return boot.ready(place.cache, key) or unpack.unpack(place, key, pexes)


def ignores_errors(pex):
    return bool(boot.flag("PEX_IGNORE_ERRORS") or pex.info.get("ignore_errors"))


def this():
    version = tuple(sys.version_info[:3])
    return Interpreter(sys.implementation.name, version, getattr(sys, "abiflags", "") or "", boot.base())


def choose_interpreter(place, pexes):
    """Go on in another interpreter where this one is not the one that is wanted, or does not suit one
    of the files."""
    # The process goes over to it and keeps its number, which nobody else has.
    if os.environ.pop("_PINNACE_CHOSEN", "") == str(os.getpid()):
        return
    main = pexes[0]
    if main.info.get("inherit_path", "false") == "false" and not os.environ.get("PEX_INHERIT_PATH"):
        current = this()
    else:
        current = this()._replace(executable=sys.executable)
    fits = lambda one, pex: pex.choose(one) is not None or ignores_errors(main)
    will_do = lambda one: all(meets(one, constraints_of(pex)) and fits(one, pex) for pex in pexes)
    wanted, path = os.environ.get("PEX_PYTHON"), os.environ.get("PEX_PYTHON_PATH")
    if not wanted and not path and will_do(current):
        return
    if not wanted and not path and not any(constraints_of(pex) or others_may_fit(pex) for pex in pexes):
        return
    found = candidates(wanted, path)
    examined = examine(place.cache, found)
    if wanted and os.path.isabs(wanted) and not examined:
        boot.fail("The specified PEX_PYTHON=%s could not be identified as a valid Python interpreter." % wanted)
    good = sorted((one for one in examined if will_do(one)), key=lambda one: (one.version[:2], [-n for n in one.version]))
    if main.info.get("interpreter_selection_strategy") == "newest":
        good.sort(key=lambda one: one.version, reverse=True)
    if not good:
        refuse(wanted or path or os.environ.get("PATH", ""), examined, pexes)
    if current not in good or wanted or path:
        best = good[0]
        if best.executable != current.executable:
            os.environ["_PINNACE_CHOSEN"] = str(os.getpid())
            os.execv(best.executable, [best.executable] + boot.options() + [place.pex] + sys.argv[1:])


def constraints_of(pex):
    return pex.info.get("interpreter_constraints") or []


def others_may_fit(pex):
    """Whether an interpreter of another version could run what this one cannot."""
    return any(not re.search(r"-none-any\.whl$", name) for name in pex.info["distributions"])


def candidates(wanted, path):
    """Executables that may be wanted, in the order in which they are looked for."""
    if wanted and os.path.isabs(wanted) and not path:
        return [wanted] if os.access(wanted, os.X_OK) and not os.path.isdir(wanted) else []
    found = []
    for entry in (path or os.environ.get("PATH", os.defpath)).split(os.pathsep):
        names = [entry] if os.path.isfile(entry) else []
        if os.path.isdir(entry):
            names = sorted(os.path.join(entry, name) for name in os.listdir(entry) if NAME.match(name))
        found += [name for name in names if os.access(name, os.X_OK)]
    if wanted and os.path.isabs(wanted):
        found = [name for name in found if os.path.realpath(name) == os.path.realpath(wanted)]
    elif wanted and not path:
        found = [name for name in found if os.path.basename(name) == wanted]
    return found


def examine(cache, paths):
    """What each executable is, asked once and remembered for as long as it is the same file."""
    from concurrent.futures import ThreadPoolExecutor

    memory = os.path.join(cache, "interpreters.marshal")
    try:
        with open(memory, "rb") as file:
            known = marshal.load(file)
    except (OSError, EOFError, ValueError, TypeError):
        known = {}
    stamps = {}
    for path in paths:
        status = os.stat(path)
        stamps[path] = (path, status.st_size, status.st_mtime_ns, os.environ.get("PYENV_VERSION", ""))
    unknown = [path for path in paths if stamps[path] not in known]
    with ThreadPoolExecutor(8) as pool:
        for path, answer in zip(unknown, pool.map(identify, unknown)):
            known[stamps[path]] = answer
    if unknown:
        try:
            os.makedirs(cache, exist_ok=True)
            with open("%s.%d" % (memory, os.getpid()), "wb") as file:
                marshal.dump(known, file)
            os.replace(file.name, memory)
        except OSError:
            pass
    found = {}
    for path in paths:
        answer = known[stamps[path]]
        if answer:
            found.setdefault(os.path.realpath(answer[3]), Interpreter(*answer))
    return list(found.values())


def identify(path):
    import subprocess

    try:
        run = subprocess.run([path, "-I", "-S", "-c", IDENTIFY], stdout=-1, stderr=-3, stdin=-3, timeout=20)
        name, version, flags, executable = run.stdout.decode().rstrip("\n").split("\t")
        version = tuple(map(int, version.split(".")))
        # A script that finds an interpreter, such as a shim of pyenv, is not itself one.
        return (name, version, flags, executable or path) if version >= (3, 8) else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def refuse(path, examined, pexes):
    shown = ["%d.) %s %s (%s)" % (n, one.executable, ".".join(map(str, one.version)), one.implementation)
             for n, one in enumerate(examined, 1)]
    needs, wanted = [], os.environ.get("PEX_PYTHON")
    if wanted and not examined:
        boot.fail("PEX_PYTHON=%s names no interpreter on path %s" % (wanted, path))
    for pex in pexes:
        whose = "" if pex is pexes[0] else " (%s)" % pex.path
        needs += ["  Version matches %s%s" % (constraint, whose) for constraint in constraints_of(pex)]
        built = " and ".join(pex.platforms()) or "another interpreter"
        for one in [one for one in examined or [this()] if pex.choose(one) is None][:3]:
            python = "%s %s" % (one.implementation, ".".join(map(str, one.version)))
            needs.append("  %s does not fit %s; %s was built for %s" % (pex.misfit(one), python, whose.strip(" ()") or "the file", built))
    boot.fail(
        "Failed to find compatible interpreter on path %s.\n\nExamined the following interpreters:\n%s\n\n"
        "No interpreter compatible with the requested constraints was found:\n\n%s"
        % (path, "\n".join(shown) or "none", "\n".join(needs))
    )


def meets(interpreter, constraints):
    """Whether any constraint holds: `>=3.9,<3.13`, with `CPython` or `PyPy` before it if need be."""
    return not constraints or any(meets_one(interpreter, one.replace(" ", "")) for one in constraints)


def meets_one(interpreter, constraint):
    name, threads, sets = re.match(r"^([A-Za-z]*)(\[[a-z-]+\]|[+-]t)?(.*)$", constraint).groups()
    if name and name.lower() != interpreter.implementation:
        return False
    if threads and (threads in ("+t", "[free-threaded]")) != ("t" in interpreter.abiflags):
        return False
    return all(holds(interpreter.version, clause) for clause in sets.split(",") if clause)


def holds(version, clause):
    """One clause of PEP 440, on a version without anything but numbers. Of a pre-release that is named
    nothing but its release counts."""
    found = re.match(r"^(===|[~=!<>]=|<|>)?v?(\d+(?:\.\d+)*)(\.\*)?(?:[-_.]?(?:a|b|c|rc|alpha|beta|dev|post)\d*)*$", clause)
    if not found:
        boot.fail("the interpreter constraint %r cannot be understood" % clause)
    operator, text, wildcard = found.groups()
    wanted = tuple(map(int, text.split(".")))
    length = len(wanted) if wildcard else max(len(wanted), 3)
    own, padded = version[:length], wanted + (0,) * (length - len(wanted))
    if operator == "~=":
        return version >= wanted and version[: len(wanted) - 1] == wanted[:-1]
    tests = {"==": own == padded, "===": own == padded, None: own == padded, "!=": own != padded}
    tests.update({">=": own >= padded, "<=": own <= padded, ">": own > padded, "<": own < padded})
    return tests[operator]


def machine():
    if not hasattr(os, "uname"):
        return ""
    name = os.uname().machine
    return {"x86_64": "i686", "aarch64": "armv7l"}.get(name, name) if sys.maxsize < 2**32 else name


def rank(wheel, interpreter):
    """How well a wheel fits an interpreter of this machine, more being better (PEP 425, 600, 656);
    None if it does not."""
    pythons, abis, platforms = wheel[: -len(".whl")].split("-")[-3:]
    system = max(rank_platform(platform) for platform in platforms.split("."))
    pairs = [(python, abi) for python in pythons.split(".") for abi in abis.split(".")]
    python = max(rank_python(python, abi, interpreter) for python, abi in pairs)
    return (python, system) if python and system else None


def rank_python(python, abi, interpreter):
    minor = interpreter.version[1]
    own = ("cp" if interpreter.implementation == "cpython" else "pp") + "3%d" % minor
    flags = interpreter.abiflags
    named = re.match(r"^(py|cp|pp)3(\d*)$", python)
    if not named or interpreter.version[0] != 3:
        return 0
    newest = int(named.group(2) or 0)
    if abi == "none":
        if python == own:
            return 2000
        return 1 + newest if named.group(1) == "py" and newest <= minor else 0
    if abi == "abi3":
        fits = own.startswith("cp") and named.group(1) == "cp" and newest <= minor and "t" not in flags
        return 3000 + newest if fits else 0
    return 4000 if python == own and (abi == own + flags or own.startswith("pp")) else 0


def rank_platform(platform):
    if platform == "any":
        return 1
    if not sys.platform.startswith("linux"):
        return 2 if platform.startswith({"darwin": "macosx_", "win32": "win"}.get(sys.platform, sys.platform)) else 0
    if not platform.endswith("_" + machine()):
        return 0
    legacy = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
    numbered = re.match(r"^(many|musl)linux_(\d+)_(\d+)_", platform)
    needs = legacy.get(platform.split("_")[0])
    if numbered:
        needs = int(numbered.group(2)), int(numbered.group(3))
    if platform.startswith("musllinux"):
        return 1000 * needs[0] + needs[1] if libc() is None else 0
    if needs is None:
        return 2
    return 1000 * needs[0] + needs[1] if libc() is not None and libc() >= needs else 0


def libc():
    """The version of glibc, or None where the C library is another one."""
    try:
        name, _, version = os.confstr("CS_GNU_LIBC_VERSION").partition(" ")
        return tuple(int(part) for part in version.split(".")[:2]) if name == "glibc" else None
    except (AttributeError, OSError, TypeError, ValueError):
        return None
