"""A stack on a swarm of the tests' own, asked on each of its nodes, under load while something happens to it."""

import contextlib
import http.client
import json
import socket
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.convergence import converge
from ops.engine import Engine
from testbed.deployment import ROOT, Deployment
from testbed.hosts import Host
from testbed.nodes import Node
from testbed.operations import Operations
from testbed.swarm import Swarm

PORT = 14790
HOSTNAME = "gateway.example.org"
ROLES = ("litellm", "gateway", "egress", "front", "valkey")
ASKED = {"model": "haiku", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
THREADS = 4
PAUSE_SECONDS = 0.05
ANSWER_SECONDS = 30


def published(swarm: Swarm, roles: Iterable[str] = ROLES, images: Path = ROOT / "images") -> dict[str, str]:
    """Builds images with this machine's engine, pushes them from a node, and returns settings that name them.

    A node has no route to Debian's archive, and BuildKit cannot hand over what it has built before. So a stack in
    this bed does not build for itself.
    """

    def publish(role: str) -> tuple[str, str]:
        name = f"{swarm.registry}/litellm-claude/{role}"
        subprocess.run(["docker", "build", "--quiet", "--tag", name, images / role], check=True, capture_output=True)
        try:
            swarm.first.load(name)
        finally:
            subprocess.run(["docker", "image", "rm", "--no-prune", name], check=True, capture_output=True)
        swarm.first.docker("push", "--quiet", name, timeout=600)
        pushed = swarm.first.docker("image", "inspect", "--format", "{{index .RepoDigests 0}}", name)
        return f"{role}Image", pushed

    with ThreadPoolExecutor(2) as pool:  # LiteLLM's is as large as all others together
        return dict(pool.map(publish, roles))


@dataclass(frozen=True)
class Request:
    """When it began and how long it took, in seconds, and its status; 0 is no answer."""

    began: float
    seconds: float
    status: int


@dataclass
class Load:
    """Requests, none of which is tried twice."""

    requests: list[Request] = field(default_factory=list)

    def failed(self, since: float = 0) -> dict[int, int]:
        """How many of those that began ``since`` had another status than 200."""
        return dict(Counter(one.status for one in self.requests if one.status != 200 and one.began >= since))

    def ended(self, since: float) -> float:
        """So many seconds after ``since`` the last failure began."""
        return max((one.began - since for one in self.requests if one.status != 200), default=0)

    def described(self) -> str:
        slowest = max(one.seconds for one in self.requests)
        return f"{len(self.requests)} requests, failed {self.failed()}, slowest {slowest:.1f} s"


@dataclass
class Bed:
    """The swarm, its stack, and clients: ``friend`` is allowed, ``stranger`` is not."""

    swarm: Swarm
    stack: Deployment
    operations: Operations
    friend: Host
    stranger: Host
    figures: list[str] = field(default_factory=list)
    """What was measured, for the summary."""

    def key(self, client: str) -> str:
        return str(self.stack.output("client_keys")[client])

    def connection(self, node: Node, seconds: float = ANSWER_SECONDS) -> http.client.HTTPSConnection:
        """A connection to one node by the stack's name; each wait for an answer ends after ``seconds``."""
        context = ssl.create_default_context(cadata=self.stack.output("ca_certificate"))
        connection = http.client.HTTPSConnection(HOSTNAME, PORT)
        raw = socket.create_connection((node.address, PORT), seconds)
        try:
            connection.sock = context.wrap_socket(raw, server_hostname=HOSTNAME)
        except OSError:
            raw.close()
            raise
        return connection

    def ask(self, node: Node, key: str, body: Any = ASKED, seconds: float = ANSWER_SECONDS) -> int:
        """Asks one node, on a connection of its own; 0 is no answer."""
        try:
            with contextlib.closing(self.connection(node, seconds)) as connection:
                answer = asked(connection, key, body)
                answer.read()
                return answer.status
        except (OSError, http.client.HTTPException):
            return 0

    def curl(self, client: Host, node: Node, path: str, *options: str) -> str:
        """The status that a host gets from a node; 000 is no answer."""
        there = ("--insecure", "--resolve", f"{HOSTNAME}:{PORT}:{node.address}")
        return client.curl(f"https://{HOSTNAME}:{PORT}{path}", *there, *options)

    @contextlib.contextmanager
    def load(self, nodes: list[Node], key: str, at_least: int = 0) -> Iterator[Load]:
        """Asks these nodes in turn for as long as the body takes, and until there were ``at_least`` as many."""
        load, ended = Load(), threading.Event()

        def work(number: int) -> None:
            count = number
            while not (ended.is_set() and len(load.requests) >= at_least):
                began = time.monotonic()
                status = self.ask(nodes[count % len(nodes)], key)
                load.requests.append(Request(began, time.monotonic() - began, status))
                count += 1
                time.sleep(PAUSE_SECONDS)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        try:
            yield load
        finally:
            ended.set()
            for thread in threads:
                thread.join()

    def services(self, role: str = "") -> list[str]:
        """The names of the stack's services, or of those with a role."""
        labels = {"stack": f"litellm-claude-{self.stack.name}", **({"role": role} if role else {})}
        filters = [f"--filter=label=litellm-claude.{name}={value}" for name, value in labels.items()]
        return self.swarm.first.docker("service", "ls", "--format", "{{.Name}}", *filters).split()

    def service(self, role: str) -> str:
        """The name of the one service that plays a role."""
        (name,) = self.services(role)
        return name

    def image(self, role: str) -> str:
        """What the service runs, by digest."""
        form = "{{.Spec.TaskTemplate.ContainerSpec.Image}}"
        return self.swarm.first.docker("service", "inspect", "--format", form, self.service(role))

    def tasks(self, role: str, wanted: str = "running") -> list[dict[str, str]]:
        """What the manager says of the tasks that should be ``wanted``: Name, Node, CurrentState, ..."""
        shown = self.swarm.first.docker(
            "service", "ps", self.service(role), "--filter", f"desired-state={wanted}", "--format", "{{json .}}"
        )
        return [json.loads(line) for line in shown.splitlines()]

    def logs(self, role: str) -> str:
        """What all tasks of a role have logged."""
        return Engine(self.swarm.first.url).logged(self.service(role))

    def running(self, role: str) -> int:
        """How many tasks of a role run now."""
        return sum(task["CurrentState"].startswith("Running") for task in self.tasks(role))

    def settled(self, seconds: float = 180) -> None:
        """Waits until each service runs as declared, as an update sees it, and each node answers."""
        key = self.key("many")
        until(lambda: self._as_declared() and all(self.ask(n, key) == 200 for n in self.swarm.nodes), seconds)

    def _as_declared(self) -> bool:
        # Nothing is shown while there is no leader, as for some seconds after one was lost or has come back.
        ids = self.swarm.first.docker("service", "ls", "--quiet", check=False).split()
        try:
            converge(Engine(self.swarm.first.url), ids, 0, "")
        except RuntimeError:
            return False
        return bool(ids)


def asked(connection: http.client.HTTPSConnection, key: str, body: Any = ASKED) -> http.client.HTTPResponse:
    """The answer, of which nothing is read yet but its head."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    connection.request("POST", "/v1/messages", json.dumps(body), headers)
    return connection.getresponse()


def until(true: Callable[[], bool], seconds: float = 60) -> float:
    """Waits until something is true, and returns how many seconds that took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, f"not so within {seconds} s"
        time.sleep(0.3)
    return time.monotonic() - began
