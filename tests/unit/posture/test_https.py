"""What is said of a provided certificate: its chain, its end, and its name."""

import hashlib
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from posture.checks import https
from posture.context import Context
from posture.edge import STRANGE, Answer
from posture.model import REGISTRY
from tests.unit.posture.conftest import Make

Chain = list[x509.Certificate]


def loaded(*blobs: trustme.Blob) -> Chain:
    return [one for blob in blobs for one in x509.load_pem_x509_certificates(blob.bytes())]


def strict_pair(hostname: str) -> tuple[x509.Certificate, x509.Certificate]:
    """A CA and a certificate of its for a name or an address, as public CAs issue them; trustme's are laxer."""
    now, keys = datetime.now(UTC), [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in ("root", "leaf")]
    try:
        subject: x509.GeneralName = x509.IPAddress(ip_address(hostname))
    except ValueError:
        subject = x509.DNSName(hostname)
    uses = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    made = []
    for number, (name, key) in enumerate(zip(names, keys, strict=True)):
        builder = x509.CertificateBuilder(names[0], name, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=9))
        usage = x509.KeyUsage(digital_signature=bool(number), key_cert_sign=not number, crl_sign=not number, **uses)
        extensions: list[tuple[Any, bool]] = [
            (x509.BasicConstraints(ca=not number, path_length=None), True),
            (usage, True),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        ]
        if number:
            extensions += [
                (x509.SubjectAlternativeName([subject]), False),
                (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
                (x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key()), False),
            ]
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        made.append(builder.sign(keys[0], hashes.SHA256()))
    return made[0], made[1]


def provided(make: Make, monkeypatch: pytest.MonkeyPatch, chain: Chain, hostname: str, trusted: Chain) -> Context:
    monkeypatch.setattr(https, "_chain", lambda _context: (chain, "", ""))
    monkeypatch.setattr(https, "_system_store", lambda: trusted)
    issued = trustme.CA().issue_cert(hostname)
    pem = b"".join(blob.bytes() for blob in issued.cert_chain_pems).decode()
    key = issued.private_key_pem.bytes().decode()
    settings = {"tls": "provided", "tlsCertificate": pem, "tlsPrivateKey": key, "hostname": hostname}
    return make(settings=settings)


@pytest.mark.parametrize("hostname", ["gateway.example.org", "192.0.2.7", "2001:db8::7"])
def test_a_chain_to_a_ca_of_this_machine_is_trusted_for_names_and_addresses(
    make: Make, monkeypatch: pytest.MonkeyPatch, hostname: str
) -> None:
    root, leaf = strict_pair(hostname)
    context = provided(make, monkeypatch, [leaf], hostname, [root])
    outcome = REGISTRY["https.chain"].run(context)
    assert (outcome.status.value, outcome.evidence) == ("pass", "signed by a CA of this machine's store")


def test_a_missing_intermediate_is_named(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    issued = trustme.CA().create_child_ca().issue_cert("localhost")
    (leaf, *_) = loaded(*issued.cert_chain_pems)
    outcome = REGISTRY["https.chain"].run(provided(make, monkeypatch, [leaf], "localhost", []))
    assert outcome.status.value == "warn"
    assert "append its certificate to tlsCertificate" in outcome.evidence
    assert leaf.issuer.rfc4514_string() in outcome.evidence


def test_a_whole_chain_of_a_private_ca_is_the_clients_matter(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    root = trustme.CA()
    chain = loaded(*root.create_child_ca().issue_cert("localhost").cert_chain_pems, root.cert_pem)
    outcome = REGISTRY["https.chain"].run(provided(make, monkeypatch, chain, "localhost", []))
    assert "is not one that this machine trusts; its clients must" in outcome.evidence


@pytest.mark.parametrize(
    ("error", "status"), [("", "pass"), ("no answer (TimeoutError)", "pass"), (f"{STRANGE} (of a stranger)", "fail")]
)
def test_who_answers_at_the_port_must_have_the_declared_certificate(
    make: Make, monkeypatch: pytest.MonkeyPatch, error: str, status: str
) -> None:
    context = provided(make, monkeypatch, [], "localhost", [])
    pem, key = context.settings.tls_certificate or "", context.settings.tls_private_key
    assert key is not None
    chain = x509.load_pem_x509_certificates(pem.encode())
    monkeypatch.setattr(https, "_chain", lambda _context: (chain, pem, key.get_secret_value()))
    context._taken["edge"] = {"health": Answer(0, error=error)}
    outcome = REGISTRY["https.certificate"].run(context)
    digest = hashlib.sha256(chain[0].public_bytes(Encoding.DER)).hexdigest()
    said = f"for localhost, SHA-256 {digest[:12]}" if status == "pass" else f"at the published port {error}"
    assert (outcome.status.value, outcome.evidence) == (status, said)


def test_an_expired_certificate_is_a_failed_check(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    issued = trustme.CA().issue_cert("localhost", not_after=yesterday)
    outcome = REGISTRY["https.days-left"].run(
        provided(make, monkeypatch, loaded(*issued.cert_chain_pems), "localhost", [])
    )
    assert (outcome.status.value, outcome.evidence) == ("fail", f"expired on {yesterday:%Y-%m-%d}")


def test_a_certificate_of_a_day_that_has_not_come_is_a_failed_check(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was made while a clock was ahead: no client takes it until then."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    issued = trustme.CA().issue_cert("localhost", not_before=tomorrow, not_after=tomorrow + timedelta(days=90))
    context = provided(make, monkeypatch, loaded(*issued.cert_chain_pems), "localhost", [])
    outcome = REGISTRY["https.days-left"].run(context)
    assert outcome.status.value == "fail"
    assert outcome.evidence.startswith(f"is not valid before {tomorrow:%Y-%m-%d}")
