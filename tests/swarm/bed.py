"""A stack on a swarm of the tests' own, asked on each of its nodes."""

import contextlib
import http.client
import json
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.convergence import converge
from ops.engine import Engine
from testbed.deployment import ROOT, Deployment, deployment
from testbed.hosts import Host
from testbed.nodes import Node
from testbed.operations import Operations
from testbed.swarm import Swarm

PORT, METRICS_PORT = 14790, 14792
HOSTNAME = "gateway.example.org"
ROLES = ("litellm", "gateway", "egress", "front", "valkey")
ASKED = {"model": "haiku", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
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
    port: int = PORT

    def key(self, client: str) -> str:
        return str(self.stack.output("client_keys")[client])

    def connection(self, node: Node, seconds: float = ANSWER_SECONDS, port: int = 0) -> http.client.HTTPSConnection:
        """A connection to one node by the stack's name; each wait for an answer ends after ``seconds``."""
        context = ssl.create_default_context(cadata=self.stack.output("ca_certificate"))
        connection = http.client.HTTPSConnection(HOSTNAME, port or self.port)
        raw = socket.create_connection((node.address, port or self.port), seconds)
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

    def metrics(self, node: Node, page: str) -> str:
        """What Prometheus reads at a node."""
        with contextlib.closing(self.connection(node, port=METRICS_PORT)) as connection:
            headers = {"authorization": f"Bearer {self.stack.output('metrics_key')}"}
            connection.request("GET", f"/metrics/{page}", headers=headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            assert answer.status == 200, text
            return text

    def curl(self, client: Host, node: Node, path: str, *options: str, port: int = 0) -> str:
        """The status that a host gets from a node; 000 is no answer."""
        there = f"{HOSTNAME}:{port or self.port}"
        return client.curl(f"https://{there}{path}", "--insecure", "--resolve", f"{there}:{node.address}", *options)

    def services(self, role: str = "") -> list[str]:
        """The names of the stack's services, or of those with a role."""
        labels = {"stack": f"litellm-claude-{self.stack.name}", **({"role": role} if role else {})}
        filters = [f"--filter=label=litellm-claude.{name}={value}" for name, value in labels.items()]
        return self.swarm.first.docker("service", "ls", "--format", "{{.Name}}", *filters).split()

    def roles(self) -> list[str]:
        """The roles for which there is a service."""
        return [role for role in ROLES if self.services(role)]

    def service(self, role: str) -> str:
        """The name of the one service that plays a role."""
        (name,) = self.services(role)
        return name

    def image(self, role: str) -> str:
        """What the service runs, by digest."""
        form = "{{.Spec.TaskTemplate.ContainerSpec.Image}}"
        return self.swarm.first.docker("service", "inspect", "--format", form, self.service(role))

    def build(self, role: str, last: str) -> None:
        """Lets the stack build the next release of an image itself, on its manager, from what that has of the last."""
        base = f"of-the-tests/{role}"  # BuildKit would ask the registry of another name, and not without TLS
        self.swarm.first.docker("pull", "--quiet", last)
        self.swarm.first.docker("tag", last, base)
        (self.stack.project / "images" / role / "Dockerfile").write_text(f"FROM {base}\nLABEL of-the-tests=another\n")
        self.stack.set(**{f"{role}Image": None})

    def built(self, role: str) -> list[str]:
        """What each node has of a release that the stack has built: "another"."""
        label = '{{index .Config.Labels "of-the-tests"}}'
        return [node.docker("image", "inspect", "--format", label, self.image(role)) for node in self.swarm.nodes]

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


def bearer(key: str) -> tuple[str, str]:
    """The options of curl that send a key."""
    return ("--header", f"authorization: Bearer {key}")


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


@contextlib.contextmanager
def one_stack(
    nodes: Swarm, places: tuple[int, int], port: int, figures: list[str], /, **settings: Any
) -> Iterator[Bed]:
    """A stack on the first node's engine, not up yet, and clients at two ``places``, of whom the first is allowed."""
    with (
        nodes.client(places[0]) as friend,
        nodes.client(places[1]) as stranger,
        deployment(
            "prod",
            dockerHost=nodes.first.url,
            hostname=HOSTNAME,
            port=port,
            allowHost=False,
            allowedCidrs=[friend.network, f"{nodes.hub.machine}/32"],
            **nodes.net.settings,
            **settings,
        ) as stack,
    ):
        yield Bed(nodes, stack, Operations(stack), friend, stranger, figures, port)
