"""A build backend of the standard library alone (PEP 517), which lies in the source that it builds.

`plan.json` says what it makes; what it saw goes into the module that it makes. It writes down each call.
"""

import json
import os
import socket
import subprocess
import zipfile

PLAN = json.load(open("plan.json"))


def get_requires_for_build_wheel(settings=None):
    return PLAN.get("requires", [])


def prepare_metadata_for_build_wheel(out, settings=None):
    note("metadata")
    info = "{name}-{version}.dist-info".format(**PLAN)
    os.mkdir(os.path.join(out, info))
    for name, text in files(info):
        with open(os.path.join(out, name), "w") as file:
            file.write(text)
    return info


def build_wheel(out, settings=None, metadata=None):
    note("wheel")
    print("the plan is", PLAN)
    if "starts" in PLAN:
        subprocess.Popen(PLAN["starts"].split())
    if "runs" in PLAN:
        note("started")
        subprocess.call(PLAN["runs"].split())
    if "fails" in PLAN:
        raise SystemExit(PLAN["fails"])
    wheel = "{name}-{version}-{tag}.whl".format(**PLAN)
    with zipfile.ZipFile(os.path.join(out, wheel), "w") as archive:
        for name, text in files("{name}-{version}.dist-info".format(**PLAN)):
            archive.writestr(name, text)
        archive.writestr(PLAN["name"] + ".py", "SEEN = " + repr(look_around()))
        if "native" in PLAN:
            archive.write(PLAN["native"], PLAN["name"] + ".so")
    return PLAN.get("returns", wheel)


def files(info):
    requires = "".join("Requires-Dist: %s\n" % one for one in PLAN.get("dependencies", []))
    version = PLAN.get("says", PLAN["version"])
    yield (
        info + "/METADATA",
        "Metadata-Version: 2.1\nName: %s\nVersion: %s\n%s"
        % (
            PLAN["name"],
            version,
            requires,
        ),
    )
    yield info + "/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: %s\n" % PLAN["tag"]
    yield info + "/RECORD", ""
    yield info + "/entry_points.txt", "[console_scripts]\n%s = %s:main\n" % (PLAN["name"], PLAN["name"])


def look_around():
    seen = {"home": sorted(os.listdir(os.path.expanduser("~"))), "variables": sorted(os.environ)}
    if "reach" in PLAN:
        host, port = PLAN["reach"].split(":")
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
            seen["network"] = True
        except OSError:
            seen["network"] = False
    return seen


def note(what):
    if "log" in PLAN:
        with open(PLAN["log"], "a") as file:
            file.write(what + "\n")
