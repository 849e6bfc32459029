"""A certificate that comes to the gateway while it runs, as `tls: acme` hands it over."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from cryptography import x509

from testbed import gateway as bed
from tests.gateway import certificates

NAME, NETWORK, VOLUME = "gw-acme", "gw-acme-door", "gw-acme-certificate"
SETTINGS = {"GATEWAY_TLS": "on", "GATEWAY_TLS_FILE": "/srv/certificate/tls.pem", "GATEWAY_HOSTNAME": "gateway.test"}
PAIRS = [certificates.issue("gateway.test") for _ in range(3)]
Start = Callable[..., None]


@pytest.fixture
def start(gateway_image: str) -> Iterator[Start]:
    def clean() -> None:
        bed.docker("rm", "--force", NAME, check=False)
        bed.docker("volume", "rm", "--force", VOLUME, check=False)
        bed.docker("network", "rm", NETWORK, check=False)

    def run(**settings: str) -> None:
        environment = (part for pair in {**SETTINGS, **settings}.items() for part in ("--env", "=".join(pair)))
        bed.docker(
            *("run", "--detach", "--name", NAME, "--network", NETWORK, "--network-alias", "gateway-door"),
            *("--volume", f"{VOLUME}:/srv/certificate", "--tmpfs", "/run/gateway:uid=100,gid=101,mode=0700"),
            *environment,
            gateway_image,
        )
        bed.wait_until(lambda: bed.healthy(NAME, "gateway-healthcheck"), 30, "the gateway is healthy")

    clean()
    bed.docker("network", "create", "--internal", NETWORK)
    yield run
    clean()


def said(port: int, *lines: str) -> str:
    """What HAProxy answers to ``lines``: on the runtime API's port on loopback, else as the front hears it.

    Nobody listens for a moment when the first certificate is there.
    """
    host, ends = ("127.0.0.1", "\n") if port == 8406 else ("gateway-door", "\r\n\r\n")
    script = f"exec 3<>/dev/tcp/{host}/{port} && printf '%s' \"$1\" >&3 && cat <&3"
    return bed.docker("exec", NAME, "bash", "-c", script, "-", *(line + ends for line in lines), check=False)


def ready(what: str = "ready") -> str:
    return "".join(said(8405, f"GET /{what} HTTP/1.0").splitlines()[:1])


def hand_over(pair: certificates.Pair, key: str = "", when: str = "now") -> None:
    whole = f"cat >new && chown 10003:101 new && chmod 640 new && touch -d '{when}' new"
    script = f"cd /srv/certificate && {whole} && mv new tls.pem"
    pem = f"{pair.certificate}\n{key or pair.key}\n"
    bed.run("docker", "exec", "--interactive", "--user", "0", NAME, "sh", "-c", script, stdin=pem)


def shown() -> int | None:
    lines = said(8406, "show ssl cert /run/gateway/tls.pem").splitlines()
    return next((int(line.split()[1], 16) for line in lines if line.startswith("Serial:")), None)


def serial(pair: certificates.Pair) -> int:
    return x509.load_pem_x509_certificate(pair.certificate.encode()).serial_number


def shows(pair: certificates.Pair) -> bool:
    return shown() == serial(pair)


def refused(port: int) -> bool:
    """Whether nobody listens there, as the front finds it: it then offers the connection to another gateway."""
    return "refused" in bed.docker("exec", NAME, "bash", "-c", f"exec 3<>/dev/tcp/gateway-door/{port}", check=False)


def test_it_serves_with_its_first_certificate_and_takes_each_new_one_as_it_runs(start: Start) -> None:
    start()
    assert ready() == "HTTP/1.1 404 Not Found"  # another gateway may have one
    assert refused(8443)
    hand_over(PAIRS[0])
    bed.wait_until(lambda: ready() == "HTTP/1.1 200 OK", 20, "it is ready")
    assert not refused(8443)
    assert shows(PAIRS[0])
    hand_over(PAIRS[1])
    bed.wait_until(partial(shows, PAIRS[1]), 20, "it is shown")
    hand_over(PAIRS[0], when="2 days ago")  # the clock was set back, or a volume restored
    bed.wait_until(partial(shows, PAIRS[0]), 20, "it is shown, too")
    hand_over(PAIRS[1])
    bed.wait_until(partial(shows, PAIRS[1]), 20, "it is shown")
    hand_over(PAIRS[2], key=PAIRS[0].key)
    bed.wait_until(lambda: "does not take the new certificate" in bed.docker("logs", NAME), 20, "it is said")
    assert shown() == serial(PAIRS[1])
    assert "PRIVATE" not in bed.docker("logs", NAME)


def test_the_ca_gets_in_before_there_is_a_certificate_and_nobody_else(start: Start) -> None:
    start(GATEWAY_REDIRECT="true", GATEWAY_CHALLENGE="true", GATEWAY_METRICS_KEY_SHA256="0" * 64)
    assert ready("challenge") == "HTTP/1.1 200 OK"
    assert ready() == "HTTP/1.1 404 Not Found"
    assert not refused(8080)
    assert refused(8443)
    assert refused(8090)
    hand_over(PAIRS[0])
    bed.wait_until(lambda: ready() == "HTTP/1.1 200 OK", 20, "it is ready")
    assert ready("challenge") == "HTTP/1.1 200 OK"


@pytest.mark.parametrize("signal", ["TERM", "USR1"])
def test_one_that_waits_ends_when_it_is_told_to(start: Start, signal: str) -> None:
    start()
    bed.docker("kill", "--signal", signal, NAME)
    bed.wait_until(lambda: bed.docker("inspect", "--format", "{{.State.Status}}", NAME) == "exited", 10, "it ended")
    assert bed.docker("inspect", "--format", "{{.State.ExitCode}}", NAME) == "0"
