"""An untouched stack: each check that needs only what the engine says comes out alike on all recorded engines."""

import re
from itertools import groupby

import pytest

from testbed.recording import NotRecordedError, Recording, recordings
from testbed.scrubbing import CONTAINER, KEPT, made_up
from tests.unit.posture.recorded import outcomes

ALL = recordings()
KINDS = ("production", "development")
each = pytest.mark.parametrize("recording", ALL, ids=lambda one: one.name)


@each
def test_nothing_is_wrong_with_an_untouched_stack(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    recording.replay(monkeypatch)
    found = outcomes(recording)
    assert {id_ for id_, status in found.items() if status == "fail"} == set()
    assert "pass" in found.values()


@pytest.mark.parametrize("kind", KINDS)
def test_a_stack_is_judged_alike_on_each_engine(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for recording in (one for one in ALL if one.name.endswith(kind)):
        recording.replay(monkeypatch)
        found.append(outcomes(recording))
    assert len(list(groupby(found))) <= 1


@each
def test_a_question_that_was_not_recorded_says_how_to_record_it(recording: Recording) -> None:
    with pytest.raises(NotRecordedError, match=rf"{recording.name} has no answer to 'docker top x'\. .*: make record$"):
        recording.answer("top", "x")
    with pytest.raises(NotRecordedError, match="container inspect"):
        recording.answer("container", "inspect", "--format", "{{json .}}", "x")


@each
def test_no_recording_holds_a_secret(recording: Recording) -> None:
    made = {made_up(kind, number) for number in range(20) for kind in ("sk-", "")}
    declared = recording.declaration().secrets
    assert declared <= made
    text = recording.path.read_text(encoding="utf-8")
    keys = set(re.findall(r"\bsk-[0-9A-Za-z_-]{8,}", text)) - {"sk-development-only"}
    assert keys <= made
    assert "PRIVATE KEY" not in text
    assert '"plaintext"' not in re.sub(r'"plaintext": "(\[|\\")', "", text)


@each
def test_no_recording_holds_what_is_of_one_machine(recording: Recording) -> None:
    text = recording.path.read_text(encoding="utf-8")
    folders = set(re.findall(r"(?<![\w.:}/-])/(?:tmp|root|work|mnt|var/lib|home)/[\w./-]+", text))
    assert {
        one for one in folders if not re.match(r"/home/app\b|/var/lib/docker/volumes/litellm-claude-recorded-", one)
    } == set()
    for one in recording.objects():
        kinds = [known for known in (CONTAINER, *KEPT.values()) if one.keys() <= known.keys()]
        assert kinds, sorted(one)
    assert recording.path.stat().st_size < 110_000
