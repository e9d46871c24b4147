"""Calls a hook of a build backend (PEP 517): `hook.py ORDER ANSWER`, in the folder of the source.

It runs in an environment with the backend's requirements, in its own network namespace if the system allows that.
"""

import importlib
import json
import os
import signal
import sys

NEW_USER, NEW_NETWORK, NEW_PROCESSES = 0x10000000, 0x40000000, 0x20000000


def unshare(flags):
    if hasattr(os, "unshare"):
        os.unshare(flags)
        return
    import ctypes

    if ctypes.CDLL(None, use_errno=True).unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def go_apart():
    """Enters a new network namespace, which has only a loopback, and a new PID namespace, whose processes end with
    the first one. Returns the flags of the namespaces that the system allowed."""
    if not sys.platform.startswith("linux"):
        return 0
    user, group = os.getuid(), os.getgid()
    both = NEW_NETWORK | NEW_PROCESSES
    for flags in (both, NEW_USER | both, NEW_NETWORK, NEW_USER | NEW_NETWORK):
        try:
            unshare(flags)
        except (OSError, ImportError, AttributeError):
            continue
        if flags & NEW_USER:
            keep_names(user, group)
        raise_loopback()
        return flags
    return 0


def end_with_parent():
    """Sets the signal on the parent's death to SIGKILL."""
    set_parent_death_signal = 1
    try:
        import ctypes

        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    except (OSError, ImportError, AttributeError):
        pass


def alone(work):
    """Does some work in a child process, which is the first of its PID namespace: all others end with it."""
    child = os.fork()
    if child == 0:
        end_with_parent()
        code = 1
        try:
            work()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
            if isinstance(end.code, str):
                print(end.code, file=sys.stderr)
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1)


def keep_names(user, group):
    """Maps the user and group to themselves in the new user namespace."""
    lines = {"setgroups": "deny", "uid_map": f"{user} {user} 1", "gid_map": f"{group} {group} 1"}
    for name, text in lines.items():
        try:
            with open("/proc/self/" + name, "w") as file:
                file.write(text)
        except OSError:
            pass


def raise_loopback():
    """Brings up the loopback, since some builds talk to themselves."""
    import fcntl
    import socket
    import struct

    set_flags, is_up = 0x8914, 1
    try:
        with socket.socket() as any_socket:
            fcntl.ioctl(any_socket, set_flags, struct.pack("16sh", b"lo", is_up))
    except OSError:
        pass


class Watch:
    """A record of the files of a folder that are read, and of whether other programs run, which may read any file."""

    def __init__(self, folder):
        self.folder = os.path.realpath(folder) + os.sep
        self.read, self.runs_others = set(), False
        sys.addaudithook(self.event)

    def event(self, name, arguments):
        if name == "open" and isinstance(arguments[0], (str, bytes)):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            if path.startswith(self.folder):
                self.read.add(path[len(self.folder) :])
        elif name in ("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn"):
            self.runs_others = True


def load(name, folders):
    sys.path[:0] = [os.path.abspath(folder) for folder in folders]
    module, _, attributes = name.partition(":")
    found = importlib.import_module(module)
    for attribute in filter(None, attributes.split(".")):
        found = getattr(found, attribute)
    return found


def call(order):
    backend = load(order["backend"], order["path"])
    requires = getattr(backend, "get_requires_for_build_wheel", lambda settings: [])({})
    missing = [one for one in requires if one not in order["given"]]
    if missing:
        return {"needs": missing}
    if order["wanted"] == "wheel":
        return {"wheel": backend.build_wheel(order["out"], {})}
    prepare = getattr(backend, "prepare_metadata_for_build_wheel", None)
    return {"metadata": prepare(order["out"], {}) if prepare else None}


def main():
    # Backends would take these arguments for their own.
    order_file, answer_file = sys.argv[1:]
    with open(order_file, encoding="utf-8") as file:
        order = json.load(file)

    def work():
        watch = Watch(".") if order["watch"] else None
        answer = call(order)
        answer["network"] = not apart & NEW_NETWORK
        if watch:
            answer["read"], answer["runs_others"] = sorted(watch.read), watch.runs_others
        with open(answer_file, "w", encoding="utf-8") as file:
            json.dump(answer, file)

    end_with_parent()
    apart = go_apart()
    if apart & NEW_PROCESSES:
        alone(work)
    else:
        work()


if __name__ == "__main__":
    main()
