"""What a rotation tells: what is in force, and what to do next. No key stands in it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ops import rotate
from ops.key_rotation import Keys

KEYS = Keys(
    production=True,
    configured=False,
    generation="2026-11-24",
    previous_generation="initial",
    previous_expires=datetime(2026, 11, 25, 12, tzinfo=UTC),
)
OF_ALICE = '"client": "alice", "generation": "initial"'
Report = Callable[..., list[str]]


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> Report:
    def lines(client: str | None, keys: Keys, **outputs: str) -> list[str]:
        def pulumi(*arguments: str, stack: str) -> str:
            assert arguments[:2] == ("stack", "output"), "and not --show-secrets"
            return f"{outputs[arguments[2]]}\n"

        stack: Any = type("Stack", (), {"keys": lambda _, whose: {client: keys}[whose]})
        monkeypatch.setattr(rotate, "pulumi", pulumi)
        monkeypatch.setattr(rotate, "StackFile", lambda _: stack())
        return rotate.report("prod", client).splitlines(keepends=True)

    return lines


def test_the_master_keys_old_generation_is_refused_by_itself(report: Report) -> None:
    outputs = {"key_generation": "2026-11-24", "previous_key_generation": "initial"}
    assert report(None, KEYS, **outputs) == [
        "The master key of 'prod' is of generation 2026-11-24.\n",
        "  read it    make -s STACK=prod output NAME=master_key\n",
        "  old key    generation initial, accepted until 2026-11-25T12:00:00Z, then refused by itself\n",
        '  who        make -s STACK=prod logs SINCE=1h | grep \'"key_generation": "initial"\'   (and its source)\n',
        "  retire     make retire STACK=prod   (refuses the old key before that)\n",
    ]


def test_a_clients_key_is_told_of_as_that_clients(report: Report) -> None:
    assert report("alice", KEYS) == [
        "The key of the client 'alice' of 'prod' is of generation 2026-11-24.\n",
        "  read it    make -s STACK=prod client NAME=alice\n",
        "  old key    generation initial, accepted until 2026-11-25T12:00:00Z, then refused by itself\n",
        f"  who        make -s STACK=prod logs SINCE=1h | grep '{OF_ALICE}'   (and its source)\n",
        "  retire     make retire STACK=prod CLIENT=alice   (refuses the old key before that)\n",
    ]


def test_after_an_emergency_the_old_key_is_refused(report: Report) -> None:
    assert report(None, Keys(production=True, configured=False), key_generation="2026-11-24") == [
        "The master key of 'prod' is of generation 2026-11-24.\n",
        "  read it    make -s STACK=prod output NAME=master_key\n",
        "  old key    refused\n",
    ]
