"""What no boot can do without: write the files of the wheels, on as many threads as there are processors.

floor.py FILE FOLDER       unpack the wheels of a PEX file that holds them whole
"""

import io
import os
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor


def unpack(bytes_of_wheel, folder):
    made = set()
    with zipfile.ZipFile(io.BytesIO(bytes_of_wheel)) as wheel:
        for member in wheel.infolist():
            if member.filename.endswith("/"):
                continue
            path = os.path.join(folder, member.filename)
            parent = os.path.dirname(path)
            if parent not in made:
                os.makedirs(parent, exist_ok=True)
                made.add(parent)
            with open(path, "wb") as file:
                file.write(wheel.read(member))


def main(file, folder):
    with zipfile.ZipFile(file) as pex, ThreadPoolExecutor(os.cpu_count()) as pool:
        wheels = [name for name in pex.namelist() if name.startswith(".deps/") and name.endswith(".whl")]
        wheels.sort(key=lambda name: -pex.getinfo(name).file_size)
        list(pool.map(lambda name: unpack(pex.read(name), folder), wheels))


main(*sys.argv[1:])
