"""Docker's own client, pointed at the engine that a stack is on: the one choice that all of the project makes.

The client is used instead of an SDK because it reads the operator's ssh configuration and certificates.
"""

import contextlib
import json
import os
import re
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from shlex import quote
from typing import Any

LOCAL = "unix:///var/run/docker.sock"
ABSENT = re.compile(
    r"no such (object|container|image|volume|network|service)|(network|volume) \S+ not found", re.IGNORECASE
)
"""How docker says that something does not exist, by kind and by version. A missing socket is "no such file"."""

LOG_TRIES = (10, 60)
"""Seconds that a manager gets for the logs of one task, and once more; a tenth of a second is what they take."""


class EngineError(RuntimeError):
    """The docker client failed; its own words, which hold nothing of a container's environment."""


class Client:
    """The engine at ``host``; without one that of DOCKER_HOST, else this machine's, as the provider has it.

    A context becomes DOCKER_HOST before anything runs (setup/read_stack.py), because the provider knows no contexts.
    """

    seconds: float | None = None
    """How long a command may take, where the call says nothing else."""

    def __init__(self, host: str | None = None, certificates: str | None = None) -> None:
        self.host = host or os.environ.get("DOCKER_HOST") or LOCAL
        self._own = {"DOCKER_CERT_PATH": certificates, "DOCKER_TLS_VERIFY": "1"} if certificates else {}
        self._environment = {**os.environ, **self._own}

    @property
    def local(self) -> bool:
        """Whether the engine is this machine's own, so that a published port is one of this machine."""
        return self.host.startswith(("unix:", "npipe:"))

    @property
    def typed(self) -> str:
        """How a person calls docker's client for this engine: a shell may know another one, or none of its name."""
        where = {} if self.host == LOCAL else {"DOCKER_HOST": self.host, **self._own}
        return " ".join([*(["env"] if where else []), *(f"{name}={quote(where[name])}" for name in where), "docker"])

    def call(
        self, *arguments: str, stdin: str | None = None, seconds: float | None = None, together: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Runs docker, whatever comes of it; ``together`` has both channels in ``stdout``, line by line as they came.

        Raises:
            EngineError: when there is no docker client, or it takes longer than ``seconds``.
        """
        limit = seconds or self.seconds
        try:
            return subprocess.run(
                ["docker", "--host", self.host, *arguments],
                input=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if together else subprocess.PIPE,
                text=True,
                errors="replace",
                check=False,
                timeout=limit,
                env=self._environment,
            )
        except FileNotFoundError:
            raise EngineError("there is no docker command on PATH. Install Docker's client") from None
        except subprocess.TimeoutExpired:
            raise EngineError(f"docker {arguments[0]} did not finish in {limit:.0f} s") from None

    def tasks(self, services: Iterable[str]) -> list[dict[str, Any]]:
        """Returns what a manager knows of the tasks of services, those of before and of lost nodes too.

        Raises:
            EngineError: with docker's own words, when it cannot tell, as without a leader, or knows no such service.
        """
        if not (wanted := list(services)):
            return []
        listed = self.call("service", "ps", "--quiet", "--no-trunc", *wanted)
        if listed.returncode:
            raise EngineError(f"docker service ps failed: {listed.stderr.strip()[:500]}")
        ids = listed.stdout.split()
        return self.objects("inspect", "--type", "task", "--format", "{{json .}}", *ids) if ids else []

    def logged(self, service: str, *options: str) -> str:
        """Returns what a service's tasks have logged on all nodes, as far as those keep it, task by task.

        Asked for a service as a whole, a manager leaves out lines, or all, or never comes to an end as soon as there
        are some hundreds (Docker 20.10); and it waits for the container of a task that never had one.

        Raises:
            EngineError: when a manager cannot tell, as without a leader, or does not for one task.
        """
        had_a_container = [
            task["ID"]
            for task in self.tasks([service])
            if (task["Status"].get("ContainerStatus") or {}).get("ContainerID")
        ]
        return "".join(self._task_log(task, options) for task in had_a_container)

    def _task_log(self, task: str, options: Iterable[str]) -> str:
        command = ("service", "logs", "--raw", *options, task)
        try:
            return self.call(*command, seconds=LOG_TRIES[0], together=True).stdout
        except EngineError:
            return self.call(*command, seconds=LOG_TRIES[1], together=True).stdout

    def copied(self, identifier: str, path: str) -> Iterator[bytes]:
        """Yields the lines of all files below a container's folder, whether it runs or not; none where there is none.

        Raises:
            EngineError: when there is no docker client.
        """
        command = ["docker", "--host", self.host, "cp", f"{identifier}:{path}", "-"]
        try:
            copying = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self._environment
            )
        except FileNotFoundError:
            raise EngineError("there is no docker command on PATH. Install Docker's client") from None
        with (
            copying,
            contextlib.suppress(tarfile.ReadError),
            tarfile.open(fileobj=copying.stdout, mode="r|") as archive,
        ):
            for member in archive:
                yield from archive.extractfile(member) or ()

    def objects(self, *arguments: str) -> list[dict[str, Any]]:
        """Returns the JSON objects that a command with ``--format {{json .}}`` prints, one a line.

        What does not exist is left out. A warning of the client's own goes to the error channel, which is not read.

        Raises:
            EngineError: with docker's own words, when the engine cannot be asked.
        """
        done = self.call(*arguments)
        found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode and not ABSENT.search(done.stderr):
            raise EngineError(f"docker {' '.join(arguments[:2])} failed: {done.stderr.strip()}")
        return found

    def inspect(self, kind: str, names: Iterable[str]) -> list[dict[str, Any]]:
        """Returns what the engine knows of ``names``; those that do not exist are left out."""
        wanted = sorted(set(names))
        return self.objects(kind, "inspect", "--format", "{{json .}}", *wanted) if wanted else []
