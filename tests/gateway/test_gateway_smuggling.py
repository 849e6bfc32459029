"""Requests that two programs could read differently: LiteLLM must see nothing, or exactly the one that was checked."""

# ruff: noqa: E501 (a request reads best on one line)

from collections.abc import Callable
from typing import Any

import pytest

from testbed import gateway as bed
from tests.gateway.clients import KEY, http2, tls
from tests.gateway.conftest import Caller, GatewayFactory

Received = Callable[[str], list[dict[str, Any]]]
HEAD = f"host: gateway.test\r\nauthorization: Bearer {KEY}\r\n"
INNER = "GET /key/info?smuggled HTTP/1.1\r\nhost: litellm\r\nauthorization: Bearer sk-good\r\n\r\n"
POST = "POST /v1/messages HTTP/1.1\r\n" + HEAD
CHUNKED_INNER = "0\r\n\r\n" + INNER
LENGTH = str(len(INNER))

VARIANTS = {
    "cl.te": POST + f"content-length: {len(CHUNKED_INNER)}\r\ntransfer-encoding: chunked\r\n\r\n" + CHUNKED_INNER,
    "te.cl": POST + "transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n" + CHUNKED_INNER,
    "two different lengths": POST + f"content-length: 0\r\ncontent-length: {LENGTH}\r\n\r\n" + INNER,
    "two lengths in a list": POST + f"content-length: 0, {LENGTH}\r\n\r\n" + INNER,
    "negative length": POST + "content-length: -1\r\n\r\n" + INNER,
    "signed length": POST + "content-length: +0\r\n\r\n" + INNER,
    "hexadecimal length": POST + "content-length: 0x0\r\n\r\n" + INNER,
    "huge length": POST + "content-length: 18446744073709551616\r\n\r\n" + INNER,
    "length with a space": POST + "content-length: 0 0\r\n\r\n" + INNER,
    "space before the colon": POST + f"content-length : {LENGTH}\r\n\r\n" + INNER,
    "te space before the colon": POST + "transfer-encoding : chunked\r\n\r\n" + CHUNKED_INNER,
    "te with a tab": POST + "transfer-encoding:\tchunked\r\ncontent-length: 0\r\n\r\n" + CHUNKED_INNER,
    "te xchunked": POST + "transfer-encoding: xchunked\r\ncontent-length: 0\r\n\r\n" + CHUNKED_INNER,
    "te identity": POST + "transfer-encoding: identity\r\ncontent-length: 0\r\n\r\n" + INNER,
    "te gzip, chunked": POST + "transfer-encoding: gzip, chunked\r\n\r\n" + CHUNKED_INNER,
    "te chunked, identity": POST + "transfer-encoding: chunked, identity\r\n\r\n" + CHUNKED_INNER,
    "te twice": POST + "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n" + CHUNKED_INNER,
    "te chunked twice": POST + "transfer-encoding: chunked, chunked\r\n\r\n" + CHUNKED_INNER,
    "te with a vertical tab": POST + "transfer-encoding: \x0bchunked\r\ncontent-length: 0\r\n\r\n" + CHUNKED_INNER,
    "te quoted": POST + 'transfer-encoding: "chunked"\r\ncontent-length: 0\r\n\r\n' + CHUNKED_INNER,
    "te over a folded line": POST + "transfer-encoding:\r\n chunked\r\n\r\n" + CHUNKED_INNER,
    "te after a bare line feed": POST + "x: y\ntransfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n" + CHUNKED_INNER,
    "te after a bare carriage return": POST
    + "x: y\rtransfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n"
    + CHUNKED_INNER,
    "te in HTTP/1.0": POST.replace("1.1", "1.0") + "transfer-encoding: chunked\r\n\r\n" + CHUNKED_INNER,
    "chunk size with a sign": POST + "transfer-encoding: chunked\r\n\r\n+0\r\n\r\n" + INNER,
    "chunk size that overflows": POST + "transfer-encoding: chunked\r\n\r\n100000000000000000\r\n\r\n" + INNER,
    "chunk size with 0x": POST + "transfer-encoding: chunked\r\n\r\n0x0\r\n\r\n" + INNER,
    "chunk extension with a line feed": POST + "transfer-encoding: chunked\r\n\r\n0;\n\r\n\r\n" + INNER,
    "chunk without its end": POST + "transfer-encoding: chunked\r\n\r\n1\r\nab0\r\n\r\n" + INNER,
    "chunks ended by bare line feeds": POST + "transfer-encoding: chunked\r\n\r\n0\n\n" + INNER,
    "null in a header": POST + f"x: a\x00b\r\ncontent-length: {LENGTH}\r\n\r\n" + INNER,
    "null in a name": POST + "content\x00-length: 0\r\n\r\n" + INNER,
    "header without a colon": POST + "content-length\r\n\r\n" + INNER,
    "header without a name": POST + f": x\r\ncontent-length: {LENGTH}\r\n\r\n" + INNER,
    "first header folded": "POST /v1/messages HTTP/1.1\r\n x: y\r\n" + HEAD + "content-length: 0\r\n\r\n" + INNER,
    "two hosts": POST + "host: other.test\r\ncontent-length: 0\r\n\r\n",
    "target with a space": "GET /v1/models HTTP/1.1 /key/info?smuggled HTTP/1.1\r\n" + HEAD + "\r\n",
    "target with a line feed": "GET /v1/models\n/key/info?smuggled HTTP/1.1\r\n" + HEAD + "\r\n",
    "target with a control character": "GET /v1/models?smuggled\x01 HTTP/1.1\r\n" + HEAD + "\r\n",
    "version 2.0": "GET /v1/models?smuggled HTTP/2.0\r\n" + HEAD + "\r\n",
    "version 1.2": "GET /v1/models?smuggled HTTP/1.10\r\n" + HEAD + "\r\n",
    "no version": "GET /v1/models?smuggled\r\n\r\n",
    "method with a control character": "GE\x01T /v1/models?smuggled HTTP/1.1\r\n" + HEAD + "\r\n",
    "connect": "CONNECT litellm:4000 HTTP/1.1\r\nhost: litellm:4000\r\nauthorization: Bearer sk-good\r\n\r\n" + INNER,
    "upgrade to websocket": "GET /v1/models?smuggled HTTP/1.1\r\n"
    + HEAD
    + "connection: upgrade\r\nupgrade: websocket\r\n"
    "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" + INNER,
    "h2 with prior knowledge": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + INNER,
    "proxy protocol": "PROXY TCP4 10.218.9.99 10.218.9.1 1 2\r\n" + INNER,
    "absolute target, other host": "GET http://evil.test/v1/models?smuggled HTTP/1.1\r\n" + HEAD + "\r\n",
}


@pytest.mark.parametrize("name", VARIANTS)
def test_an_ambiguous_request_smuggles_nothing(call: Caller, received: Received, name: str) -> None:
    marker = f"smuggling-{list(VARIANTS).index(name)}-end"
    smuggled = marker.replace("smuggling", "smuggled")
    data = VARIANTS[name].replace(HEAD, HEAD + f"x-marker: {marker}\r\n").replace("smuggled", smuggled)
    with call.clients.connect(call.source, call.port, 3) as connection:
        connection.sendall(data.encode("latin-1"))
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
                if answer.count(b"HTTP/1.") > 1:
                    break
                connection.settimeout(0.5)
        except TimeoutError:
            pass
    assert not received(smuggled), answer
    seen = [report for report in received(marker) if report["event"] == "request"]
    assert len(seen) <= 1
    for report in seen:
        names = [header for header, _ in report["headers"]]
        framing = [header for header in names if header in ("content-length", "transfer-encoding")]
        assert report["line"] in ("POST /v1/messages HTTP/1.1", "POST /v1/messages HTTP/1.0")
        assert len(framing) == 1
    # What follows the request on the same connection is a request of its own to the gateway, and under another name refused.
    for status in [line.split(b" ")[1] for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.")][1:]:
        assert status in (b"400", b"421")


def test_an_upgrade_to_h2c_is_ignored(call: Caller) -> None:
    """RFC 9110, 7.8: a server may ignore it. Java's HttpClient sends it with every plain request."""
    answer = call.call(
        headers={"connection": "upgrade, http2-settings", "upgrade": "h2c", "http2-settings": "AAMAAABk"}
    )
    assert answer.status == 200
    names = {name for name, _ in answer.json()["headers"]}
    assert "upgrade" not in names


AUTHORITY = [(":method", "GET"), (":path", "/v1/models"), (":scheme", "https"), (":authority", "gateway.test")]
CREDENTIAL = ("authorization", f"Bearer {KEY}")
HTTP2_VARIANTS: dict[str, list[tuple[str, str]]] = {
    "line feed in a value": [*AUTHORITY, CREDENTIAL, ("x-marker", "h2-trick\r\nx: y")],
    "line feed in the path": [(":method", "GET"), (":path", "/v1/models HTTP/1.1\r\nx-marker: h2-trick\r\n"), *AUTHORITY[2:]],
    "space in the path": [(":method", "GET"), (":path", "/v1/models /key?h2-trick"), *AUTHORITY[2:], CREDENTIAL],
    "line feed in the method": [(":method", "GET /key?h2-trick HTTP/1.1\r\nx: y"), *AUTHORITY[1:], CREDENTIAL],
    "line feed in the authority": [*AUTHORITY[:3], (":authority", "gateway.test\r\nx-marker: h2-trick"), CREDENTIAL],
    "colon in a name": [*AUTHORITY, CREDENTIAL, ("x-marker: h2-trick\r\nx", "y")],
    "upper case in a name": [*AUTHORITY, CREDENTIAL, ("X-Marker", "h2-trick")],
    "transfer-encoding": [*AUTHORITY, CREDENTIAL, ("transfer-encoding", "chunked"), ("x-marker", "h2-trick")],
    "connection header": [*AUTHORITY, CREDENTIAL, ("connection", "x-marker"), ("x-marker", "h2-trick")],
    "wrong length": [(":method", "POST"), (":path", "/v1/messages"), *AUTHORITY[2:], CREDENTIAL, ("content-length", "500"),
                     ("x-marker", "h2-trick")],
    "two paths": [*AUTHORITY, (":path", "/key/info?h2-trick"), CREDENTIAL],
    "late pseudo-header": [*AUTHORITY[:3], CREDENTIAL, (":authority", "gateway.test"), ("x-marker", "h2-trick")],
    "other authority": [*AUTHORITY[:3], (":authority", "evil.test"), CREDENTIAL, ("x-marker", "h2-trick")],
    "websocket by extended connect": [(":method", "CONNECT"), (":protocol", "websocket"), (":path", "/v1/models"),
                                      *AUTHORITY[2:], CREDENTIAL, ("x-marker", "h2-trick")],
    "connect": [(":method", "CONNECT"), (":authority", "litellm:4000"), CREDENTIAL, ("x-marker", "h2-trick")],
}  # fmt: skip


@pytest.fixture(scope="module")
def tls_gateway(make_gateway: GatewayFactory, litellm: str, certificate: Any) -> bed.Gateway:
    return make_gateway(
        tls="on", hostname="gateway.test", tls_certificate=certificate.certificate, tls_private_key=certificate.key
    )


def test_http2_serves_the_model_api(
    tls_gateway: bed.Gateway, caller: Callable[[bed.Gateway], Caller], certificate: Any
) -> None:
    client = caller(tls_gateway)
    connection = tls(client.clients.connect(client.source, client.port), certificate.path, "gateway.test", ["h2"])
    assert connection.selected_alpn_protocol() == "h2"
    answer = http2(connection, [*AUTHORITY, CREDENTIAL])
    assert answer.status == 200
    assert b"GET /v1/models HTTP/1.1" in answer.body


@pytest.mark.parametrize("name", HTTP2_VARIANTS)
def test_an_http2_trick_reaches_nothing(
    tls_gateway: bed.Gateway, caller: Callable[[bed.Gateway], Caller], received: Received, certificate: Any, name: str
) -> None:
    client = caller(tls_gateway)
    connection = tls(client.clients.connect(client.source, client.port, 3), certificate.path, "gateway.test", ["h2"])
    body = b"{}" if name == "wrong length" else None
    marker = f"h2-trick-{list(HTTP2_VARIANTS).index(name)}-end"
    headers = [(key, value.replace("h2-trick", marker)) for key, value in HTTP2_VARIANTS[name]]
    answer = http2(connection, headers, body)
    assert answer.status in (0, 400, 405, 421)
    assert not [report for report in received(marker) if report["event"] == "request"]
