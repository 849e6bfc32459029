"""Nothing that posture prints may hold a secret, whatever a check or an error message brings along."""

import base64
from collections.abc import Iterable, Iterator

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

SHORTEST = 8
"""Shorter values would be cut out of ordinary words."""
URL_SAFE = bytes.maketrans(b"+/", b"-_")
INVERTED = bytes(reversed(range(256)))
"""What turns each bit of a byte round."""
MASK = "[secret]"


def forms(secret: str) -> set[bytes]:
    """Returns ``secret`` as it may stand somewhere: raw, in hex, in base64 and url-safe base64 at any alignment.

    The part behind ``sk-`` and, for hexadecimal digits, the bytes they stand for count as the secret too.
    """
    if "-----BEGIN" in secret:
        return private_key_forms(secret)
    body = secret.removeprefix("sk-")
    try:
        raw = bytes.fromhex(body)
    except ValueError:
        raw = b""
    values = {value for value in (secret.encode(), body.encode()) if len(value) >= SHORTEST}
    found = values | {digits.encode() for value in values for digits in (value.hex(), value.hex().upper())}
    return found.union(*(_base64(value) for value in (*values, raw) if len(value) >= SHORTEST))


def forms_of_all(secrets: Iterable[str]) -> set[bytes]:
    """Returns the forms of each of ``secrets``."""
    return {form for secret in secrets for form in forms(secret)}


def private_key_forms(pem: str) -> set[bytes]:
    """Returns what betrays a private key in PEM: its secret numbers, and the pieces of the PEM's lines that hold them.

    The rest of such a file is the public key, which may stand anywhere. Lines count by themselves, because JSON and
    YAML write line ends in ways of their own.
    """
    load = load_ssh_private_key if "OPENSSH" in pem else load_pem_private_key
    try:
        numbers = _secret_numbers(load(pem.encode(), password=None))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return set()
    lines = pem.partition("PRIVATE KEY-----")[2].partition("-----END")[0].split()
    file = base64.b64decode("".join(lines))
    pieces: set[bytes] = set()
    for number in numbers:
        without = iter(base64.b64encode(file.replace(number, number.translate(INVERTED))).decode())
        pieces |= {"".join(a for a, b in zip(line, without, strict=False) if a != b).encode() for line in lines}
    found = {number.hex().encode() for number in numbers}.union(*map(_base64, numbers))
    return found | {piece for piece in pieces if len(piece) >= SHORTEST}


def _secret_numbers(key: object) -> list[bytes]:
    """Returns the numbers without zeros in front, which not every format writes. Each of RSA's betrays the others."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        numbers = [key.private_numbers().private_value]
    elif isinstance(key, rsa.RSAPrivateKey):
        private = key.private_numbers()
        numbers = [private.p, private.q, private.d, private.dmp1, private.dmq1, private.iqmp]
    elif isinstance(key, ed25519.Ed25519PrivateKey):
        return [key.private_bytes_raw()]
    else:
        raise UnsupportedAlgorithm(type(key).__name__)
    return [number.to_bytes(key.key_size).lstrip(b"\0") for number in numbers]


def _base64(value: bytes) -> Iterator[bytes]:
    """Yields the characters of the encoding that depend on ``value`` alone, when 0 to 2 other bytes stand before it."""
    for before in range(3):
        one, other = (base64.b64encode(byte * before + value + byte) for byte in (b"\0", b"\xff"))
        encoded = bytes(a for a, b in zip(one, other, strict=True) if a == b).rstrip(b"=")
        yield encoded
        yield encoded.translate(URL_SAFE)


def one_line(text: str) -> str:
    """Returns ``text`` as a sentence: on one line, and without what a terminal obeys or XML cannot hold.

    A container's processes choose their names, and an error message may quote what a container said.
    """
    words = " ".join(text.split("\n"))
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in words)


class Redactor:
    """Masks every known secret, in each of its forms."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._known = sorted((form.decode() for form in forms_of_all(secrets)), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Returns ``text`` with the mask in place of each secret."""
        for secret in self._known:
            text = text.replace(secret, MASK)
        return text
