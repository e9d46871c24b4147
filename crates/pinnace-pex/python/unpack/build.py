def build_environment(new, folder, cache, place, pexes, wheels):
    """A virtual environment in `new`, which will stand at `folder`."""
    base = boot.base()
    version = "%d.%d" % sys.version_info[:2] + ("t" if "t" in (getattr(sys, "abiflags", "") or "") else "")
    python = "pypy" if sys.implementation.name == "pypy" else "python"
    site = os.path.join("lib", python + version, "site-packages")
    for part in (site, "bin", "boot"):
        os.makedirs(os.path.join(new, part))
    config = "home = %s\ninclude-system-site-packages = false\nversion = %d.%d.%d\n"
    write(os.path.join(new, "pyvenv.cfg"), (config % ((os.path.dirname(base),) + sys.version_info[:3])).encode())
    # A wheel may have data that goes into folders of these names; what is there already stays.
    codes = [unpack_code(pex, number, new, folder) for number, pex in enumerate(pexes)]
    for wheel in wheels:
        link(os.path.join(wheel, "lib"), os.path.join(new, site))
        link(os.path.join(wheel, "data"), new)
        link(os.path.join(wheel, "include"), os.path.join(new, "include", "site", "python" + version))
    entries = scripts(wheels)
    executable = os.path.join(folder, "bin", "python")
    for wheel in wheels:
        copy_scripts(os.path.join(wheel, "bin"), os.path.join(new, "bin"), executable)
    for name, entry in entries.items():
        write_script(os.path.join(new, "bin"), name, entry, executable)
    for name in ("python", python + "3", python + version):
        path = os.path.join(new, "bin", name)
        if os.path.lexists(path):
            os.unlink(path)
        os.symlink(base if name == "python" else "python", path)
    # Python 3.11 of Debian reads such a file twice.
    insert = "import sys; sys.path[0:0] = [one for one in %r if one not in sys.path]\n" % [code for code in codes if code]
    write(os.path.join(new, site, "_pinnace.pth"), insert.encode())
    write(os.path.join(new, "boot", "start.py"), (START % (folder, base)).encode())
    with open(os.path.join(cache, "runtime", place.runtime, "pinnace_boot.py"), "rb") as file:
        write(os.path.join(new, "boot", "pinnace_boot.py"), file.read())
    pth = any(name.endswith(".pth") and name != "_pinnace.pth" for name in os.listdir(os.path.join(new, site)))
    settings = settings_of(pexes[0].info)
    settings.update(
        executable=executable, start=os.path.join(folder, "boot", "start.py"), version=sys.hexversion, wheels=wheels, site=os.path.join(folder, site), scripts=entries, pth=pth,
        codes=[code for code in codes if code], temporary=None if cache == place.cache else cache,
    )
    write(os.path.join(new, "settings.marshal"), marshal.dumps(settings))
    manifest = {"whole": str(boot.boot_id()), "files": manifest_of(new)}
    write(os.path.join(new, "manifest.marshal"), marshal.dumps(manifest))


def settings_of(info):
    return {
        "entry_point": info.get("entry_point"), "script": info.get("script"),
        "strip": info.get("strip_pex_env", True), "inject_env": dict(info.get("inject_env") or {}),
        "inject_args": info.get("inject_args") or [], "resources": info.get("bind_resource_paths") or {},
        "venv": bool(info.get("venv")), "bin_path": info.get("venv_bin_path") or "false",
    }


def unpack_code(pex, number, new, folder):
    """The user code of a PEX file, unpacked; that of a folder is used where it is."""
    if pex.zip is None:
        return pex.path
    name = "code" if not number else "code-%d" % number
    members = list(pex.sources())
    if members or not number:
        os.mkdir(os.path.join(new, name))
        out = Out(os.path.join(new, name))
        for member in members:
            out.add(member.filename, member.external_attr >> 16, pex.zip.read(member))
        return os.path.join(folder, name)


def announce(cache, place, key, folder):
    """Tell later starts that the folder is whole; prefix.sh looks by the interpreter that it would
    start."""
    with open(os.path.join(folder, "manifest.marshal"), "rb") as file:
        whole = marshal.load(file)["whole"]
    replace(os.path.join(folder, "whole"), whole.encode())
    if key == place.key and cache == place.cache and os.name != "nt":
        known = os.path.join(cache, "ready", key, whole) + os.path.abspath(sys.executable)
        try:
            os.makedirs(os.path.dirname(known), exist_ok=True)
            replace(known, (folder + "\n").encode())
        except OSError:
            pass
