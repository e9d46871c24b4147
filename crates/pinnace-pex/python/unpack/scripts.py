def copy_scripts(source, target, python):
    """Scripts that a wheel has as files; `#!python` is for the installer to fill in."""
    for name in sorted(os.listdir(source)) if os.path.isdir(source) else ():
        path = os.path.join(target, name)
        if os.path.lexists(path) or os.path.isdir(os.path.join(source, name)):
            continue
        with open(os.path.join(source, name), "rb") as file:
            content = file.read()
        if content.startswith((b"#!python\n", b"#!python\r", b"#!python ", b"#!pythonw")):
            content = shebang(python).encode() + content.partition(b"\n")[2]
        write(path, content, 0o777)


def write_script(target, name, entry, python):
    if re.match(r"^[^/\\\0]+$", name) and name not in (".", ".."):
        module, _, attributes = entry.partition(":")
        code = "%simport sys\nimport %s as module\n\nif __name__ == '__main__':\n    sys.exit(module.%s())\n"
        path = os.path.join(target, name)
        if os.path.lexists(path):
            os.unlink(path)
        write(path, (code % (shebang(python), module, attributes)).encode(), 0o777)


def shebang(python):
    """Systems cut a long line, and split one with a space."""
    if len(python) < 125 and " " not in python:
        return "#!%s\n" % python
    return "#!/bin/sh\n'''exec' \"%s\" \"$0\" \"$@\"\n' '''\n" % python


def scripts(wheels):
    """The console and GUI scripts of all wheels, by name; the first wheel that has a name wins."""
    found = {}
    for wheel in wheels:
        lib = os.path.join(wheel, "lib")
        for folder in os.listdir(lib) if os.path.isdir(lib) else ():
            path = os.path.join(lib, folder, "entry_points.txt")
            if folder.endswith(".dist-info") and os.path.isfile(path):
                with io.open(path, encoding="utf-8") as file:
                    for name, entry in entry_points(file):
                        found.setdefault(name, entry)
    return found


def entry_points(lines):
    section = None
    for line in lines:
        line = line.strip()
        if line.startswith("["):
            section = line
        elif section in ("[console_scripts]", "[gui_scripts]") and "=" in line and line[0] not in "#;":
            name, entry = line.split("=", 1)
            entry = re.sub(r"\s|\[.*", "", entry)
            if re.match(r"^[\w.]+:[\w.]+$", entry):
                yield name.strip(), entry


def write(path, content, mode=0o666):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)


def replace(path, content):
    write("%s.%d" % (path, os.getpid()), content)
    os.replace("%s.%d" % (path, os.getpid()), path)
