"""What a stranger beside the front is told."""

import json
import subprocess
import sys

import pytest

from posture.programs import outsider, text_of
from tests.unit.posture.test_programs import answer, listener


@pytest.mark.parametrize(("said", "expected"), [(answer("200 OK"), "answered"), (b"", "closed")])
def test_a_stranger_is_answered_or_hung_up_on(said: bytes, expected: str) -> None:
    with listener(said) as place:
        assert outsider.attempt(*place, secure=False) == expected


def test_a_stranger_who_gets_no_handshake_is_not_answered() -> None:
    with listener(b"") as place:
        assert outsider.attempt(*place, secure=True) not in ("answered", "closed")


@pytest.mark.parametrize(("tls", "expected"), [("off", "answered"), ("on", "SSLError")])
def test_a_stranger_is_a_program_that_is_told_where_to_go(tls: str, expected: str) -> None:
    with listener(answer("200 OK")) as (host, port):
        command = [sys.executable, "-I", "-c", text_of("outsider"), host, str(port), tls]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == expected
