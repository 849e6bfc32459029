"""Where an operation turns: the last value on one side, the first on the other."""

import errno
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ops import clients, prune
from ops.commands import OperationError, exit_status
from ops.key_rotation import Keys, duration, next_generation, overlaps
from ops.preflight import Wanted, free_pools, wanted
from ops.usage import BAR, Sum, Usage, lines, rendered, summed
from rules.clients import Client
from rules.docker import EngineError
from rules.sizes import MIB
from tests.unit.ops.test_preflight import INFO, said
from tests.unit.ops.test_usage import line

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("version", "works"), [("20.9.99", False), ("20.10", True), ("20.10.0", True), ("29.0.9", True), ("29.1.2", True)]
)
def test_the_oldest_engine_is_20_10(version: str, works: bool) -> None:
    """docs/engines.md: Docker 20.10, which Debian 12 has, is the oldest that works."""
    assert (said(version) == []) is works


@pytest.mark.parametrize(("version", "refused"), [("22.0.9", False), ("23.0.0", True), ("24.0.1", True)])
def test_the_old_builder_is_given_up_from_23_on(version: str, refused: bool) -> None:
    """Docker Engine 23.0's release notes: BuildKit is the default builder."""
    assert bool(said(version, DOCKER_BUILDKIT="0")) is refused


@pytest.mark.parametrize(
    ("mebibytes", "fix"),
    [
        (3072 + 1280, None),
        (3072 + 1279, "litellmMemoryMib 3071"),
        (1280 + 2765, "litellmMemoryMib 2765"),  # 80% of it are 420 at rest, 4 processes of 400, and 6 times 32
        (1280 + 2764, "claudeMaxConcurrency 3 --stack prod && pulumi config set litellmMemoryMib 2764"),
        (1280 + 1265, "claudeWarmProcesses 1 --stack prod && pulumi config set claudeMaxConcurrency 1"),
        (1280 + 1264, "dockerHost ssh://USER@HOST"),
        (64, "dockerHost ssh://USER@HOST"),
    ],
)
def test_memory_is_enough_to_the_mebibyte(mebibytes: int, fix: str | None) -> None:
    sentences = said(info={**INFO, "MemTotal": mebibytes * MIB})
    assert [f"pulumi config set {fix} --stack prod" in one for one in sentences] == [True] * (fix is not None)
    assert said(info={**INFO, "MemTotal": 0}) == []  # an engine that does not say it


@pytest.mark.parametrize(("cpus", "fits"), [(2, True), (2.5, False), (1.5, True)])
def test_processors_are_enough(cpus: float, fits: bool) -> None:
    assert (said(want=Wanted("prod", cpus=cpus)) == []) is fits
    assert said(info={**INFO, "NCPU": 0}, want=Wanted("prod", cpus=cpus)) == []


def test_an_engine_has_addresses_for_31_networks_of_its_own_accord() -> None:
    """docs.docker.com, "default-address-pools": 172.17.0.0/16 to 172.31.0.0/16, and 192.168.0.0/16 in /20s."""
    assert free_pools(INFO, []) == 15 + 16
    assert free_pools(INFO, ["172.16.0.0/16", "172.32.0.0/16", "192.167.0.0/16"]) == 31
    assert free_pools(INFO, ["172.17.0.0/16", "172.31.0.0/16", "192.168.240.0/20"]) == 28


def test_a_stack_that_has_more_networks_than_it_needs_asks_for_none(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("config: {}\n")
    (tmp_path / "Pulumi.prod.yaml").write_text("config: {}\n")
    assert [wanted("prod", tmp_path, there).new_networks for there in (0, 4, 5)] == [4, 0, 0]


def test_an_overlap_has_six_digits_at_most() -> None:
    assert duration("999999s") == timedelta(seconds=999_999)
    assert duration(" 1m ") == timedelta(minutes=1)
    with pytest.raises(OperationError, match="For none at all: EMERGENCY=1"):
        duration("1000000s")


def test_a_day_has_99_generations() -> None:
    """The rule of keyRotation's form takes one or two digits (rules/setting_types.py)."""
    assert next_generation(NOW.date(), "2026-11-24.98") == "2026-11-24.99"


@pytest.mark.parametrize(("after", "accepted"), [(-SECOND, True), (timedelta(0), False), (SECOND, False)])
def test_a_previous_key_ends_at_its_moment(after: timedelta, accepted: bool) -> None:
    keys = Keys(production=True, configured=False, previous_expires=NOW)
    assert overlaps(keys, NOW + after) is accepted
    assert not overlaps(Keys(production=True, configured=False), NOW)


@pytest.mark.parametrize(("days", "expired"), [(-1, True), (0, False), (1, False)])
def test_a_client_is_not_expired_on_its_last_day(days: int, expired: bool) -> None:
    """docs/keys.md: `expires` is the last day on which its keys are accepted."""
    today = date(2026, 11, 24)
    client = Client.model_validate({"expires": (today + timedelta(days=days)).isoformat()})
    row = clients._row("alice", client, {"generation": "initial", "created": "2026-11-20"}, today)
    assert row[-1].endswith(" (expired)") is expired
    assert row[-2] == "initial, 4 days old"


@pytest.mark.parametrize(("copies", "left"), [(49, 49), (50, 50), (51, 50), (60, 50)])
def test_fifty_copies_of_a_state_are_kept(tmp_path: Path, copies: int, left: int) -> None:
    """docs/operating.md: all but the newest 50; Pulumi names a copy by a time in nanoseconds."""
    for number in range(copies):
        (tmp_path / f"prod-{1_700_000_000_000_000_000 + number}.history.json").touch()
    (tmp_path / "prod-12345678901.history.json").touch()  # eleven digits are no such time
    old = prune.old_copies(tmp_path)
    assert copies - len(old) == left
    assert all("1234" not in path.name for path in old)


@pytest.mark.parametrize(("seconds", "counted"), [(-1, 0), (0, 1), (1, 1)])
def test_usage_counts_from_the_moment_that_was_asked_for(seconds: int, counted: int) -> None:
    at = NOW + timedelta(seconds=seconds)
    found = summed(lines([line(time=at.isoformat())]), "client", NOW)
    assert sum(one.requests for one in found.sums.values()) == counted
    assert found.oldest == at
    assert ("reach back to" in rendered(found, "client", NOW)) is (seconds > 0)


def test_the_same_line_counts_once_and_a_cut_one_ends_nothing() -> None:
    one = line()
    assert len(list(lines([one, one, one[:-5], line()]))) == 2


def test_a_bar_is_a_share_of_the_largest_and_nothing_is_no_error() -> None:
    found = Usage({name: Sum(requests=1, list_price_usd=price) for name, price in (("a", 4.0), ("b", 1.0))})
    bars = [row.count("█") for row in rendered(found, "client", NOW).splitlines()[1:3]]
    assert bars == [BAR, BAR // 4]
    free = rendered(Usage({"a": Sum(requests=1)}), "client", NOW)
    assert "█" not in free
    assert "$0.0000" in free


def test_equal_prices_are_in_the_order_of_their_names() -> None:
    found = summed([json.loads(line(client=name)) for name in ("b", "a", "c")], "client", NOW - timedelta(days=1))
    assert list(found.sums) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("outcome", "expected"), [("done\n", 0), (None, 0), (OperationError("no"), 1), (EngineError("no"), 1)]
)
def test_an_operation_that_failed_has_status_1_and_a_sentence(
    capsys: pytest.CaptureFixture[str], outcome: Any, expected: int
) -> None:
    def operation() -> str | None:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome  # type: ignore[no-any-return]

    assert exit_status(operation) == expected
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == (("", "error: no\n") if expected else (outcome or "", ""))


def test_an_operation_that_is_interrupted_ends_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def operation() -> str:
        raise KeyboardInterrupt

    assert exit_status(operation) == 130
    assert capsys.readouterr().err.startswith("error: interrupted.")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device. Correct that"),
        (PermissionError(errno.EACCES, "Permission denied", "x.yaml"), "x.yaml: Permission denied. Correct that"),
    ],
)
def test_what_the_disk_refuses_is_a_sentence(capsys: pytest.CaptureFixture[str], fault: OSError, said: str) -> None:
    def operation() -> str:
        raise fault

    assert exit_status(operation) == 1
    assert capsys.readouterr().err.startswith(f"error: {said}")
