"""The Docker engine of a stack, through docker's own client."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ops.commands import OperationError
from rules.docker import Client
from rules.layout import ROLE_LABEL, STACK_LABEL
from rules.waiting import until

START_SECONDS = 90


@dataclass(frozen=True)
class Container:
    """A container as the engine has it. ``networks`` are ids and names."""

    id: str
    name: str
    role: str
    status: str
    healthy: bool
    networks: frozenset[str]
    stop_signal: str = "SIGTERM"

    @property
    def running(self) -> bool:
        """Whether its process exists."""
        return self.status == "running"


class Engine(Client):
    """The stack's engine, with what operations do to containers."""

    seconds = 300
    """Of what a command takes a busy engine does much less; one that hangs would never answer."""

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs docker.

        Raises:
            OperationError: with docker's own words, when ``check`` is on and it fails.
        """
        done = self.call(*arguments)
        if check and done.returncode:
            raise OperationError(f"docker {arguments[0]} failed: {done.stderr.strip()}")
        return done

    def containers(self, stack_label: str, role: str | None = None) -> list[Container]:
        """Returns the containers that carry the stack's label, running or not, of one role or of all."""
        filters = [f"label={STACK_LABEL}={stack_label}", *([f"label={ROLE_LABEL}={role}"] if role else [])]
        found = self.run("ps", "--all", "--quiet", "--no-trunc", *(part for f in filters for part in ("--filter", f)))
        return [one for identifier in found.stdout.split() for one in self._inspect(identifier)]

    def services(self, stack_label: str) -> list[tuple[str, str]]:
        """Returns role and name of the Swarm's services that carry the stack's label."""
        listed = self.run("service", "ls", "--quiet", "--filter", f"label={STACK_LABEL}={stack_label}")
        found = self.inspect("service", listed.stdout.split())
        return [(one["Spec"]["Labels"].get(ROLE_LABEL, ""), one["Spec"]["Name"]) for one in found]

    def _inspect(self, identifier: str) -> list[Container]:
        done = self.run("inspect", "--type", "container", identifier, check=False)
        return [_container(entry) for entry in json.loads(done.stdout or "[]")]  # none: gone in the meantime

    def serves(self, identifier: str, role: str) -> bool:
        """Whether the container's own health check succeeds; a draining one's does not.

        A busy one gets three tries; one that starts, as all do after a restart of the engine, the time that it takes.

        Raises:
            EngineError: when the engine cannot be asked, which says nothing about the container.
        """
        until(lambda: not self._starts(identifier), START_SECONDS)
        command = ("exec", identifier, f"{role}-healthcheck")
        return any(self.run(*command, check=False).returncode == 0 for _ in range(3))

    def _starts(self, identifier: str) -> bool:
        found = self.inspect("container", [identifier])
        return any((entry["State"].get("Health") or {}).get("Status") == "starting" for entry in found)

    def counts_swap(self) -> bool:
        """Whether the kernel does; where it does not, the engine makes a container without that limit (-1)."""
        return self.run("info", "--format", "{{.SwapLimit}}").stdout.strip() != "false"

    def publishes(self, identifier: str) -> bool:
        """Whether a port of this machine belongs to the container."""
        return any((entry["HostConfig"].get("PortBindings") or {}) for entry in self.inspect("container", [identifier]))

    def log_tail(self, identifier: str, lines: int = 10) -> str:
        """Returns the end of the container's log."""
        return self.log(identifier, "--tail", str(lines)).strip()

    def log(self, identifier: str, *options: str) -> str:
        """Returns what the container has logged, as far as the engine keeps it; nothing of one that is gone."""
        done = self.call("logs", *options, identifier, together=True)
        return done.stdout if done.returncode == 0 else ""

    def remove(self, identifier: str, grace_seconds: int = 0) -> None:
        """Ends the container, after ``grace_seconds`` by force, and removes it; that it is gone already is no error."""
        if grace_seconds:
            self.call("stop", "--time", str(grace_seconds), identifier, seconds=grace_seconds + self.seconds)
        done = self.run("rm", "--force", identifier, check=False)
        if done.returncode and "No such container" not in done.stderr:
            raise OperationError(f"docker rm failed: {done.stderr.strip()}")

    def kill(self, identifier: str) -> None:
        """Ends the container at once; one that has ended already is no error."""
        self.run("kill", identifier, check=False)


def _container(entry: Mapping[str, Any]) -> Container:
    state = entry["State"]
    networks = entry["NetworkSettings"].get("Networks") or {}
    return Container(
        id=entry["Id"],
        name=entry["Name"].removeprefix("/"),
        role=(entry["Config"].get("Labels") or {}).get(ROLE_LABEL, ""),
        status=state["Status"],
        healthy=(state.get("Health") or {}).get("Status") == "healthy",
        stop_signal=entry["Config"].get("StopSignal") or "SIGTERM",
        networks=frozenset({*networks, *(network["NetworkID"] for network in networks.values())} - {""}),
    )
