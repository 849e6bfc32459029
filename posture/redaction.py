"""Nothing that posture prints may hold a secret, whatever a check or an error message brings along."""

import base64
import string
from collections.abc import Iterable
from itertools import pairwise

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

SHORTEST = 8
"""Shorter values would be cut out of ordinary words."""
PIECE = 16
BASE64 = frozenset(string.ascii_letters + string.digits + "+/=")
MASK = "[secret]"


def forms(secret: str) -> frozenset[bytes]:
    """Returns ``secret`` as it may stand somewhere: raw, in hex, in base64 and url-safe base64 at any alignment.

    The part behind ``sk-`` and, for hexadecimal digits, the bytes they stand for count as the secret too.
    """
    if "-----BEGIN" in secret:
        return private_key_forms(secret)
    values = {secret.encode()}
    body = secret.removeprefix("sk-")
    if len(body) >= SHORTEST:
        values.add(body.encode())
    found = set(values)
    try:
        raw = bytes.fromhex(body)
    except ValueError:
        raw = b""
    if len(raw) >= 16:
        found |= {*_base64(raw, (0,))}
    for value in values:
        found |= {value.hex().encode(), value.hex().upper().encode(), *_base64(value, (0, 1, 2))}
    return frozenset(found)


def private_key_forms(pem: str) -> frozenset[bytes]:
    """Returns what betrays a private key in PEM: its secret number, and the pieces of the PEM's lines that hold it.

    The rest of such a file is the public key, which may stand anywhere. Lines count by themselves, for JSON and YAML
    write line ends in ways of their own.
    """
    load = load_ssh_private_key if "OPENSSH" in pem else load_pem_private_key
    try:
        number = _secret_number(load(pem.encode(), password=None))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return frozenset()
    lines = [line for line in pem.split() if set(line) <= BASE64 and len(line) >= PIECE]
    body = "".join(lines)
    at = base64.b64decode(body + "=" * (-len(body) % 4)).find(number)
    begin, end, width = (at * 8 + 5) // 6, (at + len(number)) * 8 // 6, len(lines[0])
    cuts = [begin, *(cut for cut in range(width, len(body), width) if begin < cut < end), end]
    pieces = {body[a:b].encode() for a, b in pairwise(cuts) if b - a >= PIECE and at >= 0}
    return frozenset({number.hex().encode(), *_base64(number, (0, 1, 2)), *pieces})


def _secret_number(key: object) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.private_numbers().private_value.to_bytes((key.key_size + 7) // 8)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.private_numbers().p.to_bytes(key.key_size // 16)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.private_bytes_raw()
    raise UnsupportedAlgorithm(type(key).__name__)


def _base64(value: bytes, offsets: Iterable[int]) -> Iterable[bytes]:
    """The characters of the encoding that depend on ``value`` alone, when 0 to 2 other bytes stand before it."""
    for offset in offsets:
        padded = b"\0" * offset + value
        whole = padded[: len(padded) // 3 * 3]
        encoded = base64.b64encode(whole)[(offset * 8 + 5) // 6 :]
        if len(encoded) >= 12:
            yield encoded
            yield encoded.translate(bytes.maketrans(b"+/", b"-_"))


class Redactor:
    """Masks every known secret, in each of its forms."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {form.decode() for secret in secrets if len(secret) >= SHORTEST for form in forms(secret)}
        self._known = sorted(known, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Returns ``text`` with the mask in place of each secret."""
        for secret in self._known:
            text = text.replace(secret, MASK)
        return text
