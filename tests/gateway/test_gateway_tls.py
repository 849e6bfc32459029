"""HTTPS: Mozilla's profiles, the pinned host name, HSTS, the redirect, and where the private key is."""

import contextlib
import ssl
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from sslyze.mozilla_tls_profile.tls_config_checker import (
    SCAN_COMMANDS_NEEDED_BY_MOZILLA_CHECKER,
    MozillaTlsConfiguration,
    ServerNotCompliantWithTlsConfiguration,
    TlsConfigurationEnum,
    check_server_against_tls_configuration,
)
from sslyze.plugins.certificate_info.implementation import CertificateInfoExtraArgument
from sslyze.scanner.models import ScanCommandsExtraArguments, ServerScanRequest, ServerScanResult
from sslyze.scanner.scanner import Scanner
from sslyze.server_setting import ServerNetworkLocation

from testbed import gateway as bed
from tests.gateway.certificates import Pair
from tests.gateway.clients import Answer, exchange, request_bytes, tls
from tests.gateway.conftest import Caller, GatewayFactory


@pytest.fixture(scope="module", params=["intermediate", "modern"])
def profile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def make_tls_gateway(make_gateway: GatewayFactory, litellm: str, certificate: Pair) -> Callable[..., bed.Gateway]:
    def make(**settings: str) -> bed.Gateway:
        keys = {"tls_certificate": certificate.certificate, "tls_private_key": certificate.key}
        return make_gateway(tls="on", hostname="gateway.test", allow_host="true", **keys, **settings)

    return make


@pytest.fixture(scope="module")
def https(make_tls_gateway: Callable[..., bed.Gateway]) -> bed.Gateway:
    return make_tls_gateway(redirect="true", public_port="8443")


def scan(port: int, ca: str) -> ServerScanResult:
    commands = set(SCAN_COMMANDS_NEEDED_BY_MOZILLA_CHECKER)
    request = ServerScanRequest(
        ServerNetworkLocation("gateway.test", port=port, ip_address="127.0.0.1"),
        scan_commands=commands,
        scan_commands_extra_arguments=ScanCommandsExtraArguments(
            certificate_info=CertificateInfoExtraArgument(custom_ca_file=Path(ca))
        ),
    )
    scanner = Scanner(per_server_concurrent_connections_limit=5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of certificates in the trust stores that sslyze brings along
        scanner.queue_scans([request])
        return next(scanner.get_results())


def test_the_running_gateway_complies_with_mozillas_profile(
    make_tls_gateway: Callable[..., bed.Gateway], certificate: Pair, profile: str
) -> None:
    gateway = make_tls_gateway(tls_profile=profile)
    result = scan(gateway.port, certificate.path)
    check_server_against_tls_configuration(result, MozillaTlsConfiguration.get(TlsConfigurationEnum(profile)))
    if profile == "intermediate":
        # The check can fail: TLS 1.2 does not comply with the modern profile.
        with pytest.raises(ServerNotCompliantWithTlsConfiguration):
            check_server_against_tls_configuration(result, MozillaTlsConfiguration.get(TlsConfigurationEnum("modern")))


@pytest.fixture
def secure(https: bed.Gateway, caller: Callable[[bed.Gateway], Caller], certificate: Pair) -> Callable[..., Answer]:
    client = caller(https)

    def send(data: bytes) -> Answer:
        connection = client.clients.connect(client.source, client.port)
        return exchange(tls(connection, certificate.path, "gateway.test", ["http/1.1"]), data)

    return send


def test_the_api_is_served_with_hsts_on_every_answer(secure: Callable[..., Answer]) -> None:
    answers = [secure(request_bytes()), secure(request_bytes(key=None))]
    answers.append(secure(request_bytes(host="evil.test")))
    assert [answer.status for answer in answers] == [200, 401, 421]
    assert {answer.headers["strict-transport-security"] for answer in answers} == {"max-age=63072000"}


@pytest.mark.parametrize("host", ["gateway.test", "gateway.test:443", "GATEWAY.test:8443", "Gateway.Test"])
def test_the_host_name_is_served_with_any_port_and_case(secure: Callable[..., Answer], host: str) -> None:
    assert secure(request_bytes(host=host)).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.test", "gateway.test.evil.test", "xgateway.test", "127.0.0.1", "[::1]", "gateway.test@evil.test", "litellm"],
)
def test_other_host_names_are_refused(secure: Callable[..., Answer], host: str) -> None:
    answer = secure(request_bytes(host=host))
    assert answer.status in (0, 421)  # a host with a user before it is no HTTP


def test_a_request_without_a_host_is_refused(secure: Callable[..., Answer]) -> None:
    assert secure(b"GET /v1/models HTTP/1.1\r\nauthorization: Bearer sk-good\r\n\r\n").status in (400, 421)
    assert secure(b"GET /v1/models HTTP/1.0\r\nauthorization: Bearer sk-good\r\n\r\n").status == 421
    assert secure(b"GET /healthz HTTP/1.0\r\n\r\n").status == 200


def test_old_tls_and_static_key_exchange_are_refused(https: bed.Gateway, caller: Callable[..., Caller]) -> None:
    client = caller(https)
    for ciphers in ("AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(client.clients.connect(client.source, client.port))


def test_plain_http_is_redirected_without_query_or_key(https: bed.Gateway, clients: bed.Clients) -> None:
    client = Caller(clients, https.redirect_port, clients.new_address())
    answer = client.call("POST", "/v1/messages?key=sk-good", body=b"{}", host="evil.test")
    assert answer.status == 308
    assert answer.headers["location"] == "https://gateway.test:8443/v1/messages"
    assert b"sk-good" not in answer.body


def test_without_redirect_the_plain_port_is_closed(make_tls_gateway: Callable[..., bed.Gateway]) -> None:
    gateway = make_tls_gateway(wait_for_backend=False)
    listening = bed.docker("exec", gateway.name, "cat", "/proc/net/tcp", "/proc/net/tcp6")
    assert ":20FB " in listening  # 8443
    assert ":1F90 " not in listening  # 8080


def test_plain_http_on_the_tls_port_is_closed(https: bed.Gateway, caller: Callable[..., Caller]) -> None:
    assert caller(https).call().status in (0, 400)


def test_the_private_key_is_in_memory_only_and_not_in_the_environment(https: bed.Gateway, certificate: Pair) -> None:
    secret = certificate.key.splitlines()[1]
    environment = bed.docker("exec", https.name, "cat", "/proc/1/environ")
    assert secret not in environment
    assert secret in bed.docker("exec", https.name, "cat", "/run/gateway/tls.pem")
    assert bed.docker("exec", https.name, "stat", "-c", "%a %U", "/run/gateway/tls.pem") == "600 haproxy"
    assert "tmpfs /run/gateway" in bed.docker("exec", https.name, "cat", "/proc/mounts")
    assert secret not in bed.docker("logs", https.name)


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"], ids=["nothing", "half a hello"])
def test_a_handshake_that_does_not_come_about_ends_after_10_seconds(
    https: bed.Gateway, caller: Callable[[bed.Gateway], Caller], sent: bytes
) -> None:
    client = caller(https)
    with client.clients.connect(client.source, client.port, 60) as connection:
        began = time.monotonic()
        connection.sendall(sent)
        with contextlib.suppress(ConnectionError):
            assert connection.recv(1) == b""
        assert 9 < time.monotonic() - began < 30
