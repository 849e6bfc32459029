"""What an engine answered, and what Pulumi knew of the stack that it was asked about: replayed where no engine is.

The seam is docker's command line (rules/docker.py, ``Client.call``): a question is what stands behind ``docker``.
tests/integration/record_answers.py makes the recordings, testbed/scrubbing.py says what of an answer is kept.
"""

import copy
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ops.state import State
from posture.declaration import Declaration, parse
from posture.secrets import MARK
from rules.docker import Client
from rules.layout import ROLE_LABEL

FOLDER = Path(__file__).parents[1] / "tests" / "unit" / "recorded"
LONGEST = 80
"""Of a longer part of a question its beginning is enough: it is a program, which may change without a new question."""
SHOWN = 40
ACTS = {"rename", "update", "unpause", "start", "restart", "rm", ("image", "rm")} | {
    ("network", act) for act in ("connect", "disconnect")
}
"""What ops has an engine do, in place of asking it."""


class NotRecordedError(AssertionError):
    """A test asks what no recording has."""


def question(arguments: tuple[str, ...]) -> list[str]:
    """Returns what stands behind ``docker``, of whole programs their beginning alone."""
    return [
        part if len(part) <= LONGEST and "\n" not in part else f"{part[:SHOWN].partition(chr(10))[0]}..."
        for part in arguments
    ]


@dataclass
class Recording:
    """One stack on one engine. ``state`` and ``config`` are what pulumi shows with ``--show-secrets``."""

    name: str
    engine: str
    time: str
    stack: str
    outputs: dict[str, Any]
    state: dict[str, Any]
    config: dict[str, Any]
    answers: list[dict[str, Any]]

    @classmethod
    def load(cls, path: Path) -> "Recording":
        """Reads what :meth:`save` has written."""
        return cls(name=path.stem, **json.loads(path.read_text(encoding="utf-8")))

    def save(self) -> None:
        """Writes it to a file of its name, an answer a line, so that a difference can be read."""
        parts = {name: value for name, value in vars(self).items() if name not in ("name", "state", "answers")}
        answers, resources = (
            ",\n".join(json.dumps(entry, sort_keys=True) for entry in entries)
            for entries in (self.answers, self.state["deployment"]["resources"])
        )
        self.path.write_text(
            f'{json.dumps(parts, indent=1)[:-2]},\n"answers": [\n{answers}\n],\n'
            f'"state": {{"deployment": {{"resources": [\n{resources}\n]}}}}\n}}\n',
            encoding="utf-8",
        )

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return FOLDER / f"{self.name}.json"

    @property
    def now(self) -> datetime:
        """When it was recorded: what ages is judged by then."""
        return datetime.fromisoformat(self.time)

    def copy(self) -> "Recording":
        """Returns one that a test may change."""
        return copy.deepcopy(self)

    def declaration(self) -> Declaration:
        """Returns the stack as posture reads it."""
        return parse(self.stack, self.state, self.config, json.dumps(_encrypted(self.state)))

    def in_force(self) -> State:
        """Returns the stack as operations read it."""
        return State(self.stack, _encrypted(self.state))

    def objects(self, *, role: str | None = None) -> Iterator[dict[str, Any]]:
        """Yields each object of all answers; with ``role`` what is said of the container that plays it."""
        for answer in self.answers:
            for one in answer["out"] if isinstance(answer["out"], list) else []:
                labels = (one.get("Config") or {}).get("Labels") or {}
                if role is None or ("State" in one and labels.get(ROLE_LABEL) == role):
                    yield one

    def asked(self, *words: str) -> Iterator[dict[str, Any]]:
        """Yields the answers to the questions in which all of ``words`` stand."""
        for answer in self.answers:
            text = " ".join(answer["asked"])
            if all(word in text for word in words):
                yield answer

    def answer(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Answers as the engine did.

        Raises:
            NotRecordedError: with what to do, when it was never asked that.
        """
        asked = question(arguments)
        found = next((one for one in self.answers if one["asked"] == asked), None) or self._of_others(asked)
        if found:
            return subprocess.CompletedProcess(list(arguments), found["status"], _printed(found), found["err"])
        raise NotRecordedError(
            f"the recording {self.name} has no answer to 'docker {' '.join(asked)}'. If posture or ops ask an engine "
            "that from now on, add it to tests/integration/record_answers.py (ask), and record anew: make record"
        )

    def _of_others(self, asked: list[str]) -> dict[str, Any] | None:
        """Returns the answer about objects that were asked for in another company, in docker's order: that asked in."""
        known: dict[str, Any] = {}
        start = asked[: asked.index("{{json .}}") + 1] if "inspect" in asked and "{{json .}}" in asked else asked
        for one in self.answers:
            names = one["asked"][len(start) :]
            if one["asked"][: len(start)] == start and len(names) == len(one["out"]):
                known |= dict(zip(names, one["out"], strict=True))
        wanted = asked[len(start) :]
        if not wanted or not known.keys() >= set(wanted):
            return None
        return {"asked": asked, "status": 0, "out": [known[name] for name in wanted], "err": ""}

    def replay(self, monkeypatch: pytest.MonkeyPatch, acts: list[tuple[str, ...]] | None = None) -> None:
        """Has this recording answer whoever asks an engine; ``acts`` collects what is to be done."""

        def call(_: Client, *arguments: str, **__: Any) -> subprocess.CompletedProcess[str]:
            if acts is not None and (arguments[0] in ACTS or arguments[:2] in ACTS):
                acts.append(arguments)
                return subprocess.CompletedProcess(list(arguments), 0, "", "")
            return self.answer(*arguments)

        monkeypatch.setattr(Client, "call", call)
        monkeypatch.delenv("DOCKER_HOST", raising=False)


def _printed(answer: dict[str, Any]) -> str:
    """Objects as docker prints them: one a line where ``--format`` asks for that, else as one list."""
    out = answer["out"]
    if isinstance(out, str):
        return out
    if "--format" in answer["asked"]:
        return "".join(f"{json.dumps(one)}\n" for one in out)
    return json.dumps(out)


def _encrypted(value: Any) -> Any:
    """Returns the state as pulumi exports it without ``--show-secrets``."""
    if isinstance(value, dict):
        if MARK in value:
            return {MARK: value[MARK], "ciphertext": "of the recording"}
        return {name: _encrypted(one) for name, one in value.items()}
    return [_encrypted(one) for one in value] if isinstance(value, list) else value


def recordings() -> list[Recording]:
    """Returns all that there are, by name."""
    return [Recording.load(path) for path in sorted(FOLDER.glob("*.json"))]
