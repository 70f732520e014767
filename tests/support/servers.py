"""Real Prefect servers and workers on this machine, for tests that register a deployment and run it.

`server(environment(VERSION))` starts `prefect server start` in a fresh copied home on a free loopback port and always
stops it, with everything that it started. What a test wants to know is then read over the REST API, whose routes used
here are the same from 2.10 to 3.8, so that no Prefect has to be imported by the test itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.environments import Environment, release

SERVER_SETTINGS = {
    "PREFECT_UI_ENABLED": "false",
    "PREFECT_API_SERVICES_SCHEDULER_ENABLED": "false",
    "PREFECT_API_SERVICES_LATE_RUNS_ENABLED": "false",
    "PREFECT_API_SERVICES_PAUSE_EXPIRATIONS_ENABLED": "false",
    "PREFECT_API_SERVICES_CANCELLATION_CLEANUP_ENABLED": "false",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
}
"""The scheduler is off: a schedule is kept as it was given, and the only flow runs are those that a test asks for."""

BUSY_ATTEMPTS = 8

COMPARED_FIELDS = (
    "name",
    "description",
    "version",
    "tags",
    "parameters",
    "work_pool_name",
    "work_queue_name",
    "paused",
    "entrypoint",
    "path",
    "enforce_parameter_schema",
    "storage_document_id",
    "infrastructure_document_id",
    "manifest_path",
)


@dataclass(frozen=True)
class Server:
    """A running server: its environment, the address of its API and the home of it and of its clients."""

    environment: Environment
    api_url: str
    home: Path
    log: Path

    def variables(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment variables of a process that talks to this server."""
        return self.environment.variables(self.home, {"PREFECT_API_URL": self.api_url, **(extra or {})})

    def run(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path,
        variables: Mapping[str, str] | None = None,
        timeout: float = 300,
    ) -> subprocess.CompletedProcess[str]:
        """Runs the environment's Python with `arguments` in `cwd`, against this server.

        A process that has not ended after `timeout` seconds is killed with all its children; its `returncode` is then 124.
        """
        return _run_group([str(self.environment.python), *arguments], cwd, self.variables(variables), timeout)

    def prefect(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path,
        variables: Mapping[str, str] | None = None,
        timeout: float = 300,
    ) -> subprocess.CompletedProcess[str]:
        """Runs the environment's `prefect` command with `arguments` in `cwd`, as `run` does."""
        command = [str(self.environment.python.with_name("prefect")), *arguments]
        return _run_group(command, cwd, self.variables(variables), timeout)

    def request(self, method: str, route: str, body: object = None) -> Any:
        """What the API answers to a request, decoded; None where it answers with nothing.

        A 503 (the database is locked by another writer; nothing was done) is tried again, as Prefect's own client does.
        Raises RuntimeError with the answer's text where the status is 400 or more.
        """
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.api_url}/{route}", data=data, method=method, headers={"Content-Type": "application/json"}
        )
        for attempt in range(BUSY_ATTEMPTS):
            try:
                with urllib.request.urlopen(request, timeout=120) as answer:
                    text = answer.read()
                break
            except urllib.error.HTTPError as error:
                if error.code != 503 or attempt == BUSY_ATTEMPTS - 1:
                    said = error.read().decode(errors="replace")
                    raise RuntimeError(f"{method} {route}: {error.code} {said}") from error
                time.sleep(0.5 * (attempt + 1))
        return json.loads(text) if text else None


@contextlib.contextmanager
def server(
    env: Environment, *, start_timeout: float = 240, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A `prefect server start` of `env`, with further `settings`, that answers; stopped with all its processes at the end.

    Raises RuntimeError with the end of its output where it ends by itself or does not answer in `start_timeout` seconds.
    """
    with env.home() as home:
        for _ in range(2):
            port = _free_port()
            api_url = f"http://127.0.0.1:{port}/api"
            running = Server(env, api_url, home, home.parent / "server.log")
            with running.log.open("wb") as log:
                process = subprocess.Popen(
                    [
                        str(env.python.with_name("prefect")),
                        "orion" if release(env.version) < (2, 8) else "server",
                        "start",
                        "--host",
                        "127.0.0.1",
                        "--port",
                        str(port),
                    ],
                    cwd=home,
                    env=env.variables(home, {**SERVER_SETTINGS, **(settings or {})}),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            try:
                if _healthy(process, api_url, start_timeout):
                    yield running
                    return
            finally:
                _stop_group(process)
        raise RuntimeError(f"Prefect {env.version} server did not start:\n{running.log.read_text()[-3000:]}")


def create_process_pool(running: Server, name: str) -> None:
    """Creates a work pool of type `process` with the version's own job template, as `prefect work-pool create` does."""
    try:
        known = running.request("GET", "collections/views/aggregate-worker-metadata")
        template = known["prefect"]["process"]["default_base_job_configuration"]
    except (RuntimeError, KeyError):
        done = running.prefect(["work-pool", "create", name, "--type", "process"], cwd=running.home)
        if done.returncode:
            raise RuntimeError(f"The work pool could not be created:\n{done.stdout}{done.stderr}") from None
        return
    running.request("POST", "work_pools/", {"name": name, "type": "process", "base_job_template": template})


def read_deployment(running: Server, flow_and_name: str) -> dict[str, Any]:
    """What the server holds of the deployment `flow/name`: the fields a migration has to keep, comparable across versions.

    `job_variables` is `infra_overrides` before 2.17; `schedules` is a sorted list of {"schedule": ..., "active": ...}
    without the keys that are None (the server keeps no order); `pull_steps` and the names of the flow's parameters are
    included.
    Raises RuntimeError where there is no such deployment.
    """
    flow, _, name = flow_and_name.partition("/")
    route = f"deployments/name/{urllib.parse.quote(flow)}/{urllib.parse.quote(name)}"
    found: dict[str, Any] = running.request("GET", route)
    fields: dict[str, Any] = {key: found.get(key) for key in COMPARED_FIELDS}
    fields["flow_name"] = flow
    fields["job_variables"] = found.get("job_variables", found.get("infra_overrides"))
    fields["pull_steps"] = found.get("pull_steps")
    fields["schedules"] = [
        {"schedule": _plain_schedule(entry["schedule"]), "active": entry["active"]}
        for entry in found.get("schedules", [])
    ]
    fields["schedules"].sort(key=json.dumps)
    schema = found.get("parameter_openapi_schema") or {}
    fields["parameter_names"] = sorted(schema.get("properties", {}))
    return fields


def delete_deployments(running: Server) -> None:
    """Removes every deployment from the server, so that what is registered next owes nothing to what was there."""
    for found in running.request("POST", "deployments/filter", {}):
        running.request("DELETE", f"deployments/{found['id']}")


def _plain_schedule(schedule: Mapping[str, Any]) -> dict[str, Any]:
    """A schedule without its None values, and with the UTC offset spelled one way (`Z` on 3.x, `+00:00` on 2.x)."""
    return {
        key: value.replace("Z", "+00:00") if key == "anchor_date" else value
        for key, value in schedule.items()
        if value is not None
    }


@dataclass(frozen=True)
class FlowRun:
    """One flow run that a worker executed: its final state's type and name and message, and what the worker printed."""

    state_type: str
    state_name: str
    message: str
    worker_output: str


def run_worker_once(
    running: Server,
    pool: str,
    flow_and_name: str,
    *,
    cwd: Path,
    parameters: Mapping[str, Any] | None = None,
    variables: Mapping[str, str] | None = None,
    timeout: float = 180,
) -> FlowRun:
    """Creates one flow run of the deployment and executes it by `prefect worker start --run-once`, started in `cwd`.

    `variables` are environment variables of the worker, which its flow runs inherit. The worker polls once, and ends
    when what it started has ended (on 3.6 and 3.7 some of several runs taken at once stay `PENDING`: hence one). Returns the state that the server then holds; where
    the run has not reached a final state (no worker took it, or `timeout` seconds passed), that state is `SCHEDULED`,
    `PENDING` or `RUNNING`. A deployment in the pool of the agents is run by `prefect agent start --run-once` on its queue.
    """
    flow, _, name = flow_and_name.partition("/")
    route = f"deployments/name/{urllib.parse.quote(flow)}/{urllib.parse.quote(name)}"
    deployment = running.request("GET", route)
    wanted = {"parameters": dict(parameters)} if parameters else {}
    created = running.request("POST", f"deployments/{deployment['id']}/create_flow_run", wanted)
    arguments = ["worker", "start", "--pool", pool, "--type", "process", "--run-once"]
    if deployment.get("work_pool_name") == "default-agent-pool":
        arguments = ["agent", "start", "-q", deployment["work_queue_name"], "--run-once"]
    worker = running.prefect(arguments, cwd=cwd, variables=variables, timeout=timeout)
    state = running.request("GET", f"flow_runs/{created['id']}")["state"]
    return FlowRun(state["type"], state["name"], state.get("message") or "", worker.stdout + worker.stderr)


def _run_group(
    command: Sequence[str], cwd: Path, variables: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Runs `command` in a session of its own; on timeout the whole session is killed. Output goes through files.

    Files rather than pipes, because a child that outlives its parent would keep a pipe open.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as out, tempfile.TemporaryFile("w+", errors="replace") as err:
        process = subprocess.Popen(
            list(command),
            cwd=cwd,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            code = 124
        finally:
            _stop_group(process)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(list(command), code, out.read(), err.read())


def _stop_group(process: subprocess.Popen[bytes]) -> None:
    """Ends a session leader and everything in its session: asked first, killed after five seconds."""
    for sign, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 30.0)):
        try:
            os.killpg(process.pid, sign)
        except (ProcessLookupError, PermissionError):
            break
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(30)


def _healthy(process: subprocess.Popen[bytes], api_url: str, timeout: float) -> bool:
    """Whether the server answers before it ends by itself and before `timeout` seconds have passed."""
    until = time.monotonic() + timeout
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError, urllib.error.URLError):
            with urllib.request.urlopen(f"{api_url}/health", timeout=5) as answer:
                if answer.status == 200:
                    return True
        time.sleep(0.2)
    return False


def _free_port() -> int:
    """A port of the loopback interface that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
