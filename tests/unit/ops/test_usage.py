"""Who used what, from the lines of the containers' logs."""

import itertools
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from ops import usage
from ops.engine import Container
from ops.state import State
from ops.usage import lines, rendered, summed

SINCE = datetime(2026, 11, 20, tzinfo=UTC)


NUMBERS = itertools.count()


def line(**changed: Any) -> str:
    told = {
        "request_id": f"req_{next(NUMBERS)}",
        "time": "2026-11-25T10:00:00.000+00:00",
        "client": "alice",
        "route": "POST /v1/messages",
        "model": "sonnet",
        "end": "complete",
        "input_tokens": 1000,
        "output_tokens": 20,
        "cache_read_tokens": 3,
        "cache_write_tokens": 4,
        "list_price_usd": 0.5,
    }
    return json.dumps({**told, **changed})


LOGS = [
    "2026-11-25T10:00:00 INFO something: else\n" + line() + "\n" + line(client="bob", list_price_usd=2.0, end="failed"),
    "\n".join(
        [
            line(time="2026-11-19T10:00:00+00:00", client="old"),
            line(time="2026-11-26T10:00:00+00:00", model="opus"),
            line(client="", model="", input_tokens=0, list_price_usd=0, end="refused"),
            line()[:-30],
            '{"path": "another program\'s \\"list_price_usd\\""',
        ]
    ),
]


LINES = [text for log in LOGS for text in log.splitlines()]


def test_each_client_has_its_sums_the_most_expensive_first() -> None:
    found = summed(lines(LINES), "client", SINCE)
    assert list(found.sums) == ["bob", "alice", "(no valid key)"]
    assert vars(found.sums["alice"]) == {
        "requests": 2,
        "failed": 0,
        "input_tokens": 2000,
        "output_tokens": 40,
        "cache_read_tokens": 6,
        "cache_write_tokens": 8,
        "list_price_usd": 1.0,
    }
    assert found.sums["bob"].failed == found.sums["(no valid key)"].failed == 1


@pytest.mark.parametrize(
    ("by", "groups"), [("model", ["sonnet", "opus", "(none)"]), ("day", ["2026-11-25", "2026-11-26"])]
)
def test_models_and_days_are_groups_too(by: str, groups: list[str]) -> None:
    assert list(summed(lines(LINES), by, SINCE).sums) == groups


def test_the_table_fits_a_terminal_and_says_how_far_back_it_reaches() -> None:
    printed = rendered(summed(lines(LINES), "client", SINCE), "client", SINCE)
    head, bob, alice, *_ = printed.splitlines()
    assert head.split()[:3] == ["client", "requests", "failed"]
    assert bob.split()[-2:] == ["$2.0000", "█" * 20]
    assert alice.split()[-2:] == ["$1.0000", "█" * 10]
    assert "2,000" in alice
    assert "since 2026-11-20 00:00 UTC\n" in printed
    assert usage.NOTE in printed
    later = datetime(2026, 11, 1, tzinfo=UTC)
    assert "the logs reach back to 2026-11-19 10:00" in rendered(summed(lines(LINES), "day", later), "day", later)


def test_no_request_is_said() -> None:
    assert rendered(summed([], "client", SINCE), "client", SINCE) == "no model was asked since 2026-11-20 00:00 UTC\n"


NO_MODEL = {"model": "", "input_tokens": 0, "output_tokens": 0, "list_price_usd": 0}


def test_what_the_checks_of_a_fresh_stack_ask_is_nobodys_use() -> None:
    """Each way in which posture/edge.py and posture/inside.py ask, with the master key and with wrong ones."""
    asked = [
        line(client="master", route="GET /v1/models", **NO_MODEL),
        line(client="master", route="GET /key/generate", end="refused", **NO_MODEL),
        line(client="", route="GET /v1/models", end="refused", **NO_MODEL),
        line(client="", route="HEAD /", time="2026-11-19T10:00:00+00:00", **NO_MODEL),
    ]
    for by in usage.GROUPS:
        found = summed(lines(asked), by, SINCE)
        assert found.sums == {}
        assert rendered(found, by, SINCE) == (
            f"no model was asked since 2026-11-20 00:00 UTC\n{usage.BESIDES}: (no valid key) 1, master 2.\n"
        )


def test_what_asks_a_model_counts_whatever_the_client_sends_besides() -> None:
    """Only POST reaches a model; a path, a model's name or a failure takes no request out of the sums."""
    asked = [
        line(client="alice", route="POST /v1/models"),
        line(client="alice", route="POST /v1/messages", model="", end="refused"),
        line(client="alice", route="PUT GET /v1/models", model="GET /v1/models"),
        line(client="master", route="POST /messages"),
        line(client="alice", route="GET /v1/models", **NO_MODEL),
    ]
    found = summed(lines(asked), "client", SINCE)
    assert {name: total.requests for name, total in found.sums.items()} == {"alice": 3, "master": 1}
    assert found.besides == {"alice": 1}
    assert "own checks): alice 1.\n" in rendered(found, "client", SINCE)


class Engine:
    def containers(self, label: str, role: str) -> list[Container]:
        assert (label, role) == ("litellm-claude-prod", "litellm")
        return [Container(str(number), "", role, "running", True, frozenset()) for number in range(len(LOGS))]

    def log(self, identifier: str) -> str:
        return LOGS[int(identifier)]

    def copied(self, identifier: str, path: str) -> Iterator[bytes]:
        """The second container keeps what it has logged, and what one that is gone had."""
        assert path == "/home/app/usage"
        kept = (
            [LOGS[1].splitlines()[0], line(client="carol", time="2026-11-18T10:00:00+00:00")]
            if identifier > "0"
            else []
        )
        return (f"{text}\n".encode() for text in kept)


def run(monkeypatch: pytest.MonkeyPatch, label: str | None, *arguments: str) -> int:
    state = State("prod", {})
    monkeypatch.setattr(State, "label", label)
    monkeypatch.setattr(state, "engine", Engine)
    monkeypatch.setattr(State, "of", staticmethod(lambda _stack: state))
    monkeypatch.setattr(sys, "argv", ["usage", "prod", *arguments])
    return usage.main()


def test_the_command_reads_all_containers_of_the_stack(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "litellm-claude-prod", "--since", "3650d", "--by", "client", "--json") == 0
    printed = capsys.readouterr().out
    told = json.loads(printed)
    assert printed == json.dumps(told, indent=2) + "\n"  # as `make verify` prints it
    assert told["oldest"] == "2026-11-18 10:00:00+00:00"
    assert told["besides"] == {}
    assert {name: group["requests"] for name, group in told["usage"].items()} == {
        "bob": 1,
        "alice": 2,
        "carol": 1,
        "old": 1,
        "(no valid key)": 1,
    }
    assert run(monkeypatch, "litellm-claude-prod", "--since", "3650d") == 0
    assert capsys.readouterr().out.startswith("client")


@pytest.mark.parametrize(
    ("label", "asked", "sentence"),
    [
        (None, "--since=7d", "error: the stack 'prod' is not up. Run: make up STACK=prod\n"),
        ("litellm-claude-prod", "--since=always", "error: SINCE is 'always', not a time such as 30m, 24h or 7d.\n"),
        ("litellm-claude-prod", "--by=team", "error: BY is 'team', not one of: client, model, day.\n"),
    ],
)
def test_what_cannot_be_told_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], label: str | None, asked: str, sentence: str
) -> None:
    """In the words of ``make usage``: its caller has typed BY=team, and no option."""
    assert run(monkeypatch, label, asked) == 1
    assert capsys.readouterr().err == sentence
