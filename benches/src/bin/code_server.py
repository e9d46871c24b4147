"""From an edit of a Dagster project to the first answer of the new code, and the same code server started by hand in the
environment of that release, which is laid out and compiled. Runs in the environment of the service:

    pinnace deploy PROJECT --agent URL && pinnace run etl -- python benches/src/bin/code_server.py PINNACE PROJECT [RUNS]
"""

import json, pathlib, socket, statistics, subprocess, sys, time

from dagster._grpc.client import DagsterGrpcClient

pinnace, project = sys.argv[1], pathlib.Path(sys.argv[2])
runs = int(sys.argv[3]) if len(sys.argv) > 3 else 9
definitions = project / "etl" / "definitions.py"
text = definitions.read_text()


def ask(port, known=""):
    """Asks until somebody answers, and not with what is known."""
    while True:
        try:
            answer = DagsterGrpcClient(port=port, host="127.0.0.1").list_repositories()
            if json.loads(answer)["executable_path"] != known:
                return json.loads(answer)["executable_path"]
        except Exception:
            pass
        # The old server answers meanwhile, which takes time from the new one.
        time.sleep(0.02)


def deploy():
    return [pinnace, "deploy", str(project), "--json"]


port = int(json.loads(subprocess.check_output(deploy(), stderr=subprocess.DEVNULL))["address"].rsplit(":", 1)[1])
ours, theirs, nothing = [], [], []
for run in range(runs + 1):
    known = ask(port)
    definitions.write_text(f"{text}\n# {time.time()}\n")
    started = time.perf_counter()
    process = subprocess.Popen(deploy(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    python = ask(port, known)
    ours.append(time.perf_counter() - started)
    process.wait()
    started = time.perf_counter()
    subprocess.run(deploy(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    nothing.append(time.perf_counter() - started)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        other = free.getsockname()[1]
    environment = pathlib.Path(python).parent.parent
    words = [environment / "bin/dagster", "api", "grpc", "--port", str(other), "--module-name", "etl.definitions"]
    started = time.perf_counter()
    server = subprocess.Popen(words, cwd=environment / "code", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ask(other)
    theirs.append(time.perf_counter() - started)
    server.kill()
    server.wait()
definitions.write_text(text)
for name, times in [
    ("edit to first answer", ours),
    ("the same server started by hand", theirs),
    ("ours on top", [a - b for a, b in zip(ours, theirs)]),
    ("deploy, nothing changed", nothing),
]:
    # The first turn warms caches.
    print(f"  {name:32} {statistics.median(times[1:]) * 1000:7.1f} ms")
