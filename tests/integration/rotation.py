"""A production stack whose key is rotated, and what the tests of rotation look at."""

import contextlib
import http.client
import json
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from testbed.deployment import Deployment, deployment, docker
from testbed.hosts import Internet
from testbed.operations import Operations

LOGIN = "/home/app/.claude/.credentials.json"
ASK = """
import json, sys, urllib.request
body = json.dumps({"model": "sonnet", "messages": [{"role": "user", "content": "hello"}]}).encode()
headers = {"content-type": "application/json", "authorization": "Bearer " + sys.stdin.read()}
request = urllib.request.Request("http://127.0.0.1:4000/v1/chat/completions", body, headers)
print(urllib.request.urlopen(request, timeout=60).status)
"""


@dataclass
class Bed:
    """The stack, the commands, and every key that it has had, oldest first."""

    stack: Deployment
    operations: Operations
    context: ssl.SSLContext
    port: int
    keys: list[str] = field(default_factory=list)

    def call(self, key: str, body: Any = None) -> http.client.HTTPResponse:
        """Asks for the models, or sends ``body`` to the chat endpoint; the answer is not read yet."""
        connection = http.client.HTTPSConnection("localhost", self.port, context=self.context, timeout=60)
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        path = "/v1/chat/completions" if body else "/v1/models"
        connection.request("POST" if body else "GET", path, json.dumps(body) if body else None, headers)
        return connection.getresponse()

    def status(self, key: str) -> int:
        with contextlib.closing(self.call(key)) as answer:
            answer.read()
            return answer.status

    def learn_key(self) -> str:
        """Notes the current key and returns it."""
        self.keys.append(self.stack.pulumi("stack", "output", "master_key", "--show-secrets").stdout.strip())
        return self.keys[-1]

    def serial(self) -> str:
        """The serial number of the certificate that a new connection is shown."""
        with (
            socket.create_connection(("localhost", self.port), 10) as raw,
            self.context.wrap_socket(raw, server_hostname="localhost") as secure,
        ):
            return str((secure.getpeercert() or {})["serialNumber"])

    def settings(self) -> dict[str, Any]:
        """The stack's configuration file; secrets are encrypted in it."""
        text = (self.stack.project / f"Pulumi.{self.stack.name}.yaml").read_text()
        return {name.rpartition(":")[2]: value for name, value in yaml.safe_load(text)["config"].items()}

    def nothing_to_do(self) -> bool:
        """Whether another update would change nothing."""
        return not self.stack.changes()


@contextlib.contextmanager
def rotation_bed(net: Internet, key: str, port: int) -> Iterator[Bed]:
    """A production stack with a configured key and the Claude login in its volume, up."""
    with deployment(
        "prod",
        port=port,
        bindAddresses=["127.0.0.1"],
        drainSeconds=20,
        claudeWarmProcesses=1,
        **net.settings,
    ) as stack:
        stack.set_secret("masterKey", key)
        outputs = stack.up().outputs
        authority = ssl.create_default_context(cadata=outputs["ca_certificate"].value)
        made = Bed(stack, Operations(stack), authority, port, [key])
        write_login(made, expires_in=86_400)
        yield made


def write_login(bed: Bed, expires_in: float) -> None:
    """Puts a login of the fake's into the volume, as the CLI would write it."""
    login = {
        "accessToken": f"fake-access-{secrets.token_hex(8)}",
        "refreshToken": f"fake-refresh-{secrets.token_hex(8)}",
        "expiresAt": int((time.time() + expires_in) * 1000),
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
    }
    program = "import os,sys; os.umask(0o077); open(sys.argv[1],'w').write(sys.argv[2])"
    docker("exec", bed.stack.there("litellm")[0], "python3", "-c", program, LOGIN, json.dumps({"claudeAiOauth": login}))


def kept_connection(bed: Bed) -> http.client.HTTPSConnection:
    """One connection to the gateway; it is opened with its first request."""
    return http.client.HTTPSConnection("localhost", bed.port, context=bed.context, timeout=60)


def status_on(connection: http.client.HTTPSConnection, key: str) -> int:
    """What the list of models answers on a connection that is kept."""
    connection.request("GET", "/v1/models", headers={"authorization": f"Bearer {key}"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


@contextlib.contextmanager
def requests_all_the_while(
    bed: Bed, key: str, *, every: float = 0.1, kept: http.client.HTTPSConnection | None = None
) -> Iterator[list[int]]:
    """A request each ``every`` seconds with one key, on new connections or on one that is ``kept``, for as long as the
    body takes; yields the list of their statuses."""
    statuses: list[int] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(every):
            try:
                statuses.append(bed.status(key) if kept is None else status_on(kept, key))
            except OSError:
                statuses.append(0)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield statuses
    finally:
        ended.set()
        thread.join()


STREAM = {"model": "sonnet", "messages": [{"role": "user", "content": "FAKE:slow:0.2"}], "stream": True}
"""Twelve seconds of events."""


@contextlib.contextmanager
def load(bed: Bed, key: str) -> Iterator[dict[str, list[Any]]]:
    """New and kept connections, and two streams at a time, one after the other, for as long as the body takes.

    Yields what came of each kind: statuses, and whether a stream came whole. No client tries anything twice.
    """
    seen: dict[str, list[Any]] = {"new": [], "kept": [], "stream": []}
    ended = threading.Event()

    def new() -> Any:
        return bed.status(key)

    kept_one = kept_connection(bed)

    def kept() -> Any:
        return status_on(kept_one, key)

    def stream() -> Any:
        with contextlib.closing(bed.call(key, STREAM)) as answer:
            return "whole" if answer.read().rstrip().endswith(b"data: [DONE]") else f"cut ({answer.status})"

    def go_on(kind: str, ask: Callable[[], Any]) -> None:
        while not ended.wait(0.1):
            try:
                seen[kind].append(ask())
            except (OSError, http.client.HTTPException) as error:
                seen[kind].append(repr(error))
                kept_one.close()

    kinds = (("new", new), ("kept", kept), ("stream", stream), ("stream", stream))
    threads = [threading.Thread(target=go_on, args=kind) for kind in kinds]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def refreshes(net: Internet) -> int:
    """How often the fake's token endpoint was asked for a new login."""
    return sum(request["path"].endswith("/oauth/token") for request in net.requests())


def ask_inside(container: str, key: str) -> str:
    """Asks the container itself, past the gateway, and returns the status; the key goes in through stdin."""
    command = ["docker", "exec", "--interactive", container, "python3", "-c", ASK]
    done = subprocess.run(command, input=key, capture_output=True, text=True, check=False, timeout=90)
    return (done.stdout + done.stderr).strip()


@contextlib.contextmanager
def twin(container: str, *more: str) -> Iterator[str]:
    """A second container like this one, on the same volume, as there is one while a rotation lasts; healthy.

    ``more`` are further options of `docker run`.
    """
    config = json.loads(docker("inspect", container))[0]
    host, environment = config["HostConfig"], dict(pair.split("=", 1) for pair in config["Config"]["Env"])
    network = next(iter(config["NetworkSettings"]["Networks"]))
    options = [
        *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true", "--network", network),
        *(part for name in environment for part in ("--env", name)),  # the values, some secret, by environment
        *(part for mount in config["Mounts"] for part in ("--volume", f"{mount['Name']}:{mount['Destination']}")),
        *(part for path, how in host["Tmpfs"].items() for part in ("--tmpfs", f"{path}:{how}")),
        *more,
    ]
    command = [str(shutil.which("docker")), "run", "--detach", *options, config["Image"]]
    # The container's own variables win, PATH among them, so the client is named by its path.
    started = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    name = started.stdout.strip()
    try:
        for _ in range(120):
            if docker("exec", name, "litellm-healthcheck", check=False) == "ready":
                break
            time.sleep(0.5)
        yield name
    finally:
        docker("rm", "--force", name)
