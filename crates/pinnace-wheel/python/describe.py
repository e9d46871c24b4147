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
    narrow = {"x86_64": "i686", "aarch64": "armv7l"}
    return narrow.get(machine, machine) if sys.maxsize < 2**32 else machine


print(
    json.dumps(
        {
            "implementation": sys.implementation.name,
            "system": sys.platform,
            "version": platform.python_version(),
            "abi_flags": getattr(sys, "abiflags", ""),
            "machine": platform.machine(),
            "architecture": architecture(),
            "glibc": glibc(),
            "musl": None if glibc() else musl(),
            "release": platform.release(),
            "kernel": platform.version(),
        }
    )
)
