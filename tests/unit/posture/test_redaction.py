"""A secret is found in every form that a tool may have given it, and a public key is none."""

import base64
import json
import math
import textwrap
from collections.abc import Callable
from dataclasses import replace

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from posture.redaction import MASK, Redactor, forms
from tests.unit.posture.conftest import Make

RSA = rsa.generate_private_key(65537, 2048)
KEYS = [
    ec.generate_private_key(ec.SECP256R1()),
    ec.generate_private_key(ec.SECP384R1()),
    ed25519.Ed25519PrivateKey.generate(),
    RSA,
]
FORMATS = [PrivateFormat.PKCS8, PrivateFormat.OpenSSH, PrivateFormat.TraditionalOpenSSL]
WRITTEN = [(key, form) for key in KEYS for form in FORMATS if form is not FORMATS[2] or key is not KEYS[2]]
"""Each key in each form; Ed25519 has no traditional one."""


KEY = "sk-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
SHORT = "sk-0123456789abcdef"
"""As its digits stand for bytes, the shortest that is masked."""


@pytest.mark.parametrize("key", [KEY, SHORT])
def test_a_key_is_masked_as_it_is_and_in_hex(key: str) -> None:
    for text in (key, key[3:], key.encode().hex(), key[3:].encode().hex(), key.encode().hex().upper()):
        assert Redactor({key})(f"x {text} x") == f"x {MASK} x"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("after", ["", "?", "??"])
@pytest.mark.parametrize("before", ["", "?", "??", "???"])
@pytest.mark.parametrize("key", [KEY, SHORT])
def test_in_base64_nothing_of_a_key_is_left(
    key: str, before: str, after: str, encode: Callable[[bytes], bytes]
) -> None:
    """RFC 4648, section 4: a character has 6 bits; one that holds bits of what is beside the key depends on that."""
    for value in (key.encode(), key[3:].encode(), bytes.fromhex(key[3:])):
        text = encode(before.encode() + value + after.encode()).decode()
        first, end = math.ceil(len(before) * 8 / 6), (len(before) + len(value)) * 8 // 6
        assert Redactor({key})(text) == text[:first] + MASK + text[end:]


@pytest.mark.parametrize(("width", "masked_from"), [(64, 48), (56, 48), (55, 55)])
def test_of_a_private_key_the_lines_that_hold_its_number_are_masked(width: int, masked_from: int) -> None:
    """RFC 5958 and RFC 5915: P-256's number is 32 bytes behind 36, 43 characters behind 48; 7 of them are too few."""
    key = ec.derive_private_key(int(KEY[3:], 16), ec.SECP256R1())
    body = base64.b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).decode()
    lines = textwrap.wrap(body, width)
    pem = "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----"])
    head = lines[0] if masked_from == width else lines[0][:masked_from] + MASK
    assert Redactor({pem})(pem) == pem.replace(lines[0], head).replace(lines[1], MASK + lines[1][48 + 43 - width :])


def test_each_secret_number_of_an_rsa_key_is_masked() -> None:
    """RFC 8017, A.1.2: each of them is enough to make the others again."""
    pem = RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    private = RSA.private_numbers()
    for number in (private.d, private.p, private.q, private.dmp1, private.dmq1, private.iqmp):
        assert Redactor({pem})(number.to_bytes(256).hex()).strip("0") == MASK


@pytest.mark.parametrize(("key", "form"), WRITTEN)
def test_a_private_key_is_found_wherever_it_stands(key: ec.EllipticCurvePrivateKey, form: PrivateFormat) -> None:
    pem = key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
    wanted = forms(pem)
    assert wanted
    assert any(text in json.dumps({"pem": pem}).encode() for text in wanted)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ssh = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    assert not any(text in public or text in ssh for text in wanted)


def test_text_without_a_secret_stays_as_it_is() -> None:
    assert Redactor({"sk-" + "a" * 40, "short"})("a short text") == "a short text"


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PRIVATE KEY-----\nno key\n-----END PRIVATE KEY-----",
        trustme.CA().cert_pem.bytes().decode(),
        ed448.Ed448PrivateKey.generate().private_bytes(Encoding.PEM, FORMATS[0], NoEncryption()).decode(),
    ],
    ids=["damaged", "certificate", "of a kind that no stack has"],
)
def test_what_holds_no_key_that_is_known_has_no_form(text: str) -> None:
    assert forms(text) == set()


def test_what_a_declaration_holds_of_secrets_is_not_in_what_python_says_of_it(make: Make) -> None:
    declared = replace(
        make().declaration, secrets=frozenset({KEY}), exported=f"{{{KEY}}}", files={"id-of-a-secret": KEY}
    )
    assert declared.key == KEY, "a variable of LiteLLM's"
    assert KEY not in repr(declared)
