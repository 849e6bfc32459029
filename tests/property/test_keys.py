"""What holds for every key."""

import base64
import secrets

from hypothesis import given
from hypothesis import strategies as st

from rules.keys import MINIMUM_ESTIMATED_BITS, capacity_bits, estimated_bits, form_fault, strength_fault

RANDOM_BYTES = st.binary(min_size=32, max_size=64).map(lambda b: secrets.token_bytes(len(b)))
ENCODINGS = st.sampled_from([bytes.hex, lambda b: base64.urlsafe_b64encode(b).rstrip(b"=").decode()])

NO_WORD = "7Qz4"
"""What no sentence has of itself, as it may have a key such as "must", which hypothesis finds in the rules."""


@given(RANDOM_BYTES, ENCODINGS)
def test_32_random_bytes_are_always_strong_enough(value: bytes, encode: object) -> None:
    body = encode(value)  # type: ignore[operator]
    assert strength_fault(f"sk-{body}") is None
    assert estimated_bits(body) > MINIMUM_ESTIMATED_BITS + 10


@given(st.sampled_from(["", "sk-"]), st.text(max_size=300))
def test_a_fault_never_quotes_the_key(prefix: str, text: str) -> None:
    key = f"{prefix}{text}{NO_WORD}"
    for fault in (form_fault(key), strength_fault(key)):
        assert NO_WORD not in str(fault)


@given(st.text(max_size=200))
def test_whatever_is_strong_is_well_formed(key: str) -> None:
    if strength_fault(key) is None:
        assert form_fault(key) is None
        assert key.startswith("sk-")


@given(st.text(alphabet="0123456789abcdef", max_size=63))
def test_fewer_than_64_hexadecimal_digits_are_never_enough(body: str) -> None:
    assert strength_fault(f"sk-{body}") is not None


@given(st.text(alphabet="0123456789abcdef", min_size=1, max_size=15), st.integers(5, 40))
def test_repetition_adds_no_strength(block: str, times: int) -> None:
    assert strength_fault(f"sk-{block * times}") is not None


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=120))
def test_the_estimate_never_exceeds_what_the_text_can_hold(body: str) -> None:
    assert 0 <= estimated_bits(body) <= 7 * len(body)
    assert capacity_bits(body) <= 6 * len(body)
