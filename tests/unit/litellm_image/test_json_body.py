"""Bodies are JSON by the letter, within bounds, and what is wrong is said with its place."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_gateway.api.contract import Rejection
from claude_gateway.api.contract.json_body import JsonLimits, parse

MIB = 1024 * 1024
WORDS_OF_PYTHON = ("Expecting", "delimiter", "Extra data", "codec", "NoneType", "int string", "recursion")
NUMBERS = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


def refused(raw: bytes, limits: JsonLimits | None = None) -> Rejection:
    with pytest.raises(Rejection) as caught:
        parse(raw, limits) if limits else parse(raw)
    assert not any(word in caught.value.message for word in WORDS_OF_PYTHON), caught.value.message
    return caught.value


@given(st.dictionaries(st.text(), VALUES))
def test_every_json_object_is_read_as_it_is(body: dict[str, object]) -> None:
    assert parse(json.dumps(body, ensure_ascii=False).encode()) == body
    assert parse(json.dumps(body, indent=1).encode()) == body


@given(st.binary(max_size=200) | st.text('{}[]",:0123456789.eE+-\\ud8tfnN \n', max_size=60).map(str.encode))
def test_any_bytes_are_an_object_or_a_refusal(raw: bytes) -> None:
    try:
        found = parse(raw)
    except Rejection as error:
        rejection = error
    else:
        assert json.loads(raw) == found
        return
    assert rejection.status == 400
    assert rejection.message.isprintable()


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "The body is empty: send a JSON object."),
        (b"null", "The body must be a JSON object."),
        (b"[]", "The body must be a JSON object."),
        (b'"x"', "The body must be a JSON object."),
        (b"\xef\xbb\xbf{}", "The body begins with a byte order mark: send JSON without it."),
        (b"\xff\xfe{", "The body is not UTF-8: see the byte at position 0."),
        (b'{"a": "\xed\xa0\x80"}', "The body is not UTF-8: see the byte at position 7."),
        (b"{", "The body is not JSON: a key in double quotes is missing (line 1, column 2)."),
        (b'{"a":\n1', "The body is not JSON: a comma or a closing bracket is missing (line 2, column 2)."),
        (b'{"a": tru', "The body is not JSON: a value is missing or misspelled (line 1, column 7)."),
        (b"{}\n{}", "The body is not JSON: something follows after the object's end (line 2, column 1)."),
        (b'{"a": NaN}', "a: is NaN, which is no JSON number"),
        (b'{"a": [-Infinity]}', "a.0: is -Infinity, which is no JSON number"),
        (b'{"a": [1, {"b": 1e400}]}', "a.1.b: is too large a number"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "a: is too large a number"),
        (b'{"a": 1, "a": 2}', 'The body has the key "a" more than once'),
        (b'{"a": [{"b": 1, "b": 1}]}', 'a.0: has the key "b" more than once'),
        (b'{"a": ["\\ud83d\\ude00", "\\ud800"]}', "a.1: holds half of a surrogate pair (\\ud800 to \\udfff)"),
        (b'{"a": {"\\uDFFF": 1}}', "a: holds half of a surrogate pair (\\ud800 to \\udfff)"),
    ],
)
def test_what_is_no_json_object_is_refused_with_its_place(raw: bytes, message: str) -> None:
    rejection = refused(raw)
    assert (rejection.status, rejection.message) == (400, message)


def test_control_characters_of_a_client_do_not_reach_the_message() -> None:
    assert "\\u001b" in refused(b'{"\\u001b": 1, "\\u001b": 1}').message
    assert "\\u000a" in refused(b'{"a": {"x\\ny": NaN}}').message


@pytest.mark.parametrize("unit", [b"{},", b"[],", b"1,", b'"",', b"[", b'{"a":'])
def test_a_body_of_too_many_values_is_refused_before_it_is_parsed(unit: bytes) -> None:
    body = b'{"a":[' + unit * (31 * MIB // len(unit))
    started = time.thread_time()
    assert refused(body).status == 413
    assert time.thread_time() - started < 0.05


def test_values_are_counted_and_commas_inside_of_strings_are_not() -> None:
    limits = JsonLimits(values=10)
    assert parse(b'{"a": [1, 2, 3, 4, 5, 6, 7]}', limits)
    assert refused(b'{"a": [1, 2, 3, 4, 5, 6, 7, 8, 9]}', limits).status == 413
    assert parse(b'{"a": ",,,,,,,,[[[[[[{{{{{\\",,,,,,,,,,,"}', limits)


@pytest.mark.parametrize("text", [b"x", b"a,b[c{", b'\\"', b"\\\\", b"\\u00e9"])
def test_a_long_string_is_no_matter(text: bytes) -> None:
    length = len(json.loads(b'"' + text + b'"'))
    assert len(parse(b'{"a": "' + text * (3 * MIB // len(text)) + b'"}')["a"]) == length * (3 * MIB // len(text))


@pytest.mark.parametrize("pair", [(b"[", b"]"), (b'{"a":', b"}")])
@pytest.mark.parametrize("depth", [64, 65, 500, 20_000])
def test_depth_has_a_bound(pair: tuple[bytes, bytes], depth: int) -> None:
    inside = depth - 2
    raw = b'{"a":' + pair[0] * inside + b"[]" + pair[1] * inside + b"}"
    if depth <= 64:
        assert parse(raw)
    else:
        assert refused(raw).message == "The body is nested more than 64 levels deep."
        assert refused(raw.replace(b"[]", b"[NaN]", 1)).message == "The body is nested more than 64 levels deep."


def test_closing_brackets_alone_are_refused_quickly() -> None:
    started = time.thread_time()
    refused(b"[" * 70 + b"]" * (31 * MIB))
    assert time.thread_time() - started < 2
