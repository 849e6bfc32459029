"""Ways to weaken a production stack, each undone at the end: what somebody does by hand, or in somebody's place."""

import base64
import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import trustme

from testbed.deployment import Deployment, docker
from tests.integration.container_copies import both, config, done, environment, host, impostor, twin

Tampering = Callable[[Deployment], contextlib.AbstractContextManager[object]]
SESSION_SECONDS = 4


def beside(**values: object) -> Tampering:
    """A second egress proxy, never started, whose host side differs."""
    return lambda stack: twin(stack, "egress", host(**values))


def inside(role: str, command: str, undo: str = "true", *, user: str = "") -> Tampering:
    """A shell command in a running container, and the one that takes it back."""

    def tamper(stack: Deployment) -> contextlib.AbstractContextManager[object]:
        who = ("--user", user) if user else ()
        name = stack.container(role)
        return done("exec", *who, name, "sh", "-c", command, undo=("exec", *who, name, "sh", "-c", undo))

    return tamper


def command_on(role: str, before: tuple[str, ...], after: tuple[str, ...]) -> Tampering:
    """A docker command that ends with the container's name, and the one that takes it back."""
    return lambda stack: done(*before, stack.container(role), undo=(*after, stack.container(role)))


@contextlib.contextmanager
def another_network(stack: Deployment, role: str = "litellm") -> Iterator[None]:
    name = f"{stack.name}-open"
    docker("network", "create", name)
    try:
        with done(
            "network",
            "connect",
            name,
            stack.container(role),
            undo=("network", "disconnect", name, stack.container(role)),
        ):
            yield
    finally:
        docker("network", "rm", name)


@contextlib.contextmanager
def off_the_backend(stack: Deployment) -> Iterator[None]:
    (name,) = [n for n in stack.inspect("egress")["NetworkSettings"]["Networks"] if "-backend-" in n]
    container = stack.container("egress")
    with done(
        "network", "disconnect", name, container, undo=("network", "connect", "--alias", "egress", name, container)
    ):
        yield


@contextlib.contextmanager
def session(stack: Deployment, role: str, script: str, *options: str) -> Iterator[None]:
    """What somebody does in a container with docker exec; ends by itself."""
    docker("exec", "--detach", *options, stack.container(role), "sh", "-c", script)
    time.sleep(0.5)
    yield
    time.sleep(SESSION_SECONDS)


def login(expires: float, *, refresh: str = "", mode: str = "600") -> Tampering:
    tokens = {"accessToken": "sk-ant-oat01-x", "refreshToken": refresh}
    credentials = {**tokens, "expiresAt": int(expires * 1000), "scopes": ["user:inference"]}
    text = json.dumps({"claudeAiOauth": credentials})
    path = "/home/app/.claude/.credentials.json"
    return inside("litellm", f"umask 077; echo '{text}' >{path}; chmod {mode} {path}", f"rm {path}")


def serving(stack: Deployment) -> None:
    """Waits until the stack's own gateway answers again."""
    for _ in range(60):
        with contextlib.suppress(OSError):
            if stack.call("/healthz", key=None).status == 200:
                return
        time.sleep(0.3)
    raise AssertionError("the gateway does not answer")


@contextlib.contextmanager
def replaced_gateway(stack: Deployment, **values: str) -> Iterator[None]:
    """Another gateway in the place of the declared one."""
    original = stack.inspect("gateway")
    docker("kill", original["Id"])
    try:
        with impostor(stack, "gateway", environment(**values), start=True) as made:
            until = time.monotonic() + 15
            while (
                docker("inspect", "--format", "{{.State.Health.Status}}", made) == "starting"
                and time.monotonic() < until
            ):
                time.sleep(0.3)
            yield
    finally:
        docker("start", original["Id"])
        serving(stack)


def other_certificate() -> dict[str, str]:
    issued = trustme.CA().issue_cert("localhost")
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems).decode()
    return {"GATEWAY_TLS_CERTIFICATE": chain, "GATEWAY_TLS_PRIVATE_KEY": issued.private_key_pem.bytes().decode()}


@contextlib.contextmanager
def written(path: Path, text: str) -> Iterator[None]:
    before = path.read_bytes()
    path.write_bytes(before + text.encode())
    try:
        yield
    finally:
        path.write_bytes(before)


def leak(place: str, encoding: str) -> Tampering:
    def tamper(stack: Deployment) -> contextlib.AbstractContextManager[object]:
        key = str(stack.output("master_key"))
        text = {
            "raw": key,
            "hex": key.encode().hex(),
            "base64": base64.b64encode(b"x" + key.encode()).decode(),
            "bytes": base64.urlsafe_b64encode(bytes.fromhex(key.removeprefix("sk-"))).decode(),
        }[encoding]
        if place == "stack file":
            return written(stack.project / f"Pulumi.{stack.name}.yaml", f"# {text}\n")
        (backup,) = (stack.state / ".pulumi").glob(f"stacks/*/{stack.name}.json.bak")
        return written(backup, text)

    return tamper


def leak_into_the_log(stack: Deployment) -> contextlib.AbstractContextManager[object]:
    said = f"echo {stack.output('master_key')}; exec sleep 60"
    return twin(stack, "egress", config(Entrypoint=["sh", "-c", said], Cmd=None), start=True)


def sleeping_litellm(**values: str) -> Tampering:
    change = both(environment(**values), config(Entrypoint=["sleep", "60"], Cmd=None))
    return lambda stack: impostor(stack, "litellm", change, start=True)


def named(role: str, **values: object) -> Tampering:
    """An impostor under the container's own name, never started."""
    return lambda stack: impostor(stack, role, config(**values))


def public_copy(stack: Deployment) -> contextlib.AbstractContextManager[object]:
    return twin(stack, "gateway", host(PortBindings={"8080/tcp": [{"HostIp": "0.0.0.0", "HostPort": "14739"}]}))
