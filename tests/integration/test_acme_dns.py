"""`tls: acme` by dns-01, on a whole stack that no CA reaches: its secret, its way out, and what brings it back."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from posture.inside import PYTHON
from rules.layout import acme_volumes
from testbed import pebble as fake
from testbed.deployment import Deployment, deployment, docker
from testbed.fakes import dns_provider
from testbed.fakes.dns_provider import DnsProvider
from testbed.hosts import Internet, internet
from testbed.operations import Operations
from tests.integration.acme_client import NAME, Client, until
from tests.integration.empty_machine import find, lose

PORT, METRICS_PORT = 14595, 14596
OTHER = "other.example.org"
ENDS = 'litellm_claude_expires_timestamp_seconds{what="certificate"}'
PASSWORD = "s3cr3t-of-the-zone"
VARIABLES = f"HTTPREQ_ENDPOINT=https://{dns_provider.NAME}\nHTTPREQ_USERNAME=me\nHTTPREQ_PASSWORD={PASSWORD}\n"
CONNECT = (
    "import socket, sys; s = socket.create_connection((sys.argv[1], 3128), 5); "
    "s.sendall(b'CONNECT %s HTTP/1.1\\r\\n\\r\\n' % sys.argv[2].encode()); print(s.recv(100).split()[1].decode())"
)
"""What a proxy answers to whoever wants to go there."""
REVOKE = ("python3", "-m", "acme_keeper", "revoke")


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """An internet in which the CA and the DNS provider have names, and the gateway has none."""
    names = {fake.NAME: "self", dns_provider.NAME: "machine"}
    with internet(Path(tmp_path_factory.mktemp("internet")), names) as made:
        yield made


@pytest.fixture(scope="module")
def ca(outside: Internet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[fake.Pebble]:
    asked = f"{outside.host.machine}:{dns_provider.DNS_PORT}"
    with fake.pebble(outside.host, Path(tmp_path_factory.mktemp("pebble")), 80, dns=asked) as made:
        yield made


@pytest.fixture(scope="module")
def provider(outside: Internet, ca: fake.Pebble) -> Iterator[DnsProvider]:
    with DnsProvider(outside.host.machine, ca.authority, 443) as made:
        yield made


@pytest.fixture(scope="module")
def stack(outside: Internet, ca: fake.Pebble, provider: DnsProvider) -> Iterator[Deployment]:
    """Declared, and not up."""
    settings = {
        **outside.settings,
        "egressPrivateCidrs": [f"{address}/32" for address in (outside.host.address, provider.address)],
        "acmeEmail": "you@example.org",
        "acmeChallenge": "dns-01",
        "acmeDirectory": ca.directory,
        "acmeDirectoryCa": ca.ca,
        "acmeDnsProvider": "httpreq",
        "acmeDnsHosts": [dns_provider.NAME],
    }
    ports = {"port": PORT, "metricsPort": METRICS_PORT}
    with deployment("prod", tls="acme", hostname=NAME, allowHost=True, drainSeconds=1, **ports, **settings) as made:
        made.set_secret("acmeDnsVariables", VARIABLES)
        yield made
    for volume in acme_volumes(f"litellm-claude-{made.name}").values():
        docker("volume", "rm", "--force", volume, check=False)


@pytest.fixture(scope="module")
def operations(stack: Deployment) -> Operations:
    return Operations(stack)


@pytest.fixture(scope="module")
def client(stack: Deployment, ca: fake.Pebble) -> Client:
    return Client(stack, [ca.root()], port=PORT)


def test_the_first_time_fails_with_what_the_ca_said_and_succeeds_when_that_is_fixed(
    stack: Deployment, operations: Operations, provider: DnsProvider, client: Client
) -> None:
    provider.lost = "of-somebody-else"
    printed = operations.up(status=1)
    sentence = f"{fake.NAME} gave no certificate for {NAME}: unauthorized: "
    told = {line.partition(sentence)[2] for line in printed.splitlines() if sentence in line}
    assert len(told) == 1
    assert f". Correct that, then: make up STACK={stack.name} " in told.pop()
    assert "Traceback" not in printed
    logged = operations.finish(operations.start(sys.executable, "-m", "ops.logs", stack.name))
    assert f'"level": "error", "message": "{sentence}' in logged
    provider.lost = ""
    operations.up()
    client.key = str(stack.output("master_key"))
    assert client.answers()
    assert stack.changes() == {}


@pytest.mark.goes_on_from("test_the_first_time_fails_with_what_the_ca_said_and_succeeds_when_that_is_fixed")
def test_it_reaches_the_ca_and_the_provider_alone_and_nobody_reaches_it(
    stack: Deployment, provider: DnsProvider
) -> None:
    reached = {
        f"{fake.NAME}:{fake.PORT}": "200",
        f"{dns_provider.NAME}:443": "200",
        f"{dns_provider.NAME}:22": "403",
        f"{provider.address}:443": "403",
        "api.anthropic.com:443": "403",
    }
    assert {to: stack.exec("acme", "python3", "-c", CONNECT, "acme-egress", to) for to in reached} == reached
    without_proxy = f"import socket; socket.create_connection(('{provider.address}', 443), 3)"
    assert "Error: " in stack.exec("acme", "python3", "-c", without_proxy)
    for to in (f"{dns_provider.NAME}:443", f"{fake.NAME}:{fake.PORT}"):
        assert stack.exec("litellm", PYTHON, "-c", CONNECT, "egress", to) == "403", (
            "none of it is a way out of LiteLLM's"
        )
    assert len(stack.inspect("acme")["NetworkSettings"]["Networks"]) == 1


@pytest.mark.goes_on_from("test_the_first_time_fails_with_what_the_ca_said_and_succeeds_when_that_is_fixed")
def test_the_providers_secret_is_in_that_container_alone(stack: Deployment, provider: DnsProvider) -> None:
    holding = [name for name in stack.there() if PASSWORD in docker("inspect", name)]
    assert holding == [stack.container("acme")]
    kept = [*stack.state.rglob("*"), stack.project / f"Pulumi.{stack.name}.yaml"]
    assert [path for path in kept if path.is_file() and PASSWORD.encode() in path.read_bytes()] == []
    assert PASSWORD not in "".join(stack.printed)
    assert [name for name in stack.there() if PASSWORD in docker("logs", name)] == []
    assert provider.records == {}


@pytest.mark.goes_on_from("test_the_first_time_fails_with_what_the_ca_said_and_succeeds_when_that_is_fixed")
def test_the_metrics_say_when_the_certificate_ends_and_follow_a_revoked_one_that_is_replaced(
    stack: Deployment, ca: fake.Pebble, client: Client
) -> None:
    def told() -> float:
        scraper = replace(client, port=METRICS_PORT).connect()
        scraper.request("GET", "/metrics", headers={"authorization": f"Bearer {stack.output('metrics_key')}"})
        (line,) = [one for one in scraper.getresponse().read().decode().splitlines() if one.startswith(ENDS)]
        return float(line.split()[1])

    old = client.certificate()
    assert told() == old.not_valid_after_utc.timestamp()
    assert "is revoked, and a new one is asked for" in stack.exec("acme", *REVOKE)
    assert ca.status(old.serial_number) == "Revoked"
    until(lambda: client.serial() != old.serial_number, 120)
    new = client.certificate()
    assert ca.status(new.serial_number) == "Valid"
    assert new.public_key() != old.public_key()
    assert told() == new.not_valid_after_utc.timestamp() > old.not_valid_after_utc.timestamp()
    assert stack.changes() == {}


@pytest.mark.goes_on_from("test_the_first_time_fails_with_what_the_ca_said_and_succeeds_when_that_is_fixed")
def test_another_name_has_its_certificate_before_the_old_one_ends_to_be_shown(
    stack: Deployment, operations: Operations, ca: fake.Pebble, client: Client
) -> None:
    ca.stop()
    stack.set(hostname=OTHER)
    assert f"gave no certificate for {OTHER}: " in operations.up(status=1)
    assert client.answers(), "by its old name"
    ca.start()
    client.roots.append(ca.root())
    operations.up()
    client.name = OTHER
    assert client.answers()


@pytest.mark.goes_on_from("test_the_first_time_fails_with_what_the_ca_said_and_succeeds_when_that_is_fixed")
def test_a_stack_that_is_taken_down_and_up_asks_for_no_new_certificate(
    stack: Deployment, operations: Operations, ca: fake.Pebble, client: Client
) -> None:
    ca.stop()
    old = client.serial()
    operations.finish(operations.start("env", "CONFIRM=yes", "ops/down.sh", stack.name))
    assert stack.there() == []
    operations.up()
    assert client.serial() == old
    client.key = str(stack.output("master_key"))
    assert client.answers()


@pytest.mark.goes_on_from("test_the_first_time_fails_with_what_the_ca_said_and_succeeds_when_that_is_fixed")
def test_nor_does_one_that_comes_back_from_its_backup_on_another_machine(
    stack: Deployment, operations: Operations, client: Client
) -> None:
    """Last: the CA is away."""

    def account() -> str:
        return stack.exec("acme", "sh", "-c", "find /var/lib/acme/accounts -type f | sort | xargs sha256sum")

    def run(*command: str) -> str:
        return operations.finish(operations.start(*command))

    before, old, key = account(), client.serial(), stack.output("master_key")
    assert ".key" in before
    kept = stack.folder / "kept.backup"
    run(".venv/bin/python", "-m", "ops.backup", stack.name, str(kept))
    assert PASSWORD not in kept.read_text()
    assert "PRIVATE KEY" not in kept.read_text()
    lose(stack, *acme_volumes(f"litellm-claude-{stack.name}").values())
    run("ops/restore.sh", stack.name, str(kept))
    operations.up()
    find(stack)
    assert client.serial() == old
    assert account() == before
    assert stack.output("master_key") == key
    assert client.answers()
    assert stack.changes() == {}
