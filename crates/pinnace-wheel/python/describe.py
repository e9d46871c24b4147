"""Print, as JSON, what pinnace must know about the interpreter that runs this."""

import json
import os
import platform
import re
import subprocess
import sys


def glibc():
    try:
        name, _, version = os.confstr("CS_GNU_LIBC_VERSION").partition(" ")
    except (AttributeError, OSError, ValueError):
        return None
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return [int(n) for n in numbers.groups()] if name == "glibc" and numbers else None


def musl():
    """The interpreter's own loader says which musl it is."""
    try:
        with open(sys.executable, "rb") as binary:
            loader = re.search(rb"/lib/ld-musl-[^\0]+", binary.read(1 << 16))
        if not loader:
            return None
        said = subprocess.run([loader.group()], stderr=subprocess.PIPE, timeout=10).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    numbers = re.search(rb"Version (\d+)\.(\d+)", said)
    return [int(n) for n in numbers.groups()] if numbers else None


def architecture():
    """What binaries of this interpreter are for: a 32-bit one may run on a 64-bit kernel."""
    machine = platform.machine()
    narrow = {"x86_64": "i686", "aarch64": "armv8l"}
    return narrow.get(machine, machine) if sys.maxsize < 2**32 else machine


def linux():
    """The best platform tag that says all; None where the C library is unknown."""
    version, name = glibc(), "manylinux"
    if not version:
        version, name = musl(), "musllinux"
    return "{}_{}_{}_{}".format(name, *version, architecture()) if version else None


def macos():
    numbers = (platform.mac_ver()[0].split(".") + ["0"])[:2]
    return "macosx_{}_{}_{}".format(*numbers, platform.machine())


def windows():
    machine = {"AMD64": "win_amd64", "ARM64": "win_arm64"}.get(platform.machine())
    return "win32" if sys.maxsize < 2**32 else machine


def system():
    if sys.platform.startswith("linux"):
        return linux()
    return {"darwin": macos, "win32": windows}.get(sys.platform, lambda: None)()


def abi():
    name, digits = sys.implementation.name, "{}{}".format(*sys.version_info)
    if name == "pypy":
        return "pypy{}_pp{}{}".format(digits, *sys.pypy_version_info)
    flags = getattr(sys, "abiflags", "")
    if sys.platform == "win32":
        import sysconfig

        flags = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
        flags += "d" if hasattr(sys, "gettotalrefcount") else ""
    return "cp" + digits + flags


def implementation_version():
    info = sys.implementation.version
    kind = "" if info.releaselevel == "final" else info.releaselevel[0] + str(info.serial)
    return "{}.{}.{}".format(*info) + kind


print(
    json.dumps(
        {
            "implementation": sys.implementation.name,
            "system": sys.platform,
            "version": platform.python_version(),
            "abi": abi(),
            "platform": system(),
            "markers": {
                "implementation_version": implementation_version(),
                "os_name": os.name,
                "platform_machine": platform.machine(),
                "platform_python_implementation": platform.python_implementation(),
                "platform_release": platform.release(),
                "platform_system": platform.system(),
                "platform_version": platform.version(),
                "sys_platform": sys.platform,
            },
        }
    )
)
