"""Whether a provided certificate fits its key, its name and the present time. Pure functions."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr

MINIMUM_RSA_BITS = 2048
MINIMUM_EC_BITS = 224
CURVES = frozenset({"secp256r1", "secp384r1"})
"""Curves of a server's key in Mozilla's profiles, which `make verify` holds the gateway to (server-side TLS 5.7)."""
BROKEN_HASHES = frozenset({"md5", "sha1"})
"""What OpenSSL refuses at security level 2, which Debian sets, so that HAProxy would not start."""

BEGIN = "-----BEGIN CERTIFICATE-----"
"""How a certificate begins: the containers look for this, not for the older words that the parser takes too."""
KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")

ANY_TIME = "any time"
"""In a validation's context: a certificate that has expired since is no reason to refuse the settings."""


def moment(context: Mapping[str, object] | None) -> datetime | None:
    """Returns for which time the settings are judged: now, or none in particular."""
    return None if (context or {}).get(ANY_TIME) else datetime.now(UTC)


def provided_fault(
    certificate: str | None, private_key: SecretStr | None, *, hostname: str, now: datetime | None
) -> str | None:
    """Returns why the settings' pair cannot serve ``hostname`` at ``now``, or None."""
    if certificate is None or private_key is None:
        return "and tlsPrivateKey must both be set when tls is provided"
    return pair_fault(certificate, private_key.get_secret_value(), hostname=hostname, now=now)


def pair_fault(certificate: str, private_key: str | None, *, hostname: str, now: datetime | None) -> str | None:
    """Returns why the PEM chain ``certificate`` (server's first) cannot serve ``hostname`` at ``now``, or None.

    The words never hold anything of the key. Names are matched as clients do (RFC 9525: subject alternative names
    alone, a wildcard for one leftmost label). Without a key, which nobody but its holder need see, that is not judged.
    """
    if problem := _pem_fault(certificate):
        return problem.format(what="certificate chain")
    try:
        return _chain_fault(certificate, private_key, hostname, now)
    except (UnsupportedAlgorithm, ValueError):
        return (
            "or tlsPrivateKey holds a key or a signature of an uncommon kind; take RSA, or ECDSA on P-256 or P-384, "
            "signed with SHA-256"
        )


def _chain_fault(certificate: str, private_key: str | None, hostname: str, now: datetime | None) -> str | None:
    leaf, *authorities = x509.load_pem_x509_certificates(certificate.encode())
    if private_key is not None and (other := _key_fault(private_key, leaf, authorities)):
        return other
    if now and (outside := _time_fault(leaf, now)):
        return outside
    if weakness := next(filter(None, map(_weakness, (leaf, *authorities))), None):
        return weakness
    key = leaf.public_key()
    if not isinstance(key, rsa.RSAPublicKey) and not (
        isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in CURVES
    ):
        return "holds a key that Mozilla's TLS profiles leave out; take RSA, or ECDSA on P-256 or P-384"
    if not _covers(leaf, hostname):
        return f"does not cover the hostname {hostname}"
    return None


def _key_fault(private_key: str, leaf: x509.Certificate, authorities: list[x509.Certificate]) -> str | None:
    try:
        key = load_pem_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError):
        return "cannot be used: tlsPrivateKey is not an unencrypted PEM private key"
    if key.public_key() == leaf.public_key():
        return None
    if key.public_key() in [authority.public_key() for authority in authorities]:
        return "has another certificate before the server's, which comes first in a chain"
    return "does not match tlsPrivateKey"


def time_fault(certificate: str, now: datetime) -> str | None:
    """Returns why a client refuses the PEM chain ``certificate`` at ``now``, or None."""
    try:
        leaf = x509.load_pem_x509_certificates(certificate.encode())[0]
    except ValueError:
        return None
    return _time_fault(leaf, now)


def _time_fault(leaf: x509.Certificate, now: datetime) -> str | None:
    if now >= leaf.not_valid_after_utc:
        return f"expired on {leaf.not_valid_after_utc:%Y-%m-%d}"
    if now < leaf.not_valid_before_utc:
        return f"is not valid before {leaf.not_valid_before_utc:%Y-%m-%d}"
    return None


def bundle_fault(bundle: str) -> str | None:
    """Returns why ``bundle`` is not a PEM bundle of certificates, and of nothing else, or None."""
    problem = _pem_fault(bundle)
    return problem and problem.format(what="bundle of certificates")


def _pem_fault(text: str) -> str | None:
    """Returns what is wrong with certificates in PEM, in words with a place for ``what`` they are, or None."""
    if KEY.search(text):
        return "holds a private key, which would stand in the clear: give the certificates alone"
    try:
        x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        return "is not a PEM {what}"
    return None if BEGIN in text else f"is not a PEM {{what}}: each begins with {BEGIN}"


def _weakness(certificate: x509.Certificate) -> str | None:
    """Returns why OpenSSL would not serve ``certificate``; a root's own signature proves nothing and is not judged."""
    key, signature = certificate.public_key(), certificate.signature_hash_algorithm
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < MINIMUM_RSA_BITS:
        return f"holds an RSA key of {key.key_size} bits; the gateway takes {MINIMUM_RSA_BITS} bits or more"
    if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < MINIMUM_EC_BITS:
        return f"holds an elliptic curve key of {key.key_size} bits; the gateway takes {MINIMUM_EC_BITS} bits or more"
    if certificate.issuer != certificate.subject and signature is not None and signature.name in BROKEN_HASHES:
        return f"is signed with {signature.name.upper()}, which can be forged; the gateway takes SHA-256 or better"
    return None


def _covers(leaf: x509.Certificate, hostname: str) -> bool:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    try:
        return ip_address(hostname) in names.get_values_for_type(x509.IPAddress)
    except ValueError:
        pass
    parent = hostname.partition(".")[2]
    accepted = {hostname, f"*.{parent}"} if "." in parent else {hostname}
    return any(name.lower() in accepted for name in names.get_values_for_type(x509.DNSName))
