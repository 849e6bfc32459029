"""Clean stacks pass every check; each way to weaken one is caught by the check that is meant for it."""

import base64
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import trustme

from components.keys import DEVELOPMENT_KEY
from posture import declaration, render
from posture.context import Context
from posture.model import REGISTRY, Finding, Status
from posture.redaction import forms
from posture.run import Report, examine, verify
from tests.integration.deployment import ROOT, Deployment, deployment, docker
from tests.integration.hosts import Internet, internet
from tests.integration.tampering import both, config, done, environment, host, impostor, twin

Tampering = Callable[[Deployment], contextlib.AbstractContextManager[object]]
SECONDS = 15
SESSION_SECONDS = 4
SSHD = 'import ctypes,time; ctypes.CDLL(None).prctl(15, b"sshd"); time.sleep(4)'


@pytest.fixture(scope="module")
def own_net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    with internet(Path(tmp_path_factory.mktemp("internet")), number=71) as made:
        yield made


def made_like(kind: str, port: int, net: Internet) -> contextlib.AbstractContextManager[Deployment]:
    return deployment(
        kind,
        port=port,
        egressDns=[net.host.address],
        egressPrivateCidrs=[f"{net.host.address}/32"],
        upstreamCaCertificates=net.ca,
    )


@pytest.fixture(scope="module")
def development(own_net: Internet) -> Iterator[Deployment]:
    with made_like("dev", 14731, own_net) as made:
        made.up()
        yield made


@pytest.fixture(scope="module")
def production(own_net: Internet) -> Iterator[Deployment]:
    with made_like("prod", 14732, own_net) as made:
        made.up()
        yield made


def report_of(stack: Deployment, *only: str) -> Report:
    return verify(stack.name, stack.project, {**os.environ, **stack.environment}, only=only)


def statuses(report: Report) -> dict[str, Status]:
    return {finding.check.id: finding.status for finding in report.findings}


@pytest.mark.parametrize("kind", ["development", "production"])
def test_a_fresh_stack_is_secure(kind: str, request: pytest.FixtureRequest) -> None:
    report = report_of(request.getfixturevalue(kind))
    assert {f.check.id: f.evidence for f in report.findings if f.status is Status.FAIL} == {}
    assert report.secure
    assert report.seconds < SECONDS
    found = statuses(report)
    assert set(found) == set(REGISTRY)
    warnings = {"login.present"}
    if kind == "development":
        warnings |= {"key.custom", "key.strength", "key.start-up-log"}
    assert {id_ for id_, status in found.items() if status is Status.WARN} == warnings
    excepted = {id_ for id_, status in found.items() if status is Status.EXCEPTION}
    assert excepted - {"cis.5.14", "https.on", "access.known-keys"} == {"cis.5.15", "cis.5.29"}
    judged = [status for id_, status in found.items() if id_.startswith("cis.") and status is not Status.NOT_APPLICABLE]
    assert all(status in (Status.PASS, Status.EXCEPTION) for status in judged)
    assert len(judged) >= 31


def test_the_shared_stacks_are_secure_too(dev: Deployment, prod: Deployment) -> None:
    for stack in (dev, prod):
        failures = {f.check.id: f.evidence for f in report_of(stack).findings if f.status is Status.FAIL}
        assert failures == {}, stack.name


def test_no_output_holds_a_secret(production: Deployment, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "posture", "--stack", production.name, "--junit", str(tmp_path / "report.xml")]
    env = {**os.environ, **production.environment, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    printed = ""
    for option in ("--json", "--only=key"):
        done_ = subprocess.run(
            [*command, option], cwd=production.project, env=env, capture_output=True, text=True, check=False
        )
        printed += done_.stdout + done_.stderr
        assert done_.returncode == 0, printed
    printed += (tmp_path / "report.xml").read_text()
    known = declaration.read(production.name, production.project, {**os.environ, **production.environment}).secrets
    assert len(known) >= 4
    for secret in known:
        assert not any(form.decode() in printed for form in forms(secret))
    ET.parse(tmp_path / "report.xml")


# --- tampering


@pytest.fixture(scope="module")
def declared(production: Deployment) -> declaration.Declaration:
    return declaration.read(production.name, production.project, {**os.environ, **production.environment})


def found_now(stack: Deployment, declared: declaration.Declaration, *ids: str) -> dict[str, Finding]:
    context = Context(declared, stack.project, {**os.environ, **stack.environment})
    report = examine(context, list(REGISTRY.values()), only=ids)
    return {finding.check.id: finding for finding in report.findings}


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
def another_network(stack: Deployment) -> Iterator[None]:
    name = f"{stack.name}-open"
    docker("network", "create", name)
    try:
        with done(
            "network",
            "connect",
            name,
            stack.container("litellm"),
            undo=("network", "disconnect", name, stack.container("litellm")),
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
    credentials = {"accessToken": "sk-ant-oat01-x", "refreshToken": refresh, "expiresAt": int(expires * 1000)}
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
    """Another gateway in the place and at the port of the declared one."""
    original = stack.inspect("gateway")
    ports = original["HostConfig"]["PortBindings"]
    docker("kill", original["Id"])
    try:
        with impostor(stack, "gateway", both(environment(**values), host(PortBindings=ports)), start=True) as made:
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


SOON = time.time() + 86400
MOUNT = "/var/run/docker.sock:/var/run/docker.sock"
TAMPERINGS: dict[str, tuple[Tampering, tuple[str, ...]]] = {
    "a capability is added": (beside(CapAdd=["NET_ADMIN"]), ("cis.5.4", "drift.strangers")),
    "capabilities are not dropped": (beside(CapDrop=[]), ("cis.5.4",)),
    "privileged": (beside(Privileged=True), ("cis.5.5",)),
    "a folder of the host is mounted": (beside(Binds=["/etc:/host:ro"]), ("cis.5.6",)),
    "the engine's socket is mounted": (beside(Binds=[MOUNT]), ("cis.5.32", "cis.5.6")),
    "no memory limit": (beside(Memory=0, MemorySwap=0), ("cis.5.11",)),
    "no CPU limit": (beside(NanoCpus=0), ("cis.5.12",)),
    "a writable root": (beside(ReadonlyRootfs=False), ("cis.5.13",)),
    "the host's processes": (beside(PidMode="host"), ("cis.5.16",)),
    "the host's IPC": (beside(IpcMode="host"), ("cis.5.17",)),
    "a device": (
        beside(Devices=[{"PathOnHost": "/dev/null", "PathInContainer": "/dev/x", "CgroupPermissions": "r"}]),
        ("cis.5.18",),
    ),
    "no ulimits": (beside(Ulimits=[]), ("cis.5.19", "cis.5.29")),
    "no seccomp": (beside(SecurityOpt=["no-new-privileges:true", "seccomp=unconfined"]), ("cis.5.22",)),
    "new privileges": (beside(SecurityOpt=[]), ("cis.5.26",)),
    "another cgroup": (beside(CgroupParent="/other"), ("cis.5.25",)),
    "the host's users": (beside(UsernsMode="host"), ("cis.5.31",)),
    "always restarted": (
        command_on("egress", ("update", "--restart=always"), ("update", "--restart=unless-stopped")),
        ("cis.5.15", "drift.limits"),
    ),
    "root": (lambda stack: twin(stack, "egress", config(User="0:0")), ("cis.4.1",)),
    "no health check": (lambda stack: twin(stack, "egress", config(Healthcheck={"Test": ["NONE"]})), ("cis.5.27",)),
    "the default bridge": (
        lambda stack: twin(stack, "egress", both(host(NetworkMode="bridge"), config(NetworkingConfig={}, others={}))),
        ("cis.5.30",),
    ),
    "the host's network": (
        lambda stack: twin(
            stack, "egress", both(host(NetworkMode="host"), config(NetworkingConfig={}, others={}, Hostname=""))
        ),
        ("cis.5.10",),
    ),
    "a port is published": (public_copy, ("network.published", "cis.5.9", "cis.5.14")),
    "a privileged port": (beside(PortBindings={"3128/tcp": [{"HostIp": "127.0.0.1", "HostPort": "81"}]}), ("cis.5.8",)),
    "a second LiteLLM": (lambda stack: twin(stack, "litellm", config()), ("drift.strangers", "login.volume-shared")),
    "a root session": (lambda stack: session(stack, "egress", "exec sleep 4", "--user", "root"), ("cis.5.24",)),
    "a process with capabilities": (
        lambda stack: twin(
            stack,
            "egress",
            both(host(CapAdd=["NET_RAW"], SecurityOpt=[]), config(User="0:0", Entrypoint=["sleep", "60"], Cmd=None)),
            start=True,
        ),
        ("cis.5.23", "cis.5.24", "cis.5.4", "cis.4.1"),
    ),
    "a remote shell": (lambda stack: session(stack, "litellm", f"exec python3 -c '{SSHD}'"), ("cis.5.7",)),
    "more memory": (
        command_on(
            "egress",
            ("update", "--memory=300m", "--memory-swap=300m"),
            ("update", "--memory=256m", "--memory-swap=256m"),
        ),
        ("drift.limits",),
    ),
    "a network is added": (another_network, ("drift.networks", "network.backend-closed", "network.no-internet")),
    "a network is taken away": (off_the_backend, ("drift.networks",)),
    "a container is paused": (command_on("egress", ("pause",), ("unpause",)), ("drift.containers",)),
    "a container is renamed": (
        lambda stack: done(
            *("rename", stack.container("egress"), f"{stack.name}-x"),
            undo=("rename", f"{stack.name}-x", stack.container("egress")),
        ),
        ("drift.containers",),
    ),
    "the image is swapped": (
        lambda stack: impostor(stack, "egress", config(Image=stack.inspect("gateway")["Image"])),
        ("drift.image", "drift.containers"),
    ),
    "the environment is changed": (
        lambda stack: impostor(stack, "egress", environment(EGRESS_ALLOW=".com")),
        ("drift.environment",),
    ),
    "an image that is not declared": (
        lambda stack: twin(stack, "egress", config(Image="debian:trixie-slim")),
        ("supply.images", "cis.5.28"),
    ),
    "labels are changed": (named("egress", Labels={"litellm-claude.stack": "other"}), ("drift.labels",)),
    "the command is changed": (named("egress", Entrypoint=["sleep", "60"]), ("drift.process",)),
    "a writable directory": (
        lambda stack: impostor(stack, "egress", host(Tmpfs={"/run/squid": "rw", "/data": "rw,exec"})),
        ("drift.mounts",),
    ),
    "a host name is given": (
        lambda stack: impostor(stack, "egress", host(ExtraHosts=["api.anthropic.com:192.0.2.1"])),
        ("drift.privileges",),
    ),
    "the egress list is opened": (
        lambda stack: impostor(
            stack, "egress", both(environment(EGRESS_ALLOW=".com"), config(Entrypoint=["sleep", "60"])), start=True
        ),
        ("network.egress-list",),
    ),
    "another master key": (
        sleeping_litellm(LITELLM_MASTER_KEY="sk-1234"),
        ("key.as-declared", "key.custom", "key.strength"),
    ),
    "the development key": (sleeping_litellm(LITELLM_MASTER_KEY=DEVELOPMENT_KEY), ("key.custom", "key.as-declared")),
    "an API key beside the login": (
        sleeping_litellm(ANTHROPIC_API_KEY="sk-ant-api03-x"),
        ("login.separate", "drift.environment"),
    ),
    "the allow-list is opened by hand": (
        inside(
            "gateway",
            "cp /run/gateway/allowed.lst /run/gateway/kept; echo 0.0.0.0/0 >>/run/gateway/allowed.lst",
            "mv /run/gateway/kept /run/gateway/allowed.lst",
        ),
        ("network.allow-list",),
    ),
    "the allow-list is opened by a new gateway": (
        lambda stack: replaced_gateway(stack, GATEWAY_ALLOWED_CIDRS="0.0.0.0/0"),
        ("network.allow-list", "drift.environment", "drift.containers"),
    ),
    "the certificate is replaced": (
        lambda stack: replaced_gateway(stack, **other_certificate()),
        ("https.certificate", "https.chain", "drift.environment", "access.key-works"),
    ),
    "the volume is opened": (
        inside("litellm", "chmod 755 /home/app/.claude", "chmod 700 /home/app/.claude"),
        ("login.volume-mode",),
    ),
    "the login can be read by others": (login(SOON, refresh="sk-ant-ort01-x", mode="644"), ("login.file-mode",)),
    "the login runs out": (login(SOON), ("login.present",)),
    "a secret is logged": (leak_into_the_log, ("key.not-in-logs", "key.not-in-command")),
    "the key in a backup of the state": (leak("state", "raw"), ("rest.state",)),
    "the key's bytes in the state": (leak("state", "bytes"), ("rest.state",)),
    "the key in the stack's file": (leak("stack file", "hex"), ("rest.stack-file",)),
    "the key in the stack's file, encoded": (leak("stack file", "base64"), ("rest.stack-file",)),
}


@pytest.mark.parametrize("way", TAMPERINGS)
def test_tampering_is_caught(way: str, production: Deployment, declared: declaration.Declaration) -> None:
    tamper, ids = TAMPERINGS[way]
    with tamper(production):
        found = found_now(production, declared, *ids)
    assert {id_: finding.status for id_, finding in found.items()} == dict.fromkeys(ids, Status.FAIL)
    assert not any("could not be checked" in finding.evidence for finding in found.values()), found


def test_a_switched_off_check_is_a_finding(production: Deployment) -> None:
    production.set(verifyOnUpdate=False)
    try:
        (finding,) = report_of(production, "settings.verify-on-update").findings
        assert finding.status is Status.WARN
    finally:
        production.set(verifyOnUpdate=None)


def test_after_all_that_the_stack_is_as_it_was(production: Deployment) -> None:
    report = report_of(production)
    assert {f.check.id: f.evidence for f in report.findings if f.status is Status.FAIL} == {}
    assert "secure" in render.summary(report)
