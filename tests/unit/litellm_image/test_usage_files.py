"""Who used what, kept on a volume: a file a day, for so many days, and never at a request's cost."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from claude_gateway.api import usage_files
from claude_gateway.api.usage_files import UsageFiles, keep_usage
from claude_gateway.api.usage_line import UsageLine
from claude_gateway.log_setup import USAGE_LOGGER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TODAY = datetime(2026, 11, 26, 12, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = field(default=TODAY)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def handler(tmp_path: Path, clock: Clock) -> Iterator[UsageFiles]:
    usage, made = logging.getLogger(USAGE_LOGGER), UsageFiles(tmp_path, 3, [SecretStr("sk-the-secret")], clock)
    level = usage.level
    usage.setLevel("INFO")
    usage.addHandler(made)
    yield made
    usage.removeHandler(made)
    usage.setLevel(level)


def used(client: str = "alice", route: str = "") -> None:
    UsageLine(client=client, route=route).write(None)


def kept(folder: Path) -> dict[str, list[str]]:
    return {
        path.name: [json.loads(line)["client"] for line in path.read_text().splitlines()]
        for path in sorted(folder.iterdir())
    }


@pytest.mark.usefixtures("handler")
def test_each_day_has_its_file_and_old_ones_are_deleted(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "usage-2026-11-22.jsonl").write_text("")
    (tmp_path / "usage-2026-11-24.jsonl").write_text("")
    used()
    used("bob")
    assert kept(tmp_path) == {"usage-2026-11-24.jsonl": [], "usage-2026-11-26.jsonl": ["alice", "bob"]}
    clock.now += timedelta(days=1)
    used("carol")
    clock.now += timedelta(days=1)
    used("dave")
    assert kept(tmp_path) == {
        "usage-2026-11-26.jsonl": ["alice", "bob"],
        "usage-2026-11-27.jsonl": ["carol"],
        "usage-2026-11-28.jsonl": ["dave"],
    }
    assert (tmp_path / "usage-2026-11-28.jsonl").stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("handler")
def test_whoever_has_no_key_fills_no_file(tmp_path: Path) -> None:
    used("")
    used("", route='POST /"client": "bob", ')
    assert kept(tmp_path) == {}


@pytest.mark.usefixtures("handler")
def test_what_a_client_sends_is_one_line_and_no_secret(tmp_path: Path) -> None:
    used(route='GET /sk-the-secret\n{"client": "", "list_price_usd": 5}\u2028\x1b[31m')
    text = (tmp_path / "usage-2026-11-26.jsonl").read_text()
    assert len(text.splitlines()) == 1
    assert "the-secret" not in text
    assert json.loads(text)["client"] == "alice"


@pytest.mark.usefixtures("handler")
def test_a_day_has_a_bound_and_the_log_says_once_when_it_is_reached(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(usage_files, "DAY_BYTES", 500)
    for _ in range(10):
        used()
    said = [record.getMessage() for record in caplog.records if record.name == usage_files.__name__]
    assert said == ["usage is not kept for the rest of 2026-11-26: its file has 500 bytes; it stays in this log"]
    assert (tmp_path / "usage-2026-11-26.jsonl").stat().st_size < 1500
    clock.now += timedelta(days=1)
    used("bob")
    assert kept(tmp_path)["usage-2026-11-27.jsonl"] == ["bob"]


def test_a_volume_that_is_full_or_gone_costs_no_request(
    handler: UsageFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    handler._folder = tmp_path / "gone"
    used()
    used()
    said = [record.getMessage() for record in caplog.records if record.name == usage_files.__name__]
    assert said == ["usage is not kept for the rest of 2026-11-26: No such file or directory; it stays in this log"]


def test_lines_go_on_to_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    usage = logging.getLogger(USAGE_LOGGER)
    before = list(usage.handlers)
    with caplog.at_level("INFO", USAGE_LOGGER):
        keep_usage(tmp_path, 1, [])
        used()
    usage.handlers[:] = before
    assert len(kept(tmp_path)) == 1
    assert '"client": "alice"' in caplog.text
