class Out:
    """Files on their way into a folder."""

    def __init__(self, folder):
        self.folder, self.files, self.made = folder, {}, set()

    def add(self, name, mode, content, checksum=None):
        if name.endswith("/"):
            return
        parts = name.split("/")
        if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
            sys.exit("refusing to unpack the unsafe name %r" % name)
        parent = name[: -len(parts[-1]) - 1]
        if parent not in self.made:
            os.makedirs(os.path.join(self.folder, parent), exist_ok=True)
            self.made.add(parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        file = os.open(os.path.join(self.folder, name), flags, 0o777 if mode & stat.S_IXUSR else 0o666)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(file, view):]
        finally:
            os.close(file)
        self.files[name] = (len(content), zlib.crc32(content) if checksum is None else checksum)


class Window:
    """A part of a file, in place."""

    def __init__(self, part):
        path, self.start, size = part
        self.file = open(path, "rb")
        self.map = mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_READ)
        self.view = memoryview(self.map)[self.start : self.start + size]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()


class Seekable(io.RawIOBase):
    """A view as a file, so that its directory can be read."""

    def __init__(self, view):
        self.view, self.at = view, 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=os.SEEK_SET):
        self.at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.at, os.SEEK_END: len(self.view)}[whence]
        return self.at

    def tell(self):
        return self.at

    def readinto(self, buffer):
        count = max(0, min(len(buffer), len(self.view) - self.at))
        buffer[:count] = self.view[self.at : self.at + count]
        self.at += count
        return count


def archive_members(window, piece, pieces):
    """Names, modes and contents of a piece of an archive."""
    directory = zipfile.ZipFile(io.BufferedReader(Seekable(window.view), 1 << 16))
    members = directory.infolist()
    total, before = sum(member.file_size for member in members) or 1, 0
    for member in members:
        mine = min(before * pieces // total, pieces - 1) == piece
        before += member.file_size
        if mine and not member.filename.endswith("/"):
            content = content_of(window, directory, member)
            yield member.filename, member.external_attr >> 16, content, member.CRC


def content_of(window, directory, member):
    at = member.header_offset
    names = int.from_bytes(window.view[at + 26 : at + 28], "little")
    at += 30 + names + int.from_bytes(window.view[at + 28 : at + 30], "little")
    raw = window.view[at : at + member.compress_size]
    if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return directory.read(member)
    if member.compress_type == zipfile.ZIP_STORED:
        content = bytes(raw)
    else:
        inflater = zlib.decompressobj(-15)
        content = inflater.decompress(raw, member.file_size + 1)
    if len(content) != member.file_size or zlib.crc32(content) != member.CRC:
        sys.exit("%s is damaged: its checksum is not the one recorded" % member.filename)
    return content


def folder_members(folder):
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(one for one in folders if one != "__pycache__")
        for name in sorted(files):
            path = os.path.join(parent, name)
            with open(path, "rb") as file:
                yield os.path.relpath(path, folder).replace(os.sep, "/"), os.stat(path).st_mode, file.read()
