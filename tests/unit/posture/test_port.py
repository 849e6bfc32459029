"""The published port, asked for real: a server on loopback, behind TLS and without."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import trustme

from posture import acme
from posture.edge import Edge
from posture.engine import Engine
from tests.unit.posture.conftest import KEY, Make

CA = trustme.CA()
DAY = timedelta(days=1)


class Handler(BaseHTTPRequestHandler):
    """Answers with what it was asked, in headers."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("X-Path", self.path)
        self.send_header("X-Key", str(self.headers.get("authorization")))
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def server(issued: trustme.LeafCert | None = None) -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Handler) as made:
        if issued:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            issued.configure_cert(context)
            made.socket = context.wrap_socket(made.socket, server_side=True)
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        yield made.server_port
        made.shutdown()


def edge_of(make: Make, issued: trustme.LeafCert, **settings: Any) -> Edge:
    chain, key = (blob.bytes().decode() for blob in (issued.cert_chain_pems[0], issued.private_key_pem))
    given = {"tls": "provided", "tlsCertificate": chain, "tlsPrivateKey": key, "hostname": "gw.example.org"}
    edge = Edge(make(settings={"bindAddresses": ["127.0.0.1"], **given, **settings}).declaration, Engine())
    edge.certificate = chain
    return edge


@pytest.fixture(scope="module")
def issued() -> trustme.LeafCert:
    return CA.issue_cert("gw.example.org")


def test_the_declared_certificate_alone_is_trusted(make: Make, issued: trustme.LeafCert) -> None:
    with server(issued) as port:
        edge = edge_of(make, issued, port=port)
        answer = edge.get("/v1/models", key=KEY)
        assert (answer.status, answer.headers["x-path"], answer.headers["x-key"]) == (
            200,
            "/v1/models",
            f"Bearer {KEY}",
        )
        assert edge.get("/healthz").headers["x-key"] == "None"
        edge.certificate = CA.issue_cert("gw.example.org").cert_chain_pems[0].bytes().decode()
        stranger = edge.get("/v1/models", key=KEY)
        assert stranger.status == 0
        assert stranger.error.startswith("the certificate is not the declared one (")


def test_a_certificate_for_another_name_is_not_trusted(make: Make, issued: trustme.LeafCert) -> None:
    with server(issued) as port:
        edge = edge_of(make, issued, port=port)
        edge.hostname = "other.example.org"
        assert edge.get("/").error.startswith("the certificate is not the declared one (")


def test_an_expired_certificate_is_asked_all_the_same(make: Make) -> None:
    """https.days-left judges the dates."""
    now = datetime.now(UTC)
    old = CA.issue_cert("gw.example.org", not_before=now - 2 * DAY, not_after=now - DAY)
    with server(old) as port:
        edge = edge_of(make, CA.issue_cert("gw.example.org"), port=port)
        edge.certificate = old.cert_chain_pems[0].bytes().decode()
        assert edge.get("/").status == 200


def test_another_port_is_asked_without_tls(make: Make, issued: trustme.LeafCert) -> None:
    with server() as port:
        edge = edge_of(make, issued, port=443)
        assert edge.get("/x", encrypted=False, port=port).headers["x-path"] == "/x"
        assert edge.get("/x", port=port).error == "no answer (SSLError)"


def test_who_does_not_answer_is_said_in_one_word(make: Make, issued: trustme.LeafCert) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        answer = edge_of(make, issued, port=closed.getsockname()[1]).get("/healthz")
    assert (answer.status, str(answer)) == (0, "no answer (ConnectionRefusedError)")


def test_a_silent_port_is_given_up(make: Make, issued: trustme.LeafCert, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posture.edge.SECONDS", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert edge_of(make, issued, port=silent.getsockname()[1]).get("/").error == "no answer (TimeoutError)"


def test_without_tls_nothing_is_encrypted(make: Make) -> None:
    with server() as port:
        settings = {"environment": "development", "tls": "off", "bindAddresses": ["127.0.0.1"], "port": port}
        assert Edge(make(settings=settings).declaration, Engine()).get("/healthz").status == 200


def test_the_certificate_by_acme_is_the_one_that_the_gateway_shows(
    make: Make, issued: trustme.LeafCert, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acme, "served", lambda *_: "by acme")
    edge = Edge(make().declaration, Engine())
    assert edge.certificate == "by acme"


def test_where_this_machine_is_a_caller_for_sure_an_answer_is_expected(make: Make) -> None:
    def expected(host: str, *, allowed: bool) -> bool:
        return Edge(make(settings={"allowHost": allowed}).declaration, Engine(host)).expected

    assert expected("unix:///x", allowed=True)
    assert not expected("unix:///x", allowed=False)
    assert not expected("ssh://far", allowed=True)
