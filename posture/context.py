"""Everything that a check can look at. Slow looks are taken once, and side by side."""

import contextlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from posture import debian, edge, inside, outsider, running, tls
from posture.declaration import Declaration, DeclaredContainer
from posture.engine import Engine, EngineError

Container = Mapping[str, Any]
LOOKS_AT_A_TIME = 2
"""With 2 a check under 40 requests/s on two cores takes no longer than with all (4 s), and no request over 0.2 s."""


class Context:
    """The declared side, the running side, and what was tried on it; ``folder`` is the project's."""

    def __init__(self, declaration: Declaration, folder: Path, environment: Mapping[str, str]) -> None:
        self.declaration = declaration
        self.settings = declaration.settings
        self.folder = folder
        self.environment = environment
        self.now = datetime.now(UTC)
        self.engine = Engine(self.settings.docker_host, self.settings.docker_cert_path)
        self._locks = {name: threading.Lock() for name in PROBES}
        self._taken: dict[str, Any] = {}
        self._replica, *_ = declaration.replicas
        self.replica_asked = False

    @property
    def scope(self) -> str:
        """What of the stack is looked into, in a sentence; empty when it is all of it."""
        return ""

    @property
    def words(self) -> Mapping[str, str]:
        """What fixes differ in: the stack's name, its engine's client, and what is typed of a container."""
        docker = self.engine.typed
        return {
            "stack": self.declaration.stack,
            "docker": docker,
            "remove": f"{docker} rm --force CONTAINER",
            "remove_other": f"{docker} rm --force the container",
            "disconnect": f"{docker} network disconnect NETWORK CONTAINER",
        }

    @property
    def replica(self) -> str:
        """Which of LiteLLM's containers to judge: whoever asks is asked again about each other one (posture/run.py)."""
        self.replica_asked = True
        return self._replica

    def turn_to(self, replica: str) -> None:
        """Looks at another one of LiteLLM's containers from now on."""
        self._replica, self.replica_asked = replica, False

    @cached_property
    def running(self) -> running.Running:
        """The containers, networks and volume as they are."""
        return running.read(self.declaration, self.engine)

    def declared(self, role: str) -> DeclaredContainer:
        """The container that was declared to play ``role``."""
        return self.declaration.containers[role]

    def container(self, role: str) -> Container | None:
        """What stands in a declared container's place: whoever has its name, else the one that Pulumi made."""
        declared = self.declared(role)
        named = [c for c in self.running.containers if running.name_of(c) == declared.name]
        made = [c for c in self.running.containers if c["Id"] == declared.id]
        return next(iter([*named, *made]), None)

    def built_here(self) -> list[str]:
        """The roles whose image the stack builds; the others' are ready ones, by digest."""
        more = {"acme": self.settings.acme, "valkey": self.settings.replicas > 1}
        roles = ("litellm", "gateway", "egress", "front", *(role for role, there in more.items() if there))
        ready = {role: f"{role}_image" for role in roles}
        return [role for role, setting in ready.items() if getattr(self.settings, setting) is None]

    def live(self, role: str) -> Container:
        """The running container that plays ``role``.

        Raises:
            EngineError: when it does not run, which fails the check that asked.
        """
        container = self.container(role)
        if container is None or not container["State"]["Running"]:
            raise EngineError(f"the {role} container does not run")
        return container

    def probe(self, name: str, *about: str) -> Any:
        """Takes a slow look once, or once for what it is ``about``; an error is raised to each check that asks."""
        key = " ".join((name, *about))
        with self._locks[name]:
            if key not in self._taken:
                try:
                    self._taken[key] = self.look(name, *about)
                except Exception as error:  # noqa: BLE001 - kept, and raised to whoever asks
                    self._taken[key] = error
        found = self._taken[key]
        if isinstance(found, Exception):
            raise found
        return found

    def look(self, name: str, *about: str) -> Any:
        """Takes a slow look."""
        return PROBES[name](self, *about)

    def warm(self, names: list[str]) -> None:
        """Takes several slow looks, a few at a time: all at once they make the clients of a small machine wait."""

        def take(look: tuple[str, ...]) -> None:
            with contextlib.suppress(Exception):  # raised again to the checks that need it
                self.probe(*look)

        _ = self.running
        _, *others = self.declaration.replicas
        with ThreadPoolExecutor(LOOKS_AT_A_TIME) as pool:
            list(pool.map(take, [*((name,) for name in names), *(("inside", replica) for replica in others)]))

    @cached_property
    def edge(self) -> edge.Edge:
        """The gateway's published port, as this machine reaches it."""
        return edge.Edge(self.declaration, self.engine)

    @property
    def inside(self) -> inside.Inside:
        """What LiteLLM's container can reach, who it admits, and what is in it."""
        first, *_ = self.declaration.replicas
        found: inside.Inside = self.probe("inside", *([] if self.replica == first else [self.replica]))
        return found


def _processes(context: Context) -> dict[str, list[inside.Process]]:
    with ThreadPoolExecutor(LOOKS_AT_A_TIME) as pool:
        live = context.running.live
        found = pool.map(lambda container: inside.processes(context.engine, container["Id"]), live)
        return dict(zip(map(running.name_of, live), found, strict=True))


def _logs(context: Context) -> dict[str, str]:
    def read(container: Container) -> str:
        return context.engine.run("logs", "--tail", "5000", container["Id"], both=True)

    with ThreadPoolExecutor(LOOKS_AT_A_TIME) as pool:
        live = context.running.live
        return dict(zip(map(running.name_of, live), pool.map(read, live), strict=True))


PROBES: dict[str, Callable[..., Any]] = {
    "inside": lambda context, replica="litellm": inside.look(
        context.engine,
        context.live(replica)["Id"],
        inside.questions(context.declaration, context.running.networks),
    ),
    "processes": _processes,
    "debian": lambda context: {
        role: debian.look(context.engine, context.live(role)["Id"]) for role in context.built_here()
    },
    "logs": _logs,
    "edge": lambda context: context.edge.ask(context.declaration.key),
    "tls": lambda context: tls.scan(context.edge),
    "outsider": lambda context: outsider.try_as_outsider(context.declaration, context.engine, context.live("front")),
    "allow-list": lambda context: context.engine.run(
        "exec", context.live("gateway")["Id"], "cat", "/run/gateway/allowed.lst"
    ).split(),
}
FAST_PROBES = ["inside", "edge", "logs", "allow-list"]
