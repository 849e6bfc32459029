"""`tls: acme` on a whole stack, from a real CA: it takes the place of `managed`, and renews itself, under load."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pulumi import automation

from posture.model import Status
from rules.layout import acme_volumes
from testbed import pebble as fake
from testbed.deployment import Deployment, deployment, docker
from testbed.hosts import Internet, internet
from tests.integration.acme_client import NAME, PORT, REDIRECT, Client, state, until
from tests.integration.conftest import TOKEN
from tests.integration.verdicts import report_of, with_status


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
def stack(outside: Internet) -> Iterator[Deployment]:
    """One with a certificate of its own CA."""
    with deployment(
        "prod",
        hostname=NAME,
        port=PORT,
        redirectPort=REDIRECT,
        bindAddresses=["127.0.0.1", outside.host.machine],
        allowHost=True,
        allowedCidrs=["192.0.2.0/24"],  # the CA is none of these
        drainSeconds=5,
        **outside.settings,
    ) as made:
        made.set_secret("claudeOauthToken", TOKEN)
        made.up()
        yield made
    for volume in acme_volumes(f"litellm-claude-{made.name}").values():
        docker("volume", "rm", "--force", volume, check=False)


@pytest.fixture(scope="module")
def client(stack: Deployment) -> Client:
    return Client(stack, [str(stack.output("ca_certificate"))], key=str(stack.output("master_key")))


def test_the_way_from_managed_to_acme_fails_no_request_whether_the_ca_is_there_or_not(
    stack: Deployment, ca: fake.Pebble, client: Client
) -> None:
    old = client.serial()
    stack.set(
        tls="acme",
        acmeEmail="you@example.org",
        acmeChallenge="http-01",
        acmeDirectory=ca.directory,
        acmeDirectoryCa=ca.ca,
        verifyOnUpdate=False,  # the certificate is waited for all the same
    )
    ca.stop()
    with client.load():
        with pytest.raises(automation.errors.CommandError, match=f"{fake.NAME} gave no certificate for {NAME}: "):
            stack.up()
        assert client.serial() == old
        ca.start()
        client.roots.append(ca.root())
        stack.up()
        assert client.serial() != old
    assert client.failed == []
    assert client.asked > 100
    assert stack.changes() == {}
    stack.set(verifyOnUpdate=None)
    stack.up()


@pytest.mark.goes_on_from("test_the_way_from_managed_to_acme_fails_no_request_whether_the_ca_is_there_or_not")
def test_every_check_of_the_certificate_understands_it(stack: Deployment) -> None:
    found = report_of(stack, "https", "network")
    assert with_status(found, Status.FAIL) == {}
    assert "is not one that this machine trusts; its clients must" in with_status(found, Status.WARN)["https.chain"]
    judged = {"https.acme", "https.certificate", "https.days-left", "https.profile", "network.acme-closed"}
    assert judged <= set(with_status(found, Status.PASS))


@pytest.mark.goes_on_from("test_the_way_from_managed_to_acme_fails_no_request_whether_the_ca_is_there_or_not")
def test_the_port_of_the_challenge_answers_everybody_that_alone(stack: Deployment, outside: Internet) -> None:
    url = f"http://{outside.host.machine}:{REDIRECT}"
    assert outside.host.curl(f"{url}/.well-known/acme-challenge/no-such-token") == "503"  # lego listens while it asks
    for path in ("/", "/.well-known/acme-challenge/", "/.well-known/acme-challenge/../v1/models", "/v1/models"):
        assert outside.host.curl(url + path, "--path-as-is") == "000"
    assert outside.host.curl(f"https://{outside.host.machine}:{PORT}/healthz", "-k") == "000"


@pytest.mark.goes_on_from("test_the_way_from_managed_to_acme_fails_no_request_whether_the_ca_is_there_or_not")
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


@pytest.mark.goes_on_from("test_the_way_from_managed_to_acme_fails_no_request_whether_the_ca_is_there_or_not")
def test_it_renews_itself_under_load_when_the_ca_is_back_and_no_request_fails(
    stack: Deployment, ca: fake.Pebble, client: Client
) -> None:
    ca.stop()
    ca.seconds = 45
    old = client.serial()
    client.asked = 0
    with client.load():
        docker("kill", "--signal", "USR1", stack.container("acme"))  # as when it was revoked
        until(lambda: state(stack)["state"] == "failed")
        assert client.serial() == old
        assert set(with_status(report_of(stack, "https"), Status.FAIL)) == {"https.acme"}
        ca.start()
        client.roots.append(ca.root())
        stream = client.stream()
        docker("kill", "--signal", "USR1", stack.container("acme"))
        until(lambda: client.serial() != old)
        short = client.serial()
        ca.seconds = 90 * 86400
        ca.start()
        client.roots.append(ca.root())
        until(lambda: client.serial() != short)  # with a third of its 45 seconds left
        assert state(stack)["state"] == "served"
        assert not stream[-1].startswith(b"data: [DONE]"), "it was there all the while"
        come = len(stream)
        until(lambda: len(stream) > come)
    assert client.failed == []
    assert client.asked > 100
    assert stack.changes() == {}


@pytest.mark.goes_on_from("test_the_way_from_managed_to_acme_fails_no_request_whether_the_ca_is_there_or_not")
def test_what_comes_back_asks_for_no_new_certificate(stack: Deployment, ca: fake.Pebble, client: Client) -> None:
    ca.stop()
    old = client.serial()
    docker("restart", *(stack.container(role) for role in ("gateway", "acme")))
    until(lambda: client.answers() and state(stack)["state"] == "served")
    assert client.serial() == old
