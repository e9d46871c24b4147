"""Asks a Dagster code server through the agent's address, through swaps of its code."""

import json, os, pathlib, subprocess, sys, threading, time

from dagster import DagsterInstance, DagsterRunStatus
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import ExecuteExternalJobArgs
from dagster._serdes import deserialize_value

pinnace, project = sys.argv[1], pathlib.Path(sys.argv[2])
LAZY = """
service = "etl"
serve = ["dagster", "api", "grpc", "--port", "{port}", "--module-name", "etl.definitions", "--lazy-load-user-code"]
ready = "grpc:DagsterApi"
metadata = "grpc:/api.DagsterApi/ListRepositories"
"""
definitions = project / "etl" / "definitions.py"
good = definitions.read_text()


def deploy(text):
    definitions.write_text(text)
    done = subprocess.run([pinnace, "deploy", str(project), "--json"], capture_output=True, text=True)
    return done.returncode, json.loads(done.stdout), done.stderr


code, answer, said = deploy(good + "\n# 0\n")
assert code == 0, said
host, port = answer["address"].split("//")[1].split(":")
client = DagsterGrpcClient(port=int(port), host=host)
origin = GrpcServerCodeLocationOrigin(location_name="etl", host=host, port=int(port))
repository = RemoteRepositoryOrigin(origin, "__repository__")
stop, calls, failures = threading.Event(), [0], []


def ask():
    own = DagsterGrpcClient(port=int(port), host=host)
    while not stop.is_set():
        try:
            listed = deserialize_value(own.list_repositories())
            assert type(listed).__name__ == "ListRepositoriesResponse", listed
            snapshot = client.external_repository(repository)
            assert "revenue" in snapshot
            calls[0] += 2
        except Exception as error:
            failures.append(repr(error)[:500])
        time.sleep(0.02)


threads = [threading.Thread(target=ask) for _ in range(2)]
[one.start() for one in threads]
with DagsterInstance.local_temp(os.environ["DAGSTER_TEMP"]) as instance:
    sys.path.insert(0, str(project))
    from etl.definitions import defs

    job = defs.resolve_job_def("slow")
    run = instance.create_run_for_job(job, remote_job_origin=repository.get_job_origin("slow"), job_code_origin=None)
    server = client.get_server_id()
    started = client.start_run(
        ExecuteExternalJobArgs(
            job_origin=repository.get_job_origin("slow"), run_id=run.run_id, instance_ref=instance.get_ref()
        )
    )
    assert json.loads(started)["success"], started
    for turn in range(1, 4):
        code, answer, said = deploy(good + f"\n# {turn}\n")
        assert code == 0 and answer["live"], said
        assert client.get_server_id() != server
        server = client.get_server_id()
    # The process ends; with the option it stays up, and answers with the error.
    for settings in ["", LAZY]:
        (project / "pinnace.toml").write_text(settings)
        code, answer, said = deploy("import nowhere\n" + good)
        assert code == 1 and "No module named 'nowhere'" in said, (code, said)
        assert client.get_server_id() == server, "the old code serves on"
    for _ in range(300):
        status = instance.get_run_by_id(run.run_id).status
        if status in (DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE):
            break
        time.sleep(0.1)
    assert status == DagsterRunStatus.SUCCESS, status
stop.set()
[one.join() for one in threads]
assert not failures and calls[0] > 50, (calls, failures[:2])
print(f"  {calls[0]} calls through three swaps, none failed")
