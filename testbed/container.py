"""What the suite runs against: a whole stack on HTTPS (stack.py), or LiteLLM containers beside a fake API.

With CONFORMANCE_URL set (and CONFORMANCE_KEY, CONFORMANCE_CA for a private CA, CONFORMANCE_FAKE_URL for the fake's
address and CONFORMANCE_CONTAINER for the LiteLLM container's name) the suite runs through a stack that stands already.
A container is built from images/litellm, and started beside the fake on a network of its own, without a way out.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import ssl
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).resolve().parents[1]
IMAGE = "litellm-claude-conformance"
TOKEN = "fake-oauth-token-of-the-suite"
CREDENTIALS = {
    "API key": {"CLAUDE_AUTH": "api-key", "ANTHROPIC_API_KEY": "sk-ant-of-the-test"},
    "Claude login": {"CLAUDE_AUTH": "token", "CLAUDE_CODE_OAUTH_TOKEN": TOKEN},
}
MODELS = {"sonnet": "claude-sonnet-5-5", "opus": "claude-opus-5-5", "haiku": "claude-haiku-5-5"}
START_SECONDS = 180
HARDENED = [
    "--user=10001:10001",
    "--read-only",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--memory=3g",
    "--memory-swap=3g",
    "--pids-limit=1024",
    "--tmpfs=/tmp:mode=1777",
    "--no-healthcheck",  # the harness asks by itself
    "--tmpfs=/run/litellm:uid=10001,gid=10001,mode=0700",
]


@dataclass(frozen=True)
class Gateway:
    """A gateway under test and the fake API behind it."""

    url: str
    key: str
    fake_url: str
    container: str
    ca: str | None = None
    fake_trust: ssl.SSLContext | bool = True

    @property
    def trust(self) -> ssl.SSLContext | bool:
        """What an HTTP client is to verify the gateway's certificate with."""
        return ssl.create_default_context(cafile=self.ca) if self.ca else True

    def records(self) -> list[dict[str, Any]]:
        """What the fake has received since the last `forget`, model calls only."""
        answer = httpx.get(f"{self.fake_url}/__fake__/requests", timeout=10, verify=self.fake_trust).json()["requests"]
        return [record for record in answer if record["path"].startswith("/v1/messages") and record["method"] == "POST"]

    def forget(self) -> None:
        httpx.delete(f"{self.fake_url}/__fake__/requests", timeout=10, verify=self.fake_trust)

    def http(self, **options: Any) -> httpx.Client:
        """A plain HTTP client with the gateway's key."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=self.url, headers=headers, verify=self.trust, timeout=60, **options)

    def run(self, *command: str) -> str:
        """Run a command in the LiteLLM container."""
        return docker("exec", self.container, *command)

    def log(self) -> str:
        done = subprocess.run(["docker", "logs", self.container], capture_output=True, text=True, check=True)
        return done.stdout + done.stderr

    def restarts(self) -> int:
        return int(docker("inspect", "--format", "{{.RestartCount}}", self.container))

    def cli_processes(self) -> int:
        """How many Claude CLI processes exist in the container, zombies included."""
        listing = docker("top", self.container, "-eo", "pid,comm")
        return sum(line.split()[1].startswith("claude") for line in listing.splitlines()[1:])


def docker(*arguments: str) -> str:
    """Run the docker client. Raises RuntimeError with its own words when it fails."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"docker {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def address(container: str) -> str:
    networks = json.loads(docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", container))
    return str(next(iter(networks.values()))["IPAddress"])


def build_image() -> str:
    """Build images/litellm (quick when nothing changed); its id, because another working copy may take the tag."""
    return docker("build", "--quiet", "--tag", IMAGE, str(ROOT / "images" / "litellm"))


def start_fake(image: str, network: str, name: str, environment: Mapping[str, str] | None = None) -> str:
    """Start the fake API in a container (python is in the image already); returns its URL as seen from this machine."""
    options = [f"--env={key}={value}" for key, value in (environment or {}).items()]
    where = ["--name", name, "--network", network, "--network-alias", "fake", "--entrypoint", "python3"]
    docker("create", *where, *options, image, "/srv/anthropic_api.py")
    for file in (ROOT / "testbed" / "fakes").glob("anthropic_*.py"):
        docker("cp", str(file), f"{name}:/srv/{file.name}")
    docker("start", name)
    url = f"http://{address(name)}:8080"
    with httpx.Client(transport=httpx.HTTPTransport(retries=5)) as client:  # waits until it listens
        client.get(f"{url}/__fake__/requests")
    return url


def start_litellm(image: str, network: str, name: str, environment: Mapping[str, str], alias: str = "") -> None:
    """Start a LiteLLM container, hardened as the stack does it, and wait until it is healthy; `alias` names it, too."""
    settings = {"GATEWAY_MODELS": json.dumps(MODELS), "ANTHROPIC_BASE_URL": "http://fake:8080", **environment}
    options = [f"--env={key}={value}" for key, value in settings.items()]
    volume = f"--mount=type=volume,src={name},dst=/home/app/.claude"
    where = ["--network", network, *([f"--network-alias={alias}"] if alias else [])]
    docker("run", "--detach", "--name", name, *where, *HARDENED, volume, *options, image)
    wait_healthy(name)


def wait_for(what: Callable[[], bool], seconds: float) -> bool:
    """Whether `what` becomes true within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.05)
    return False


def wait_healthy(name: str, seconds: float = START_SECONDS) -> None:
    """Wait until the container's readiness check answers. Raises RuntimeError with its log when it ends or does not."""
    end, url = time.monotonic() + seconds, f"http://{address(name)}:4000/health/readiness"
    while time.monotonic() < end and docker("inspect", "--format", "{{.State.Running}}", name) == "true":
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=5).status_code == 200:
                return
        time.sleep(0.3)
    raise RuntimeError(f"{name} does not become healthy:\n{docker('logs', '--tail', '20', name)}")


@contextlib.contextmanager
def network() -> Iterator[str]:
    """A network of its own without a way out; everything on it is removed at the end."""
    name = f"llm-conformance-{secrets.token_hex(4)}"
    docker("network", "create", "--internal", "--label", "litellm-claude.test=1", name)
    try:
        yield name
    finally:
        for container in docker("ps", "--all", "--quiet", "--filter", f"network={name}").split():
            docker("rm", "--force", "--volumes", container)
        docker("network", "rm", name)


@dataclass(frozen=True)
class Bed:
    """Where containers are started: an image, a network, and the fake's address on it."""

    image: str
    network: str
    fake_url: str


@contextlib.contextmanager
def fresh_bed() -> Iterator[Bed]:
    """The image, on a network of its own, with a fake API that answers at once."""
    image = build_image()
    with network() as net:
        yield Bed(image, net, start_fake(image, net, f"{net}-fake"))


@contextlib.contextmanager
def container(bed: Bed, *, alias: str = "", **environment: str) -> Iterator[Gateway]:
    """A LiteLLM container with these settings, healthy, on a volume of its own; `alias` names it, too."""
    name, key = f"{bed.network}-{secrets.token_hex(3)}", f"sk-{secrets.token_hex(32)}"
    try:
        made = Gateway("", key, bed.fake_url, name)
        made.forget()
        start_litellm(bed.image, bed.network, name, {"LITELLM_MASTER_KEY": key, **environment}, alias)
        assert made.records() == [], "a start asks Claude nothing: answers are billed"
        yield replace(made, url=f"http://{address(name)}:4000")
    finally:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=False)
        subprocess.run(["docker", "volume", "rm", name], capture_output=True, check=False)


def given_gateway() -> Gateway | None:
    """The gateway that the environment names, if any."""
    env = os.environ
    if "CONFORMANCE_URL" not in env:
        return None
    return Gateway(
        url=env["CONFORMANCE_URL"].rstrip("/"),
        key=env["CONFORMANCE_KEY"],
        fake_url=env["CONFORMANCE_FAKE_URL"].rstrip("/"),
        container=env["CONFORMANCE_CONTAINER"],
        ca=env.get("CONFORMANCE_CA"),
    )


def memory(name: str) -> tuple[float, float]:
    """The container's memory without page cache, as `docker stats` counts it, and its limit, in MiB."""
    used, limit = docker("stats", "--no-stream", "--format", "{{.MemUsage}}", name).split(" / ")
    return megabytes(used), megabytes(limit)


def megabytes(text: str) -> float:
    units = {"GiB": 1024.0, "MiB": 1.0, "KiB": 1 / 1024, "B": 1 / 1024**2}
    unit = next(unit for unit in units if text.endswith(unit))
    return float(text.removesuffix(unit)) * units[unit]
