"""Make the vectors beside this file with `packaging`, which is what pip judges by.

    pip install packaging==26.3 && python generate.py

Rows are TAB-separated; the first line of each file names its columns.
"""

import hashlib
import random

import packaging
from packaging import tags
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.version import Version

assert packaging.__version__ == "26.3", packaging.__version__
random.seed(20261125)


def write(name, columns, rows):
    with open(name, "w", encoding="utf-8", newline="\n") as file:
        for row in [columns, *rows]:
            file.write("\t".join(map(str, row)) + "\n")


def version(local=True):
    text = ".".join(str(random.choice([0, 1, 1, 2])) for _ in range(random.choice([1, 2, 2, 3])))
    text += random.choice(["", "", "", "a1", "b1", "rc1", "a2"])
    text += random.choice(["", "", "", ".post1", ".post2"])
    text += random.choice(["", "", "", ".dev0", ".dev1"])
    return text + (random.choice(["", "", "", "", "+x", "+x.1"]) if local else "")


def specifier():
    operator = random.choice(["==", "!=", "<", "<=", ">", ">=", "~=", "===", "==*", "!=*"])
    if operator.endswith("*"):
        release = ".".join(str(random.choice([0, 1, 2])) for _ in range(random.choice([1, 2])))
        return operator[:2] + release + ".*"
    text = version(local=operator in ("==", "!="))
    if operator == "~=" and "." not in text.split("+")[0].split(".post")[0].split(".dev")[0]:
        text = "1." + text
    return operator + text


def specifiers():
    rows = set()
    while len(rows) < 4000:
        wanted = ",".join(specifier() for _ in range(random.choice([1, 1, 1, 2])))
        candidate = version()
        holds = SpecifierSet(wanted).contains(Version(candidate), prereleases=True)
        rows.add((wanted, candidate, int(holds)))
    return sorted(rows)


ENVIRONMENT = {
    "implementation_name": "cpython",
    "implementation_version": "3.11.7",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_system": "Linux",
    "platform_version": "",
    "python_full_version": "3.11.7",
    "python_version": "3.11",
    "sys_platform": "linux",
}


def clause():
    name = random.choice(["python_version", "python_full_version", *ENVIRONMENT, "extra"])
    if name.endswith("_version") and name != "platform_version":
        value = random.choice(["3.8", "3.9", "3.10", "3.11", "3.11.7", "3.12", "4"])
        return "%s %s '%s'" % (name, random.choice(["==", "!=", "<", "<=", ">", ">="]), value)
    values = [
        "cpython",
        "posix",
        "nt",
        "x86_64",
        "arm64",
        "CPython",
        "PyPy",
        "Linux",
        "linux",
        "win32",
        "darwin",
        "x",
        "y-z",
    ]
    return "%s %s '%s'" % (name, random.choice(["==", "!="]), random.choice(values))


def marker():
    text = clause()
    for _ in range(random.choice([0, 0, 1, 2])):
        text = random.choice(["%s and %s", "%s or %s", "(%s) and (%s)", "(%s) or (%s)"]) % (text, clause())
    return text


def markers():
    rows = set()
    while len(rows) < 1500:
        text, extra = marker(), random.choice(["", "x", "y-z"])
        rows.add((text, extra, int(Marker(text).evaluate({**ENVIRONMENT, "extra": extra}))))
    return sorted(rows)


LEGACY = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}


def platforms(machine, libc):
    if libc.startswith("musl"):
        numbers = [int(n) for n in libc[4:].split(".")]
        return ["linux_" + machine] + [
            "musllinux_%d_%d_%s" % (numbers[0], n, machine) for n in range(numbers[1], -1, -1)
        ]
    # The module's own walk, told which glibc there is.
    tags._manylinux._get_glibc_version = lambda: tuple(int(n) for n in libc[5:].split("."))
    tags._manylinux._have_compatible_abi = lambda *_: True
    return ["linux_" + machine, *tags._manylinux.platform_tags([machine])]


def tag_lists():
    rows = []
    for machine in ["x86_64", "aarch64"]:
        for libc in ["glibc2.17", "glibc2.28", "glibc2.39", "musl1.2"]:
            for minor in range(8, 15):
                for flags in ["", "t"] if minor >= 13 else [""]:
                    where = platforms(machine, libc)
                    version, abi = (3, minor), "cp3%d%s" % (minor, flags)
                    listed = [
                        *tags.cpython_tags(version, [abi], where),
                        *tags.compatible_tags(version, "cp3%d" % minor, where),
                    ]
                    unique = list(dict.fromkeys(map(str, listed)))
                    digest = hashlib.sha256("\n".join(unique).encode()).hexdigest()
                    rows.append(("3.%d.0" % minor, flags, machine, libc, len(unique), digest))
    return rows


write("specifiers.tsv", ("specifiers", "version", "holds"), specifiers())
write("markers.tsv", ("marker", "extra", "holds"), markers())
write("tags.tsv", ("python", "abi_flags", "machine", "libc", "count", "sha256"), tag_lists())
