"""A secret is found in every form that a tool may have given it, and a public key is none."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from posture.redaction import Redactor, forms

KEYS = [
    ec.generate_private_key(ec.SECP256R1()),
    ec.generate_private_key(ec.SECP384R1()),
    ed25519.Ed25519PrivateKey.generate(),
    rsa.generate_private_key(65537, 2048),
]
FORMATS = [PrivateFormat.PKCS8, PrivateFormat.OpenSSH, PrivateFormat.TraditionalOpenSSL]
WRITTEN = [(key, form) for key in KEYS for form in FORMATS if form is not FORMATS[2] or key is not KEYS[2]]
"""Each key in each form; Ed25519 has no traditional one."""


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=5), st.booleans())
def test_a_key_is_found_in_all_encodings(random: bytes, before: bytes, urlsafe: bool) -> None:
    key = f"sk-{random.hex()}"
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    for text in (
        key.encode(),
        key[3:].encode(),
        key.encode().hex().encode(),
        encode(before + key.encode() + b"!"),
        encode(random),
    ):
        assert any(form in text for form in forms(key))


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
