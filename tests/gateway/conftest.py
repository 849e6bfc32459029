"""Fixtures of the gateway and egress tests: images, networks, a stand-in for LiteLLM, gateways with any settings."""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testbed import gateway as bed
from tests.gateway import certificates
from tests.gateway.clients import Answer, exchange, request_bytes

GatewayFactory = Callable[..., bed.Gateway]


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    bed.require_engine()


def build(image: str, folder: Path) -> str:
    bed.docker("build", "--quiet", "--tag", image, str(folder))
    return image


@pytest.fixture(scope="session")
def gateway_image(engine: None) -> str:
    return build("gw-gateway", bed.REPOSITORY / "images/gateway")


@pytest.fixture(scope="session")
def front_image(engine: None) -> str:
    return build("gw-front", bed.REPOSITORY / "images/front")


@pytest.fixture(scope="session")
def egress_image(engine: None) -> str:
    return build("gw-egress", bed.REPOSITORY / "images/egress")


@pytest.fixture(scope="session")
def backend_image(engine: None) -> str:
    return build("gw-backend", Path(__file__).parent / "backend")


@pytest.fixture(scope="session")
def clients(engine: None) -> Iterator[bed.Clients]:
    clients = bed.Clients()
    yield clients
    clients.remove()


@pytest.fixture(scope="session")
def networks(engine: None) -> Iterator[tuple[str, str]]:
    """The `edge` and `backend` networks, with the options that the stack gives them."""
    options = "com.docker.network.bridge."
    for name in ("gw-edge", "gw-back"):
        bed.docker("network", "rm", name, check=False)
    bed.docker(
        *("network", "create", "--opt", options + "enable_ip_masquerade=false"),
        *("--subnet", bed.EDGE4, "--ipv6", "--subnet", bed.EDGE6, "gw-edge"),
    )
    bed.docker(
        *("network", "create", "--internal", "--opt", options + "inhibit_ipv4=true"),
        *("--subnet", bed.BACKEND4, "gw-back"),
    )
    yield "gw-edge", "gw-back"
    for name in ("gw-edge", "gw-back"):
        bed.docker("network", "rm", name, check=False)


@pytest.fixture(scope="session")
def litellm(backend_image: str, networks: tuple[str, str]) -> Iterator[str]:
    """A stand-in for LiteLLM under the alias `litellm`."""
    name = "gw-litellm"
    bed.start(name, backend_image, [networks[1]], "--network-alias", "litellm")
    yield name
    bed.docker("rm", "-f", name)


@pytest.fixture(scope="session")
def certificate() -> certificates.Pair:
    return certificates.issue("gateway.test")


@pytest.fixture(scope="session")
def make_gateway(front_image: str, gateway_image: str, networks: tuple[str, str]) -> Iterator[GatewayFactory]:
    """Start a gateway: settings as keywords (`allow_host="true"` is GATEWAY_ALLOW_HOST); plain HTTP unless tls="on"."""
    made: list[str] = []

    def make(*, wait_for_backend: bool = True, network: str = "", backend: str = "", **settings: str) -> bed.Gateway:
        defaults = {"tls": "off", "hostname": "gateway.test", "allowed_cidrs": f"{bed.CLIENTS4},{bed.CLIENTS6}"}
        name = f"gw-gateway-{len(made)}"
        made.append(name)
        bed.remove_gateway(name)
        there = network or networks[0], backend or networks[1]
        gateway = bed.start_gateway(name, (front_image, gateway_image), there, {**defaults, **settings})
        if wait_for_backend:
            bed.wait_until(lambda: "READY" in bed.docker("logs", name), 15, f"{name} has found its backend")
        return gateway

    yield make
    for name in made:
        bed.remove_gateway(name)


@pytest.fixture(scope="session")
def gateway(make_gateway: GatewayFactory, litellm: str) -> bed.Gateway:
    """One gateway with the default limits, for all tests that do not need settings of their own."""
    return make_gateway()


@dataclass(frozen=True)
class Caller:
    """Calls a gateway from one source address."""

    clients: bed.Clients
    port: int
    source: str

    def send(self, data: bytes, timeout: float = 10) -> Answer:
        return exchange(self.clients.connect(self.source, self.port, timeout), data)

    def call(self, method: str = "GET", target: str = "/v1/models", **options: Any) -> Answer:
        return self.send(request_bytes(method, target, **options))


@pytest.fixture
def call(clients: bed.Clients, gateway: bed.Gateway) -> Caller:
    """The shared gateway, from a source address that no other test uses."""
    return Caller(clients, gateway.port, clients.new_address())


@pytest.fixture
def caller(clients: bed.Clients) -> Callable[[bed.Gateway], Caller]:
    """A caller of any gateway, from a source address that no other test uses."""
    return lambda gateway: Caller(clients, gateway.port, clients.new_address())


ASK_ITSELF = "import http.client as h, sys; h.HTTPConnection('127.0.0.1', 4000).request('GET', sys.argv[1])"


@pytest.fixture
def received(litellm: str) -> Callable[[str], list[dict[str, Any]]]:
    """What the stand-in for LiteLLM has received whose report contains a text, such as a marker of the test.

    The engine's log is behind what is printed. So something is sent that marks how far it has to be read.
    """

    def find(text: str) -> list[dict[str, Any]]:
        until_now = f"/until-now-{secrets.token_hex(8)}"
        bed.docker("exec", litellm, "python3", "-c", ASK_ITSELF, until_now)
        bed.wait_until(lambda: until_now in bed.docker("logs", litellm), 120, f"{litellm} has logged {until_now}")
        return [json.loads(line) for line in bed.docker("logs", litellm).splitlines() if text in line]

    return find
