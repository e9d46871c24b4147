def install_runtime(place, folder):
    code = runtime_code(place)

    def is_whole(folder):
        try:
            with open(os.path.join(folder, "pinnace_boot.py"), "rb") as file:
                return file.read() == code
        except OSError:
            return False

    publish(folder, lambda new: write(os.path.join(new, "pinnace_boot.py"), code), is_whole)


def runtime_code(place):
    bootstrap = os.path.join(place.pex, ".bootstrap")
    if os.path.isdir(bootstrap):
        with open(os.path.join(bootstrap, "pinnace_boot.py"), "rb") as file:
            return file.read()
    with zipfile.ZipFile(bootstrap if os.path.isfile(bootstrap) else place.pex) as archive:
        return archive.read("pinnace_boot.py" if os.path.isfile(bootstrap) else ".bootstrap/pinnace_boot.py")
