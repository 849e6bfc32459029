"""The way out: CONNECT to allowed names and ports, never to a private address, whatever the DNS says."""

import time
from collections.abc import Callable, Iterator
from ipaddress import ip_network

import pytest

from rules.addresses import PRIVATE, without
from testbed import gateway as bed
from tests.gateway.egress_bed import ALLOW, DNS, ECHO, NAMES, OTHER, OUTSIDE4, SERVER, Egress, client_hello


@pytest.fixture(scope="module")
def outside(backend_image: str) -> Iterator[str]:
    """The egress network, and on it a name server and echo servers at addresses of the test's choice."""
    for name in ("gw-out", "gw-in"):
        bed.docker("network", "rm", name, check=False)
    bed.docker("network", "create", "--subnet", f"{OUTSIDE4}.0/24", "gw-out")
    bed.docker("network", "create", "--internal", "gw-in")
    names = [f"{name}={answers}" for name, answers in NAMES.items()]
    server = ["--user", "root", "--ip"]
    bed.start("gw-dns", backend_image, ["gw-out"], *server, DNS, command=["python3", "/dns_server.py", DNS, *names])
    for number, address in enumerate((SERVER, OTHER)):
        options = [*server, address]
        bed.start(f"gw-server-{number}", backend_image, ["gw-out"], *options, command=["python3", "-c", ECHO, address])
    bed.start("gw-inside", backend_image, ["gw-in"], command=["sleep", "600"])
    yield "gw-out"
    bed.docker("rm", "-f", "gw-dns", "gw-server-0", "gw-server-1", "gw-inside")
    bed.docker("network", "rm", "gw-out", "gw-in")


EgressFactory = Callable[..., Egress]


@pytest.fixture(scope="module")
def make_egress(egress_image: str, outside: str) -> Iterator[EgressFactory]:
    made: list[str] = []
    owner = bed.user_of(egress_image)

    def make(**settings: str) -> Egress:
        name = f"gw-egress-{len(made)}"
        made.append(name)
        open_ones = settings.pop("private", "")
        closed = without(PRIVATE, [ip_network(network) for network in open_ones.split(",") if network])
        values = {"EGRESS_ALLOW": ALLOW, "EGRESS_CLOSED_CIDRS": ",".join(map(str, closed))}
        values |= {f"EGRESS_{key.upper()}": value for key, value in settings.items()}
        bed.start(
            name,
            egress_image,
            [outside, "gw-in"],
            *("--dns", DNS, *bed.HARDENING),
            *("--tmpfs", f"/run/squid:{owner},mode=0700,size=1m,noexec,nosuid,nodev", *bed.environment(values)),
        )
        bed.wait_until(lambda: bed.healthy(name, "egress-healthcheck"), 15, f"{name} is healthy")
        return Egress(name, "gw-inside", bed.address_of(name, "gw-in"))

    yield make
    bed.docker("rm", "-f", *made)


@pytest.fixture(scope="module")
def egress(make_egress: EgressFactory) -> Egress:
    """The test's own servers have private addresses: those two are the exception that the settings allow."""
    return make_egress(private=f"{SERVER}/32,{OTHER}/32")


@pytest.mark.parametrize(("drain", "goes_on"), [({}, False), ({"drain_seconds": "30"}, True)], ids=["alone", "shared"])
def test_what_is_open_goes_on_for_as_long_as_it_is_told_to_and_nothing_new_begins(
    make_egress: EgressFactory, drain: dict[str, str], goes_on: bool
) -> None:
    """In a Swarm, where every LiteLLM may ask through any proxy, an update of one cuts no answer."""
    one = make_egress(private=f"{SERVER}/32,{OTHER}/32", **drain)
    with one.kept_open("good.test.example") as tunnel:
        bed.docker("kill", "--signal", "TERM", one.name)
        time.sleep(6)  # longer than the three seconds that it has otherwise
        tunnel.heard()
        time.sleep(2)
        assert (tunnel.heard() > 0) is goes_on
        if goes_on:
            assert one.refuses()
    state = ("inspect", "--format", "{{.State.Status}}", one.name)
    bed.wait_until(lambda: bed.docker(*state) == "exited", 15, "it ends with its last tunnel")


@pytest.mark.parametrize("name", ["good.test.example", "GOOD.test.Example", "wide.example", "sub.wide.example"])
def test_an_allowed_name_is_reached(egress: Egress, name: str) -> None:
    status, back = egress.connect(f"{name}:443")
    assert status == 200
    assert back.startswith(f"{SERVER} ".encode())


@pytest.mark.parametrize(
    "server_name", ["elsewhere.example", "xgood.test.example", "good.test.example.evil.example", "wide.example.evil"]
)
def test_a_handshake_that_asks_for_another_server_ends_before_it_gets_there(egress: Egress, server_name: str) -> None:
    """On a shared CDN the address is the same; the server name alone says where a connection goes."""
    status, back = egress.connect("good.test.example:443", server_name=server_name)
    assert (status, back) == (200, b"")
    bed.wait_until(
        lambda: any((line["server_name"], line["decision"]) == (server_name, "terminate") for line in egress.log()),
        5,
        "the refusal is in the log",
    )


def test_a_handshake_goes_through_byte_for_byte(egress: Egress) -> None:
    """So that nothing stands between the two ends of TLS: pinned certificates and client certificates work."""
    hello = client_hello("good.test.example")
    assert egress.connect("good.test.example:443", hello)[1] == f"{SERVER} ".encode() + hello


@pytest.mark.parametrize("spoken", [b"GET / HTTP/1.1\r\nhost: good.test.example\r\n\r\n", b"SSH-2.0-x\r\n", b"\0" * 40])
def test_what_is_no_tls_ends_before_it_gets_there(egress: Egress, spoken: bytes) -> None:
    assert SERVER.encode() not in egress.connect("good.test.example:443", spoken)[1]


@pytest.mark.parametrize(
    "target",
    [
        *(
            "elsewhere.example:443",
            "xgood.test.example:443",
            "good.test.example.evil.example:443",
            "notwide.example:443",
        ),
        *("test.example:443", "example:443", "localhost:443", "egress:443", "litellm:4000", "good.test.example:8443"),
        *(
            "good.test.example:22",
            "good.test.example:80",
            f"{SERVER}:443",
            "10.1.2.3:443",
            "127.0.0.1:443",
            "[::1]:443",
        ),
        *(
            "169.254.169.254:443",
            "2130706433:443",
            "0x7f000001:443",
            "0177.0.0.1:443",
            "127.1:443",
            "[::ffff:7f00:1]:443",
        ),
        *("good.test.example@elsewhere.example:443", "[fd00:ec2::254]:443", "0:443", "good.test.example%00.x:443"),
    ],
)
def test_anything_else_is_refused(egress: Egress, target: str) -> None:
    assert egress.connect(target)[0] in (400, 403)


@pytest.mark.parametrize("name", [name for name, answer in NAMES.items() if SERVER not in answer])
def test_an_allowed_name_that_leads_to_a_special_address_is_refused(egress: Egress, name: str) -> None:
    """IPv6 answers are refused by the rule where Squid has IPv6, and not asked for where it has none."""
    status, back = egress.connect(f"{name}:443")
    assert status in ((403, 200) if ":" in NAMES[name] else (403,))
    assert not back.startswith((SERVER.encode(), OTHER.encode()))


def test_the_private_exception_covers_just_what_it_names(make_egress: EgressFactory) -> None:
    without = make_egress()
    assert without.connect("good.test.example:443")[0] == 403
    wide = make_egress(closed_cidrs="10.9.9.9/32")
    for name in ("metadata", "azure-metadata", "alibaba-metadata", "loopback", "multicast", "reserved", "zero"):
        assert wide.connect(f"{name}.test.example:443")[0] == 403


@pytest.mark.parametrize("name", ["mixed", "mixed-metadata"])
def test_one_special_address_among_the_answers_refuses_the_name(egress: Egress, name: str) -> None:
    assert egress.connect(f"{name}.test.example:443")[0] == 403


def test_a_name_server_that_changes_its_answer_gains_nothing(egress: Egress) -> None:
    """DNS rebinding: the address that was checked is the one that is connected to (and kept for a while)."""
    for _ in range(6):
        status, back = egress.connect("rebinding.test.example:443")
        assert status == 403 or back.split(b" ")[0].decode() in (SERVER, OTHER)
    addresses = {line["address"] for line in egress.log() if line["host"] == "rebinding.test.example"}
    assert addresses <= {SERVER, OTHER, "-"}


def test_a_refused_name_is_never_looked_up(egress: Egress) -> None:
    """Otherwise the allow-list would leak data by DNS."""
    for target in ("secret-data.evil.example:443", "secret-data.evil.example:22"):
        assert egress.connect(target)[0] == 403
    egress.send(b"GET http://secret-data.evil.example/ HTTP/1.1\r\nhost: secret-data.evil.example\r\n\r\n")
    time.sleep(0.3)
    assert "secret-data" not in bed.docker("logs", "gw-dns")


@pytest.mark.parametrize(
    "request_line",
    [
        *("GET http://good.test.example/", "GET http://good.test.example:443/", "POST http://good.test.example/"),
        *("GET https://good.test.example/", "GET http://user:sk-secret@good.test.example/?key=sk-secret", "GET /"),
        *("GET http://egress:3128/squid-internal-mgr/info", "PURGE http://good.test.example/", "OPTIONS *"),
        *("GET cache_object://localhost/info", "GET ftp://good.test.example/", "TRACE http://good.test.example/"),
    ],
)
def test_everything_but_connect_is_refused(egress: Egress, request_line: str) -> None:
    status, _ = egress.send(f"{request_line} HTTP/1.1\r\nhost: good.test.example\r\n\r\n".encode())
    assert status in (400, 403, 501)


def test_with_an_empty_list_nothing_is_reached(make_egress: EgressFactory) -> None:
    assert make_egress(allow="", private=f"{SERVER}/32").connect("good.test.example:443")[0] == 403


def test_ports_and_addresses_can_be_allowed_by_name(make_egress: EgressFactory) -> None:
    egress = make_egress(allow=f"good.test.example,{SERVER}", ports="443,8443", private=f"{SERVER}/32")
    for target in ("good.test.example:8443", f"{SERVER}:443"):
        assert egress.connect(target)[1].startswith(f"{SERVER} ".encode())
    assert egress.connect(f"{OTHER}:443")[0] == 403


def test_the_log_is_json_and_holds_no_secret(egress: Egress) -> None:
    egress.connect("good.test.example:443")
    egress.connect("good.test.example:443", b"sk-secret-in-tunnel")
    egress.send(b"GET http://user:sk-secret@good.test.example/sk-secret?key=sk-secret HTTP/1.1\r\nhost: x\r\n\r\n")
    egress.send(b'GET http://a"b/ HTTP/1.1\r\nproxy-authorization: Basic sk-secret\r\nhost: x\r\n\r\n')

    def tunnels() -> list[dict[str, object]]:
        return [line for line in egress.log() if (line["status"], line["result"]) == (200, "TCP_TUNNEL")]

    bed.wait_until(tunnels, 5, "the tunnel is logged")
    line = tunnels()[0]
    assert (line["method"], line["port"], line["address"]) == ("CONNECT", "443", SERVER)
    assert str(line["server_name"]).lower() in NAMES
    assert str(line["host"]).lower() in NAMES
    assert isinstance(line["ms_total"], int)
    assert "sk-secret" not in bed.docker("logs", egress.name)


def test_it_is_small_and_stops_quickly(make_egress: EgressFactory) -> None:
    egress = make_egress()
    used = bed.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", egress.name).split("MiB")[0]
    assert float(used) < 40
    began = time.monotonic()
    bed.docker("stop", "--time", "20", egress.name)
    assert time.monotonic() - began < 15
    assert bed.docker("inspect", "--format", "{{.State.ExitCode}}", egress.name) == "0"
