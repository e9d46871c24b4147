class Wheels:
    """The wheels of an environment, each unpacked once."""

    def __init__(self, cache, wheels):
        self.place = os.path.join(cache, "wheels")
        self.jobs = []
        for name, pex in wheels:
            digest, source = pex.wheel(name)
            bytecode = pex.bytecode(name)
            if not re.match("^[0-9a-f]{64}$", digest):
                boot.fail("PEX-INFO of %s has %r where a SHA-256 is expected" % (pex.path, digest))
            folder = os.path.join(self.place, digest + ("-" + bytecode[0][:16] if bytecode else ""))
            self.jobs.append((folder, name, digest, source, bytecode))

    def unpack(self):
        missing = [job for job in self.jobs if not is_whole(job[0])]
        if missing:
            os.makedirs(self.place, exist_ok=True)
            sweep(self.place)
            holder = tempfile.mkdtemp(prefix=".unfinished-", dir=self.place)
            try:
                self.unpack_all(missing, holder)
            finally:
                shutil.rmtree(holder, ignore_errors=True)
        return [job[0] for job in self.jobs]

    def unpack_all(self, jobs, holder):
        """In several processes: hashing, inflating and writing files all want a processor each. A
        wheel that is large is shared among them."""
        count = workers()
        share = sum(size_of(job[3]) for job in jobs) // count + 1
        parts = []
        for number, job in enumerate(jobs):
            new = os.path.join(holder, str(number))
            os.mkdir(new)
            pieces = min(count, size_of(job[3]) // share + 1) if job[3][0] in ("wheel", "chroot") else 1
            parts += [(size_of(job[3]) // pieces, number, new, job, piece, pieces) for piece in range(pieces)]
        lanes = [[0, []] for _ in range(count)]
        for part in sorted(parts, key=lambda one: -one[0]):
            lane = min(lanes, key=lambda one: one[0])
            lane[0] += part[0] + 20000
            lane[1].append(part[1:])
        manifests = {number: {} for number in range(len(jobs))}
        for number, files in in_processes([lane[1] for lane in lanes if lane[1]]):
            manifests[number].update(files)
        whole = str(boot.boot_id())
        for number, job in enumerate(jobs):
            new = os.path.join(holder, str(number))
            manifest = marshal.dumps({"whole": whole, "files": manifests[number]})
            write(os.path.join(new, "manifest.marshal"), manifest)
            take(new, job[0], is_whole, new + ".old")


def sweep(folder):
    """Remove what a killed start left behind a day ago or longer."""
    import time

    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.startswith(".unfinished-") and os.path.getmtime(path) < time.time() - 86400:
            shutil.rmtree(path, ignore_errors=True)
