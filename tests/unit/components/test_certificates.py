"""Which certificates are taken, and where they go."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from rules import certificates
from rules.configuration import ACCEPT_EXPIRED
from rules.setting_types import TlsMode
from tests.unit.components.test_configuration import refusal, settings


def pair(*names: str, not_after: datetime | None = None, not_before: datetime | None = None) -> tuple[str, str]:
    issued = trustme.CA().issue_cert(*names, not_after=not_after, not_before=not_before)
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    return chain.decode(), issued.private_key_pem.bytes().decode()


NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("names", "hostname", "fits"),
    [
        (["gateway.example.org"], "gateway.example.org", True),
        (["*.example.org"], "gateway.example.org", True),
        (["*.example.org"], "a.gateway.example.org", False),
        (["other.example.org"], "gateway.example.org", False),
        (["192.0.2.7"], "192.0.2.7", True),
        (["gateway.example.org"], "192.0.2.7", False),
        (["localhost"], "localhost", True),
    ],
)
def test_a_provided_certificate_must_cover_the_hostname(names: list[str], hostname: str, fits: bool) -> None:
    chain, key = pair(*names)
    changes = {"tls": "provided", "tlsCertificate": chain, "hostname": hostname}
    if fits:
        assert settings("prod", {"tlsPrivateKey": key}, **changes).tls_mode is TlsMode.PROVIDED
    else:
        assert refusal("prod", {"tlsPrivateKey": key}, **changes).startswith(
            "tlsCertificate: does not cover the hostname"
        )


def test_a_provided_certificate_must_be_valid_now_and_match_its_key() -> None:
    chain, key = pair("localhost")
    _, other = pair("localhost")
    fault = certificates.pair_fault
    assert fault(chain, key, hostname="localhost", now=NOW) is None
    assert fault(chain, other, hostname="localhost", now=NOW) == "does not match tlsPrivateKey"
    assert fault("nonsense", key, hostname="localhost", now=NOW) == "is not a PEM certificate chain"
    assert "not an unencrypted PEM private key" in str(fault(chain, "nonsense", hostname="localhost", now=NOW))
    leaf, *rest = [
        str(one.public_bytes(Encoding.PEM), "ascii") for one in x509.load_pem_x509_certificates(chain.encode())
    ]
    assert "comes first" in str(fault("".join([pair("localhost")[0], leaf, *rest]), key, hostname="localhost", now=NOW))
    old, old_key = pair("localhost", not_after=NOW - timedelta(days=1))
    assert str(fault(old, old_key, hostname="localhost", now=NOW)).startswith("expired on ")
    young, young_key = pair("localhost", not_before=NOW + timedelta(days=1))
    assert str(fault(young, young_key, hostname="localhost", now=NOW)).startswith("is not valid before ")


@pytest.mark.parametrize("name", ["tlsCertificate", "upstreamCaCertificates", "acmeDirectoryCa"])
def test_a_private_key_among_certificates_is_refused(name: str) -> None:
    """HAProxy has both in one file; but certificates stand in the clear, in the stack's file and in the state."""
    chain, key = pair("gw.example.org")
    changes = {"tls": "provided", "tlsCertificate": chain, "hostname": "gw.example.org"}
    if name == "acmeDirectoryCa":
        changes |= {"tls": "acme", "acmeEmail": "you@example.org"}
    for text in (chain + key, key + chain):
        message = refusal("prod", {"tlsPrivateKey": key}, **{**changes, name: text})
        assert message.startswith(f"{name}: holds a private key, which would stand in the clear")
        assert f"pulumi config set {name}" in message


def test_a_certificate_begins_as_the_containers_look_for_it() -> None:
    chain, key = pair("localhost")
    older = chain.replace(" CERTIFICATE-", " X509 CERTIFICATE-")
    message = refusal("prod", {"tlsPrivateKey": key}, tls="provided", tlsCertificate=older)
    assert message.startswith("tlsCertificate: is not a PEM certificate chain: each begins with -----BEGIN CERTIFICATE")
    message = refusal("prod", upstreamCaCertificates=older)
    assert message.startswith("upstreamCaCertificates: is not a PEM bundle of certificates: each begins with")


def test_an_editors_byte_order_mark_does_no_harm() -> None:
    chain, key = pair("localhost")
    changes = {"tls": "provided", "tlsCertificate": f"\ufeff{chain}", "upstreamCaCertificates": f"\ufeff{chain}"}
    found = settings("prod", {"tlsPrivateKey": f"\ufeff{key}"}, **changes)
    assert (found.tls_certificate, found.upstream_ca_certificates) == (chain, chain)
    assert found.tls_private_key is not None
    assert found.tls_private_key.get_secret_value() == key


def test_a_rotation_is_possible_on_the_day_on_which_the_certificate_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    chain, key = pair("localhost", not_after=NOW - timedelta(minutes=1))
    changes = {"tls": "provided", "tlsCertificate": chain}
    assert "expired on" in refusal("prod", {"tlsPrivateKey": key}, **changes)
    monkeypatch.setenv(ACCEPT_EXPIRED, "1")
    assert settings("prod", {"tlsPrivateKey": key}, **changes).tls_certificate == chain


@pytest.mark.parametrize(
    ("algorithm", "digest", "fault"),
    [
        (("rsa:1024",), "sha256", "holds an RSA key of 1024 bits"),
        (("ec", "-pkeyopt", "ec_paramgen_curve:prime192v1"), "sha256", "holds an elliptic curve key of 192 bits"),
        (("ec", "-pkeyopt", "ec_paramgen_curve:P-521"), "sha256", "holds a key that Mozilla's TLS profiles leave out"),
        (("ec", "-pkeyopt", "ec_paramgen_curve:brainpoolP160r1"), "sha256", "or tlsPrivateKey holds a key or a"),
        (
            ("ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"),
            "sha256",
            "cannot be used",
        ),
        (("rsa:2048",), "sha512-256", "or tlsPrivateKey holds a key or a signature of an uncommon kind"),
        (("ed25519",), "sha256", "holds a key that Mozilla's TLS profiles leave out"),
        (("ec", "-pkeyopt", "ec_paramgen_curve:P-384"), "sha256", None),
        (("rsa:2048",), "sha1", "is signed with SHA1"),
        (("rsa:2048",), "sha256", None),
    ],
)
def test_a_certificate_that_the_gateway_would_not_serve_is_refused(
    algorithm: tuple[str, ...], digest: str, fault: str | None, tmp_path: Path
) -> None:
    """Made by openssl: the cryptography package itself makes no such certificates any more."""

    def issue(name: str, *options: str) -> tuple[Path, Path]:
        certificate, key = tmp_path / f"{name}.pem", tmp_path / f"{name}-key.pem"
        command = ["openssl", "req", "-x509", "-nodes", "-subj", f"/CN={name}", "-days", "2", *options]
        subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
        return certificate, key

    authority, authority_key = issue("authority", "-newkey", "rsa:2048")
    by = ("-CA", str(authority), "-CAkey", str(authority_key), f"-{digest}")
    leaf, key = issue("localhost", "-newkey", *algorithm, *by, "-addext", "subjectAltName=DNS:localhost")
    found = certificates.pair_fault(leaf.read_text(), key.read_text(), hostname="localhost", now=datetime.now(UTC))
    assert found is None if fault is None else str(found).startswith(fault)


def test_a_certificate_without_alternative_names_covers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    chain, key = pair("localhost")

    def none(*_: Any) -> None:
        raise x509.ExtensionNotFound("none", x509.SubjectAlternativeName.oid)

    monkeypatch.setattr(x509.Extensions, "get_extension_for_class", none)
    fault = certificates.pair_fault(chain, key, hostname="localhost", now=NOW)
    assert fault == "does not cover the hostname localhost"


def test_a_provided_certificate_is_handed_to_the_gateway(deploy: Any) -> None:
    chain, key = pair("localhost")
    graph = deploy("prod", secrets={"tlsPrivateKey": key}, tls="provided", tlsCertificate=chain)
    assert graph.env("gateway")["GATEWAY_TLS_CERTIFICATE"] == chain
    assert graph.env("gateway")["GATEWAY_TLS_PRIVATE_KEY"] == key
    assert not [r for r in graph.resources if r.type.startswith("tls:")]


def test_a_private_upstream_ca_is_accepted() -> None:
    bundle = trustme.CA().cert_pem.bytes().decode()
    assert settings("prod", upstreamCaCertificates=bundle).upstream_ca_certificates == bundle
