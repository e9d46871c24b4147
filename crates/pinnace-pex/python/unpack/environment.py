def unpack(place, key, pexes):
    """The folder of the environment in which these files are seen together."""
    try:
        return unpack_into(writable(place.cache), place, key, pexes)
    except (PermissionError, NotADirectoryError) as error:
        # A part of the cache belongs to somebody else.
        return unpack_into(temporary(place.cache, error), place, key, pexes)


def unpack_into(cache, place, key, pexes):
    folder = boot.env_folder(cache, key)
    with locked(folder):
        if boot.ready(cache, key) is None:
            install_runtime(place, os.path.join(cache, "runtime", place.runtime))
            for pex in pexes:
                pex.check_key()
            wheels = choose(pexes)
            folders = Wheels(cache, wheels).unpack()
            build = lambda new: build_environment(new, folder, cache, place, pexes, folders)
            publish(folder, build, lambda one: is_whole(one) and is_usable(one))
            announce(cache, place, key, folder)
    return folder


def is_usable(folder):
    try:
        return boot.usable(boot.load(folder))
    except (OSError, EOFError, ValueError, TypeError, KeyError):
        return False


def choose(pexes):
    """The wheels that are seen: of a project in several files that of the first, the others leave
    whole, with a word about it."""
    from pinnace_choose import this

    chosen, interpreter = {}, this()
    for pex in pexes:
        names = pex.choose(interpreter)
        if names is None:
            from pinnace_choose import ignores_errors, rank

            if not ignores_errors(pex):
                boot.fail(
                    "%s does not fit this interpreter (%s, Python %s on %s); %s was built for %s"
                    % (pex.misfit(interpreter), interpreter.executable, sys.version.split()[0], sys.platform,
                       pex.path, " and ".join(pex.platforms()) or "another one")
                )
            names = [name for name in sorted(pex.info["distributions"]) if rank(name, interpreter)]
        for name in names:
            first, first_pex = chosen.setdefault(project_of(name), (name, pex))
            if first != name and says_warnings(pexes[0]):
                sys.stderr.write(
                    "warning: %s is in %s, and %s in %s; the first is used\n" % (first, first_pex.path, name, pex.path)
                )
    return list(chosen.values())


def says_warnings(main):
    said = os.environ.get("PEX_EMIT_WARNINGS", "").lower()
    return said in ("1", "true") if said else bool(main.info.get("emit_warnings", True))
