"""`tls: acme` on a whole stack, from a real CA: it comes with the first `up`, and renews itself under load."""

import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from pulumi import automation

from posture.model import Status
from rules.layout import acme_volumes
from tests.fakes import pebble as fake
from tests.integration.conftest import TOKEN
from tests.integration.deployment import Deployment, deployment, docker
from tests.integration.hosts import Internet, internet
from tests.integration.verdicts import report_of, with_status

NAME, PORT, REDIRECT = "gw.example.org", 14590, 14591


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """An internet in which the CA and the gateway have names."""
    with internet(Path(tmp_path_factory.mktemp("internet")), {fake.NAME: "self", NAME: "machine"}) as made:
        yield made


@pytest.fixture(scope="module")
def ca(outside: Internet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[fake.Pebble]:
    with fake.pebble(outside.host, Path(tmp_path_factory.mktemp("pebble")), REDIRECT) as made:
        yield made


@pytest.fixture(scope="module")
def stack(outside: Internet, ca: fake.Pebble) -> Iterator[Deployment]:
    with deployment(
        "prod",
        tls="acme",
        hostname=NAME,
        port=PORT,
        redirectPort=REDIRECT,
        bindAddresses=["127.0.0.1", outside.host.machine],
        allowHost=True,
        allowedCidrs=["192.0.2.0/24"],  # the CA is none of these
        acmeEmail="you@example.org",
        acmeChallenge="http-01",
        acmeDirectory=ca.directory,
        acmeDirectoryCa=ca.ca,
        egressDns=[outside.host.address],
        egressPrivateCidrs=[f"{outside.host.address}/32"],
        upstreamCaCertificates=outside.ca,
        drainSeconds=5,
    ) as made:
        made.set_secret("claudeOauthToken", TOKEN)
        yield made
    for volume in acme_volumes(f"litellm-claude-{made.name}").values():
        docker("volume", "rm", "--force", volume, check=False)


@dataclass
class Client:
    """A client that trusts the CA's root alone, and knows where the name leads."""

    stack: Deployment
    roots: list[str]
    failed: list[str] = field(default_factory=list)
    asked: int = 0

    def connect(self) -> http.client.HTTPConnection:
        context = ssl.create_default_context(cadata="".join(self.roots))
        connection = http.client.HTTPConnection(NAME, PORT, timeout=30)
        raw = socket.create_connection(("127.0.0.1", PORT), 30)
        connection.sock = context.wrap_socket(raw, server_hostname=NAME)
        return connection

    def serial(self) -> int:
        with contextlib.closing(self.connect()) as connection:
            assert isinstance(connection.sock, ssl.SSLSocket)
            der = connection.sock.getpeercert(binary_form=True)
        return x509.load_der_x509_certificate(der or b"").serial_number

    def ask(self, connection: http.client.HTTPConnection) -> int:
        connection.request("GET", "/v1/models", headers={"authorization": f"Bearer {self.stack.output('master_key')}"})
        answer = connection.getresponse()
        answer.read()
        return answer.status

    def answers(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(self.connect()) as connection:
            return self.ask(connection) == 200
        return False

    @contextlib.contextmanager
    def load(self) -> Iterator[None]:
        """Asks all the while: on one connection that is kept, and on new ones."""
        end = threading.Event()

        def run(*, kept: bool) -> None:
            connection = self.connect()
            while not end.wait(0.01):
                try:
                    connection = connection if kept else self.connect()
                    status = self.ask(connection)
                    self.asked += 1
                    if status != 200:
                        self.failed.append(str(status))
                except (OSError, http.client.HTTPException) as error:
                    self.failed.append(repr(error))
                    connection = self.connect()

        threads = [threading.Thread(target=run, kwargs={"kept": kept}) for kept in (True, False)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            end.set()
            for thread in threads:
                thread.join()


@pytest.fixture(scope="module")
def client(stack: Deployment) -> Client:
    return Client(stack, [])


def state(stack: Deployment) -> dict[str, object]:
    with contextlib.suppress(ValueError):  # it begins
        return dict(json.loads(stack.exec("acme", "cat", "/run/acme/state.json")))
    return {"state": None}


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    for _ in range(int(seconds / 0.2)):
        if holds():
            return
        time.sleep(0.2)
    raise AssertionError("it does not come to hold")


def test_the_first_up_says_what_the_ca_said_and_the_next_one_has_a_certificate(
    stack: Deployment, ca: fake.Pebble, client: Client
) -> None:
    ca.stop()
    with pytest.raises(automation.errors.CommandError, match=f"{fake.NAME} gave no certificate for {NAME}: "):
        stack.up()
    ca.start()
    client.roots.append(ca.root())
    stack.up()
    with contextlib.closing(client.connect()) as connection:
        assert client.ask(connection) == 200
    assert stack.changes() == {}


def test_every_check_of_the_certificate_understands_it(stack: Deployment) -> None:
    found = report_of(stack, "https", "network")
    assert with_status(found, Status.FAIL) == {}
    assert "is not one that this machine trusts; its clients must" in with_status(found, Status.WARN)["https.chain"]
    judged = {"https.acme", "https.certificate", "https.days-left", "https.profile", "network.acme-closed"}
    assert judged <= set(with_status(found, Status.PASS))


def test_the_port_of_the_challenge_answers_everybody_that_alone(stack: Deployment, outside: Internet) -> None:
    url = f"http://{outside.host.machine}:{REDIRECT}"
    assert outside.host.curl(f"{url}/.well-known/acme-challenge/no-such-token") == "503"  # lego listens while it asks
    for path in ("/", "/.well-known/acme-challenge/", "/.well-known/acme-challenge/../v1/models", "/v1/models"):
        assert outside.host.curl(url + path, "--path-as-is") == "000"
    assert outside.host.curl(f"https://{outside.host.machine}:{PORT}/healthz", "-k") == "000"


def test_nothing_but_the_ca_is_reached_and_no_key_is_there(stack: Deployment) -> None:
    variables = stack.exec("acme", "env")
    assert stack.output("master_key") not in variables
    assert "LITELLM" not in variables
    ask = (
        "import socket, sys; s = socket.create_connection(('acme-egress', 3128), 5); "
        "s.sendall(b'CONNECT %s:443 HTTP/1.1\\r\\n\\r\\n' % sys.argv[1].encode()); print(s.recv(20))"
    )
    assert "403" in stack.exec("acme", "python3", "-c", ask, "api.anthropic.com")
    for name in ("litellm", "egress", "front", fake.NAME):
        assert stack.exec("acme", "timeout", "2", "getent", "hosts", name) == "", name


def test_it_renews_itself_under_load_when_the_ca_is_back_and_no_request_fails(
    stack: Deployment, ca: fake.Pebble, client: Client
) -> None:
    ca.stop()
    ca.seconds = 45
    old = client.serial()
    with client.load():
        docker("kill", "--signal", "USR1", stack.container("acme"))  # as when it was revoked
        until(lambda: state(stack)["state"] == "failed")
        assert client.serial() == old
        assert set(with_status(report_of(stack, "https"), Status.FAIL)) == {"https.acme"}
        ca.start()
        client.roots.append(ca.root())
        docker("kill", "--signal", "USR1", stack.container("acme"))
        until(lambda: client.serial() != old)
        short = client.serial()
        ca.seconds = 90 * 86400
        ca.start()
        client.roots.append(ca.root())
        until(lambda: client.serial() != short)  # with a third of its 45 seconds left
        assert state(stack)["state"] == "served"
    assert client.failed == []
    assert client.asked > 100
    assert stack.changes() == {}


def test_what_comes_back_asks_for_no_new_certificate(stack: Deployment, ca: fake.Pebble, client: Client) -> None:
    ca.stop()
    old = client.serial()
    docker("restart", *(stack.container(role) for role in ("gateway", "acme")))
    until(lambda: client.answers() and state(stack)["state"] == "served")
    assert client.serial() == old
