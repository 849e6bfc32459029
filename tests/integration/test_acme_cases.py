"""The container that asks for certificates, against a real CA: both challenges, and what can go wrong with them."""

import contextlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from testbed.deployment import ROOT, docker
from testbed.fakes import dns_provider, renewal_info
from testbed.fakes.dns_provider import DnsProvider
from testbed.hosts import Host, host
from testbed.pebble import NAME, Pebble, pebble

IMAGE = "litellm-claude-acme-tests"
GATEWAY, PORT = "gw.example.org", 14592
HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true", "--user", "10003:101")
TMPFS = ("--tmpfs", "/run/acme:uid=10003,gid=101,mode=0700", "--tmpfs", "/tmp:mode=1777")
REVOKE = ("python3", "-m", "acme_keeper", "revoke")
REVOKE_UNSEEN = """
import os, pathlib
from acme_keeper import lego, settings
own = settings.Settings.from_environment(os.environ)
lego.revoke(own, pathlib.Path("/var/lib/acme"), pathlib.Path("/run/acme/trusted.pem"))
print("revoked")
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[Host]:
    with host() as made:
        docker("build", "--quiet", "--tag", IMAGE, str(ROOT / "images" / "acme"))
        yield made


@pytest.fixture(scope="module")
def ca(machine: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    dns = f"{machine.machine}:{dns_provider.DNS_PORT}"
    with pebble(machine, Path(tmp_path_factory.mktemp("pebble")), PORT, dns=dns) as made:
        yield made


@pytest.fixture(scope="module")
def provider(machine: Host, ca: Pebble) -> Iterator[DnsProvider]:
    with DnsProvider(machine.machine, ca.authority) as made:
        yield made


@pytest.fixture
def renewals(machine: Host, ca: Pebble) -> Iterator[str]:
    with renewal_info.directory(ca, machine.machine) as made:
        yield made


class Acme:
    """Containers, one after the other, on the same two volumes."""

    def __init__(self, ca: Pebble, provider: DnsProvider) -> None:
        self.ca, self.provider, self.name = ca, provider, f"acme-{secrets.token_hex(3)}"

    def run(self, *, published: bool = True, **variables: str) -> None:
        self.end()
        environment = {
            "ACME_HOSTNAME": GATEWAY,
            "ACME_EMAIL": "you@example.org",
            "ACME_CHALLENGE": "http-01",
            "ACME_DIRECTORY": self.ca.directory,
            "ACME_DIRECTORY_CA": self.ca.ca,
            **variables,
        }
        docker(
            *("run", "--detach", "--name", self.name, *HARDENED, *TMPFS),
            *("--add-host", f"{NAME}:{self.ca.host.address}"),
            *("--add-host", f"{dns_provider.NAME}:{self.provider.address}"),
            *("--add-host", f"{renewal_info.NAME}:{self.provider.address}"),
            *("--volume", f"{self.name}-kept:/var/lib/acme", "--volume", f"{self.name}-handed:/srv/certificate"),
            *(("--publish", f"{self.ca.host.machine}:{PORT}:8080") if published else ()),
            *(part for name, value in environment.items() for part in ("--env", f"{name}={value}")),
            IMAGE,
        )

    def exec(self, *command: str) -> str:
        return docker("exec", self.name, *command, check=False)

    def state(self) -> dict[str, Any]:
        with contextlib.suppress(ValueError):
            return dict(json.loads(self.exec("cat", "/run/acme/state.json")))
        return {}

    def until(self, holds: Callable[[dict[str, Any]], bool], seconds: float = 60) -> dict[str, Any]:
        for _ in range(int(seconds / 0.2)):
            if (state := self.state()) and holds(state):
                return state
            time.sleep(0.2)
        raise AssertionError(f"{self.state()}\n{docker('logs', self.name)}")

    def ends(self, state: str) -> dict[str, Any]:
        return self.until(lambda now: bool(now["state"] == state))

    def serial(self) -> int:
        """The number of the certificate that the gateway is handed."""
        return x509.load_pem_x509_certificate(
            self.exec("cat", f"/srv/certificate/{GATEWAY}/tls.pem").encode()
        ).serial_number

    def end(self) -> None:
        docker("rm", "--force", self.name, check=False)


@pytest.fixture
def acme(ca: Pebble, provider: DnsProvider) -> Iterator[Acme]:
    made = Acme(ca, provider)
    yield made
    made.end()
    docker("volume", "rm", "--force", f"{made.name}-kept", f"{made.name}-handed", check=False)


def test_a_certificate_is_there_for_the_gateways_group_and_comes_back_with_the_volumes(acme: Acme) -> None:
    acme.run()
    first = acme.ends("served")
    shown = acme.exec("find", "/srv/certificate", "-mindepth", "1", "-printf", "%P %m %U:%G\n").splitlines()
    assert sorted(shown) == [
        f"{GATEWAY} 750 10003:101",
        f"{GATEWAY}/chain.pem 640 10003:101",
        f"{GATEWAY}/tls.pem 640 10003:101",
    ]
    assert acme.exec("find", "/var/lib/acme", "-perm", "/077", "-type", "f") == ""
    acme.run()
    assert acme.ends("served")["begins"] == first["begins"]
    acme.run(ACME_HOSTNAME="other.example.org")
    assert acme.ends("served")["hostname"] == "other.example.org"
    assert set(acme.exec("ls", "/srv/certificate").split()) == {GATEWAY, "other.example.org"}


def test_dns_01_leaves_no_record_no_secret_and_asks_no_resolver(acme: Acme, provider: DnsProvider) -> None:
    api = f"https://{dns_provider.NAME}:{dns_provider.API_PORT}"
    secret = f"HTTPREQ_ENDPOINT={api}\nHTTPREQ_USERNAME=me\nHTTPREQ_PASSWORD=s3cr3t\nHTTPREQ_POLLING_INTERVAL=1"
    dns = {"ACME_CHALLENGE": "dns-01", "ACME_DNS_PROVIDER": "httpreq", "ACME_DNS_ZONE": "example.org"}
    acme.run(published=False, ACME_DNS_VARIABLES=secret, ACME_DNS_SECONDS="1", **dns)
    acme.ends("served")
    assert [path for path, _ in provider.told] == ["/present", "/cleanup"]
    assert all(sent.startswith("Basic ") for _, sent in provider.told)
    assert provider.records == {}
    assert "s3cr3t" not in docker("logs", acme.name)
    assert "s3cr3t" not in acme.exec("grep", "-r", "s3cr3t", "/var/lib/acme", "/srv/certificate", "/run/acme")


def test_a_challenge_that_the_ca_cannot_read_is_told_in_its_words(acme: Acme) -> None:
    acme.run(published=False)
    assert f"{NAME} gave no certificate for {GATEWAY}: connection" in acme.ends("failed")["said"]


def test_a_ca_that_has_had_enough_is_left_alone_for_a_while(acme: Acme) -> None:
    acme.run(ACME_DIRECTORY=f"https://{dns_provider.NAME}:{dns_provider.API_PORT}/limited/dir")
    told = acme.ends("failed")
    assert told["said"].endswith(f"gave no certificate for {GATEWAY}: rateLimited: too many certificates")
    assert told["again"] - time.time() > 40
    acme.run(ACME_DIRECTORY=f"https://{dns_provider.NAME}:{dns_provider.API_PORT}/limited/dir")
    assert acme.ends("failed")["times"] == 1  # a restart is no reason to ask


def test_a_ca_that_is_down_is_asked_again_and_what_holds_stays(acme: Acme, ca: Pebble) -> None:
    acme.run()
    first = acme.ends("served")
    ca.stop()
    docker("kill", "--signal", "USR1", acme.name)
    assert acme.ends("failed")["ends"] == first["ends"]
    ca.start()
    docker("kill", "--signal", "USR1", acme.name)  # its account is gone with the CA's memory
    assert acme.ends("served")["begins"] > first["begins"]


def test_one_that_holds_for_seconds_is_renewed_before_its_end(acme: Acme, ca: Pebble) -> None:
    ca.seconds = 90  # a third of which is enough for an order, however busy the machine is
    ca.start()
    acme.run()
    first = acme.ends("served")
    second = acme.until(lambda now: bool(now["begins"] != first["begins"]), seconds=180)
    assert second["begins"] < first["ends"]


def test_who_has_it_revoked_gets_a_new_one_at_once_and_is_told_when_the_ca_is_not_there(acme: Acme, ca: Pebble) -> None:
    ca.seconds = 90 * 86400
    ca.start()
    acme.run()
    acme.ends("served")
    old = acme.serial()
    assert ca.status(old) == "Valid"
    assert acme.exec(*REVOKE) == f"The certificate for {GATEWAY} is revoked, and a new one is asked for."
    assert ca.status(old) == "Revoked"
    acme.until(lambda now: now["state"] == "served" and acme.serial() != old)
    assert ca.status(acme.serial()) == "Valid"
    ca.stop()
    assert f"acme: the certificate for {GATEWAY} is not revoked: " in acme.exec(*REVOKE)


def test_one_that_the_ca_has_revoked_is_replaced_by_itself(acme: Acme, ca: Pebble, renewals: str) -> None:
    ca.seconds = 1800  # of which a 24th is less than a minute and a half, and it is due after twenty
    ca.start()
    acme.run(ACME_DIRECTORY=renewals)
    acme.ends("served")
    old = acme.serial()
    assert "revoked" in acme.exec("python3", "-c", REVOKE_UNSEEN)
    assert ca.status(old) == "Revoked"
    acme.until(lambda now: now["state"] == "served" and acme.serial() != old, seconds=180)
    assert ca.status(acme.serial()) == "Valid"
