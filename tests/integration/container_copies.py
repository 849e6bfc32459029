"""Copies and changes of a running stack's containers, made by hand past Pulumi, each undone at the end."""

import contextlib
import copy
import http.client
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

from testbed.deployment import Deployment, docker

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


def twin(
    stack: Deployment, role: str, change: Mutation, *, start: bool = False
) -> contextlib.AbstractContextManager[str]:
    """A copy of a container with ``change`` made to it, beside the original; gone again at the end."""
    return copied(stack.inspect(role), change, f"{stack.name}-twin", start=start)


@contextlib.contextmanager
def copied(original: dict[str, Any], change: Mutation, name: str, *, start: bool) -> Iterator[str]:
    """A changed copy of ``original``, called ``name``."""
    body = configuration_of(original)
    change(body)
    others = body.pop("others")
    api = Api()
    made = str(api.post(f"/containers/create?name={name}", body)["Id"])
    try:
        for network, endpoint in others.items():
            if network not in body["NetworkingConfig"]["EndpointsConfig"]:
                api.post(f"/networks/{network}/connect", {"Container": made, "EndpointConfig": endpoint})
        if start:
            api.post(f"/containers/{made}/start")
        yield made
    finally:
        docker("rm", "--force", made)


@contextlib.contextmanager
def impostor(stack: Deployment, role: str, change: Mutation, *, start: bool = False) -> Iterator[str]:
    """A changed copy under the original's name; the original has another name meanwhile."""
    original, name = stack.inspect(role), stack.container(role)
    with (
        done("rename", name, f"{name}-kept", undo=("rename", f"{name}-kept", name)),
        copied(original, change, name, start=start) as made,
    ):
        yield made


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
