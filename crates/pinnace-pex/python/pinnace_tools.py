"""`PEX_TOOLS=1`: look into a PEX file, or make something of it, instead of running it."""
import json
import os
import shutil
import sys
import tempfile

import pinnace_boot as boot

USAGE = """usage: PEX_TOOLS=1 FILE TOOL [ARGUMENTS]

  info                 what the file says about itself, as JSON
  interpreter          the interpreter that runs it
  repository info      the distributions, a line each
  repository extract -f FOLDER
                       the wheels, as files
  venv FOLDER          a virtual environment of what it holds: [-f/--force] [--copies] [--compile]
                       [-b/--bin-path false|prepend|append] [--prompt NAME] [--scope all|deps|srcs]"""


def main(place, folder):
    unpack = boot.rarely(place, "pinnace_unpack")
    tools = {"info": info, "interpreter": interpreter, "repository": repository, "venv": venv}
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        sys.exit(0)
    if arguments[0] not in tools:
        boot.fail("there is no tool %r\n\n%s" % (arguments[0], USAGE), boot.USAGE_ERROR)
    tools[arguments[0]](place, folder, unpack, arguments[1:])
    sys.exit(0)


def info(place, folder, unpack, arguments):
    indent = next((int(one) for one in arguments if one.isdigit()), None)
    print(json.dumps(unpack.Pex(place.pex).info, indent=indent, sort_keys=True))


def interpreter(place, folder, unpack, arguments):
    print(boot.base())


def repository(place, folder, unpack, arguments):
    pex = unpack.Pex(place.pex)
    if arguments[:1] == ["info"]:
        for name in sorted(pex.info["distributions"]):
            project, version = name.split("-")[:2]
            print("%s %s %s" % (project.replace("_", "-"), version, name))
    elif arguments[:1] == ["extract"] and len(arguments) == 3 and pex.info.get("deps_are_wheel_files"):
        os.makedirs(arguments[2], exist_ok=True)
        for name in pex.info["distributions"]:
            with open(os.path.join(arguments[2], name), "wb") as file:
                file.write(pex.read(".deps/" + name))
    elif arguments[:1] == ["extract"] and len(arguments) == 3:
        boot.fail("this file holds its wheels installed, and not whole: `pinnace merge FILE -o NEW` makes wheels of them")
    else:
        boot.fail(USAGE, boot.USAGE_ERROR)


def venv(place, folder, unpack, arguments):
    import argparse

    parser = argparse.ArgumentParser(prog="venv")
    parser.add_argument("path")
    parser.add_argument("-f", "--force", action="store_true")
    parser.add_argument("-b", "--bin-path", choices=("false", "prepend", "append"), default="false")
    parser.add_argument("--scope", choices=("all", "deps", "srcs"), default="all")
    parser.add_argument("--prompt")
    for option in ("--copies", "--compile", "--collisions-ok", "--non-hermetic-scripts"):
        parser.add_argument(option, action="store_true")
    options = parser.parse_args(arguments)
    path = os.path.abspath(options.path)
    if os.path.exists(path) and not os.path.isdir(path):
        boot.fail("%s is there already, and no folder" % path)
    if os.path.exists(path) and os.listdir(path):
        if not options.force:
            boot.fail("%s is there already, and not empty; --force replaces it" % path)
        shutil.rmtree(path)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        holder = tempfile.mkdtemp(prefix=".unfinished-", dir=os.path.dirname(path))
    except OSError as error:
        boot.fail("cannot make a folder beside %s: %s" % (path, error.strerror))
    try:
        new = os.path.join(holder, "new")
        make(boot.load(folder), folder, new, path, options, unpack)
        if os.path.isdir(path):
            os.rmdir(path)
        os.rename(new, path)
    finally:
        shutil.rmtree(holder, ignore_errors=True)
    if options.compile:
        import compileall

        compileall.compile_dir(path, quiet=2, workers=0)
    print(path)


def make(info, folder, new, path, options, unpack):
    """The environment of the cache, with files of its own in place of links to the cache."""
    site = os.path.relpath(info["site"], folder)
    for name in os.listdir(folder):
        source, target = os.path.join(folder, name), os.path.join(new, name)
        if name in ("bin", "boot", "lib64") or name.startswith("code") or name.endswith((".marshal", "whole")):
            continue
        if name == "lib" and options.scope == "srcs":
            os.makedirs(os.path.join(new, site))
        elif os.path.isdir(source):
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("_pinnace.pth"))
        else:
            os.makedirs(new, exist_ok=True)
            shutil.copyfile(source, target)
    if options.scope != "deps":
        for code in reversed(info["codes"]):
            shutil.copytree(code, os.path.join(new, site), dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("__pycache__", "PEX-INFO", ".deps", ".bootstrap", "__pex__", *own_names(code)))
    os.mkdir(os.path.join(new, "bin"))
    for name in os.listdir(os.path.join(folder, "bin")):
        copy_program(os.path.join(folder, "bin", name), os.path.join(new, "bin", name), folder, path, options, unpack)
    if options.prompt:
        with open(os.path.join(new, "pyvenv.cfg"), "a") as file:
            file.write("prompt = %s\n" % options.prompt)
    write_main(info, new, path, options, unpack)


def own_names(code):
    """What stands beside the code in a folder that is a PEX file itself."""
    return ("__main__.py", "pex") if os.path.isfile(os.path.join(code, "PEX-INFO")) else ()


def copy_program(source, target, folder, path, options, unpack):
    if os.path.islink(source):
        if options.copies and os.path.isabs(os.readlink(source)):
            shutil.copy2(os.path.realpath(source), target)
        else:
            os.symlink(os.readlink(source), target)
        return
    with open(source, "rb") as file:
        content = file.read()
    lines = unpack.shebang(os.path.join(folder, "bin", "python")).encode()
    if content.startswith(lines):
        content = unpack.shebang(os.path.join(path, "bin", "python")).encode() + content[len(lines):]
    with open(target, "wb") as file:
        file.write(content)
    os.chmod(target, 0o755)


def write_main(info, new, path, options, unpack):
    """`PATH/pex` runs what the file runs, with Python's own options if it runs nothing."""
    entry = info["entry_point"] or info["scripts"].get(info["script"] or "", "")
    module, _, attributes = entry.partition(":")
    if attributes:
        run = "import %s as module\nsys.exit(module.%s())" % (module, attributes)
    elif module:
        run = "import runpy\nrunpy.run_module(%r, run_name='__main__', alter_sys=True)" % module
    else:
        run = "os.execv(sys.executable, [sys.executable] + sys.argv[1:])"
    paths = {"false": "", "prepend": "BIN + os.pathsep + PATH", "append": "PATH + os.pathsep + BIN"}[options.bin_path]
    path_line = "BIN, PATH = %r, os.environ.get('PATH', '')\nos.environ['PATH'] = %s\n" % (os.path.join(path, "bin"), paths)
    code = "%simport os\nimport sys\nos.environ['VIRTUAL_ENV'] = %r\n%s%s\n"
    code %= unpack.shebang(os.path.join(path, "bin", "python")), path, path_line if paths else "", run
    for name in ("pex", "__main__.py"):
        with open(os.path.join(new, name), "w") as file:
            file.write(code)
        os.chmod(os.path.join(new, name), 0o755)
