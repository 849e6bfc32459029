"""Ways to weaken a running stack by hand, each undone at the end."""

import contextlib
import copy
import http.client
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

from tests.integration.deployment import Deployment, docker

SOCKET = "/var/run/docker.sock"
Mutation = Callable[[dict[str, Any]], None]


class Api(http.client.HTTPConnection):
    """The engine's own interface: docker's client cannot copy a container."""

    def __init__(self) -> None:
        super().__init__("localhost", timeout=60)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(SOCKET)

    def post(self, path: str, body: Any = None) -> Any:
        self.request("POST", f"/v1.41{path}", json.dumps(body), {"content-type": "application/json"})
        answer = self.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {text.decode()}")
        return json.loads(text) if text else None


def configuration_of(container: dict[str, Any]) -> dict[str, Any]:
    """What the engine would have to be told to make the same container again, without its published ports."""
    host = copy.deepcopy(container["HostConfig"])
    host["PortBindings"] = {}
    networks = {
        name: {"Aliases": [alias for alias in endpoint["Aliases"] or [] if alias not in container["Id"]]}
        for name, endpoint in container["NetworkSettings"]["Networks"].items()
    }
    host["NetworkMode"] = next(iter(networks))
    first = {"EndpointsConfig": {host["NetworkMode"]: networks[host["NetworkMode"]]}}
    config = copy.deepcopy(container["Config"])
    return {**config, "HostConfig": host, "NetworkingConfig": first, "others": networks}


@contextlib.contextmanager
def twin(stack: Deployment, role: str, change: Mutation, *, name: str = "", start: bool = False) -> Iterator[str]:
    """A copy of a container with ``change`` made to it, beside the original; gone again at the end."""
    body = configuration_of(stack.inspect(role))
    change(body)
    others = body.pop("others")
    api = Api()
    made = str(api.post(f"/containers/create?name={name or f'{stack.name}-twin'}", body)["Id"])
    try:
        for network, endpoint in others.items():
            if network not in body["NetworkingConfig"].get("EndpointsConfig", {network: None}):
                api.post(f"/networks/{network}/connect", {"Container": made, "EndpointConfig": endpoint})
        if start:
            api.post(f"/containers/{made}/start")
        yield made
    finally:
        docker("rm", "--force", made)


@contextlib.contextmanager
def impostor(stack: Deployment, role: str, change: Mutation, *, start: bool = False) -> Iterator[str]:
    """A changed copy under the original's name; the original has another name meanwhile."""
    name = stack.container(role)
    docker("rename", name, f"{name}-kept")
    try:
        original = json.loads(docker("inspect", f"{name}-kept"))[0]
        inspect = stack.inspect
        stack.inspect = lambda _: original  # type: ignore[method-assign]
        try:
            with twin(stack, role, change, name=name, start=start) as made:
                yield made
        finally:
            stack.inspect = inspect  # type: ignore[method-assign]
    finally:
        docker("rename", f"{name}-kept", name)


@contextlib.contextmanager
def done(*command: str, undo: tuple[str, ...]) -> Iterator[None]:
    """A docker command, and the one that takes it back."""
    docker(*command)
    try:
        yield
    finally:
        docker(*undo)


def host(**values: Any) -> Mutation:
    """Sets fields of the host's side of a container."""
    return lambda body: body["HostConfig"].update(values)


def config(**values: Any) -> Mutation:
    """Sets fields of the container's own side."""
    return lambda body: body.update(values)


def environment(**values: str) -> Mutation:
    """Sets variables."""

    def change(body: dict[str, Any]) -> None:
        pairs = dict(pair.split("=", 1) for pair in body["Env"])
        body["Env"] = [f"{name}={value}" for name, value in {**pairs, **values}.items()]

    return change


def both(*changes: Mutation) -> Mutation:
    """Several changes in turn."""

    def change(body: dict[str, Any]) -> None:
        for one in changes:
            one(body)

    return change
