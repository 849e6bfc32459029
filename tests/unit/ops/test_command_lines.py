"""What each operation is told on its command line, and with which status it ends."""

import io
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ops import backup, before_up, clients, notice, reconcile, restore, retire, rotate, state, upgrade, usage, volumes
from ops.commands import OperationError
from ops.state import State

Told = list[tuple[Any, ...]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "nice", lambda by: by == 10 or pytest.fail("what serves goes first"))
    return tmp_path


def ran(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, *words: str) -> tuple[int, Told]:
    """The exit status of ``python -m MODULE WORDS``, and what its function was given."""
    told: Told = []

    def operation(*given: Any, **named: Any) -> str:
        told.append((*given, named) if named else given)
        return "done\n"

    monkeypatch.setattr(module, name, operation)
    monkeypatch.setattr("sys.argv", ["x", *words])
    return module.main(), told


@pytest.mark.parametrize("module", [backup, before_up, clients, reconcile, restore, retire, rotate, usage])
def test_help_says_in_a_sentence_what_a_command_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], module: ModuleType
) -> None:
    monkeypatch.setattr("sys.argv", ["x", "--help"])
    with pytest.raises(SystemExit):
        module.main()
    assert " ".join((module.__doc__ or "").split("\n")[0].split()) in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (["prod"], ("prod", timedelta(hours=24), None)),
        (["prod", "--overlap", "30m", "--client", "alice"], ("prod", timedelta(minutes=30), "alice")),
        (["prod", "--emergency", "--overlap", "7d"], ("prod", None, None)),
    ],
)
def test_a_rotation_overlaps_for_a_day_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], given: Any
) -> None:
    """docs/keys.md: the old key works for 24 more hours; EMERGENCY=1 refuses it at once."""
    assert ran(monkeypatch, rotate, "rotate", *words) == (0, [given])
    assert capsys.readouterr().out == "\ndone\n"


@pytest.mark.parametrize("words", [["prod"], ["prod", "--client", "alice"]])
def test_a_key_is_retired_of_the_stack_or_of_a_client(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert ran(monkeypatch, retire, "retire", *words) == (0, [(words[0], words[-1] if words[1:] else None)])
    assert capsys.readouterr().out == "\ndone\n"


@pytest.mark.parametrize(("flag", "name"), [("--after-failure", "after_failure"), ("--before-down", "before_down")])
def test_a_repair_is_told_what_it_comes_after(monkeypatch: pytest.MonkeyPatch, flag: str, name: str) -> None:
    nothing = {"after_failure": False, "before_down": False}
    assert ran(monkeypatch, reconcile, "reconcile", "prod") == (0, [("prod", nothing)])
    assert ran(monkeypatch, reconcile, "reconcile", "prod", flag) == (0, [("prod", {**nothing, name: True})])


def test_a_backup_is_named_after_the_stack_and_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    status, [(stack, path, now)] = ran(monkeypatch, backup, "backup", "org/project/prod")
    assert (status, stack, path) == (0, "org/project/prod", Path(f"prod-{now:%Y-%m-%d}.backup"))
    _, [(_, path, _)] = ran(monkeypatch, backup, "backup", "prod", "kept")
    assert path == Path("kept")
    assert ran(monkeypatch, restore, "restore", "prod", "kept") == (0, [("prod", Path("kept"), None)])
    on_another = ran(monkeypatch, restore, "restore", "prod", "kept", "--engine=ssh://new")
    assert on_another == (0, [("prod", Path("kept"), "ssh://new")])


def test_an_upgrade_is_of_a_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ran(monkeypatch, upgrade, "upgrade", "prod") == (0, [("prod",)])


@pytest.mark.parametrize(("said", "printed"), [("a sentence", "\na sentence\n"), (None, "")])
def test_what_clients_notice_is_said_with_the_stacks_own_drain(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: str | None, printed: str
) -> None:
    monkeypatch.setattr(notice, "decrypted", lambda name, stack, _: {"drainSeconds": {"org/prod": "77"}}[name][stack])
    monkeypatch.setattr("sys.stdin", io.StringIO("a preview"))
    monkeypatch.setattr("sys.argv", ["x", "org/prod"])
    monkeypatch.setattr(notice, "notice", lambda *given: said if given == ("a preview", 77) else "another one's")
    assert notice.main() == 0
    assert capsys.readouterr().out == printed


def test_a_client_is_shown_or_all_of_them_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ran(monkeypatch, clients, "key_and_use", "prod", "--show", "alice") == (0, [("prod", "alice")])
    status, [(stack, _today)] = ran(monkeypatch, clients, "listing", "prod")
    assert (status, stack) == (0, "prod")


def resource(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": state.KINDS[kind], "urn": f"urn::litellm-claude-prod-{name}", "inputs": {"name": name}, **more}


EXPORTED = {
    "version": 3,
    "deployment": {
        "resources": [
            {"type": state.ENGINE, "urn": "engine", "inputs": {"host": "ssh://far", "certPath": "/c"}},
            resource("volume", "claude-auth"),
            resource("volume", "usage"),
            resource("volume", "acme", delete=True),
            resource("volume", "gone"),
        ]
    },
}


class Pulumi:
    """Stands in for pulumi: a backend with one stack, which keeps what it is told."""

    def __init__(self, exported: Any = EXPORTED, error: str = "") -> None:
        self.exported, self.error = exported, error
        self.calls: list[tuple[tuple[str, ...], str, str | None]] = []
        self.kept: dict[str, str] = {}

    def __call__(self, *arguments: str, stack: str, stdin: str | None = None) -> str:
        self.calls.append((arguments, stack, stdin))
        if self.error and arguments[:2] == ("stack", "export"):
            raise OperationError(self.error)
        if arguments[:2] == ("config", "set"):
            _, _, flag, name, _, file = arguments
            assert flag == "--secret"
            self.kept[name] = str(stdin)
            Path(file).write_text(Path(file).read_text() + f"# {name}\n")
        if arguments[:2] == ("config", "get"):
            return self.kept[arguments[2]] + "\n"
        return json.dumps({"export": self.exported, "ls": [{"name": "dev"}]}.get(arguments[1], ""))


def use(monkeypatch: pytest.MonkeyPatch, pulumi: Pulumi) -> Pulumi:
    for module in (backup, restore, state):
        monkeypatch.setattr(module, "pulumi", pulumi)
    monkeypatch.setattr(volumes, "exists", lambda engine, volume: engine.host == "ssh://far" and volume != "gone")
    monkeypatch.setattr(volumes, "holds_something", lambda *_: False)
    monkeypatch.setattr(volumes, "taken", lambda _, volume: f"files of {volume}")
    return pulumi


NOW = datetime(2026, 11, 27, 2, 0, 0, 7, tzinfo=UTC)


def test_what_is_backed_up_is_restored(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the volume of usage, and but for what the next update deletes."""
    pulumi = use(monkeypatch, Pulumi())
    (folder / "Pulumi.prod.yaml").write_text("config: {}\n")
    said = backup.backup("org/prod", Path("kept"), NOW)
    assert said.startswith("kept: settings, keys and certificates, and the files of claude-auth, encrypted.\n")
    assert "make restore STACK=org/prod FILE=kept\n" in said
    assert pulumi.kept == {"backup:stack": "org/prod", "backup:volume0": "files of claude-auth"}
    written = json.loads(Path("kept").read_text())
    assert (written["stack"], written["made"]) == ("prod", "2026-11-27T02:00:00+00:00")
    assert written["sealed"] == "config: {}\n# backup:stack\n# backup:volume0\n"
    assert (written["settings"], written["state"]) == ("config: {}\n", EXPORTED)

    filled: list[tuple[Any, ...]] = []
    monkeypatch.setattr(volumes, "fill", lambda engine, *given: filled.append((engine.host, *given)))
    (folder / "Pulumi.prod.yaml").unlink()
    pulumi.calls.clear()
    said = restore.restore("prod", Path("kept"))
    assert said == (
        "restored the stack 'prod' of 2026-11-27T02:00:00+00:00: settings, keys and certificates, "
        "the files of claude-auth.\nBring it up: make up STACK=prod\n"
    )
    assert filled == [("ssh://far", "claude-auth", "files of claude-auth", {})]
    assert (folder / "Pulumi.prod.yaml").read_text() == "config: {}\n"
    assert [(words[:2], stdin and json.loads(stdin)) for words, _, stdin in pulumi.calls] == [
        (("stack", "ls"), None),
        (("stack", "select"), None),
        (("stack", "import"), EXPORTED),
        (("stack", "export"), None),
        (("config", "get"), None),
        (("stack", "select"), None),
        (("stack", "import"), EXPORTED),
    ]


def test_a_stack_without_resources_has_nothing_to_back_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Pulumi({"deployment": {}}))
    (folder / "Pulumi.prod.yaml").write_text("config: {}\n")
    with pytest.raises(OperationError, match=r"nothing to back up yet\. Run: make up STACK=prod"):
        backup.backup("prod", Path("kept"), NOW)
    assert not Path("kept").exists()


@pytest.mark.parametrize(
    ("error", "sentence"), [("incorrect passphrase", "with another passphrase"), ("a broken state", "a broken state")]
)
def test_a_backup_that_pulumi_does_not_take_changes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: str, sentence: str
) -> None:
    use(monkeypatch, Pulumi())
    (folder / "Pulumi.prod.yaml").write_text("config: {}\n")
    backup.backup("prod", Path("kept"), NOW)
    use(monkeypatch, Pulumi(error=error))
    monkeypatch.setattr(volumes, "fill", lambda *_: pytest.fail("a volume was filled"))
    with pytest.raises(OperationError, match=sentence):
        restore.restore("prod", Path("kept"))


def test_a_state_is_found_and_refreshed_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    pulumi = use(monkeypatch, Pulumi())
    found = State.of("prod")
    assert (found.stack, found.exported, found.engine().host) == ("prod", EXPORTED, "ssh://far")
    found.refresh([{"urn": "b"}, {"urn": "a"}, {"urn": "b"}])
    assert pulumi.calls[-1][0] == ("refresh", "--yes", "--skip-preview", "--target", "a", "--target", "b")


def test_a_state_is_in_the_order_that_pulumi_takes() -> None:
    """Whatever a resource refers to stands before it: dependencies, parent and provider."""
    first = {"urn": "p::id", "type": "x"}
    last = {"urn": "d", "type": "x"}
    good = {
        "urn": "r",
        "type": "x",
        "delete": True,
        "parent": "b",
        "provider": "p::id::uuid",
        "propertyDependencies": {"a": ["c"], "b": None},
        "dependencies": ["d", "elsewhere"],
    }
    failed = {"urn": "r", "type": "x"}
    named = [{"urn": "b", "type": "x"}, {"urn": "c", "type": "x"}]
    made = State("prod", {"deployment": {"resources": [failed, *named, good, first, last]}})
    made.reinstate(failed, good)
    assert [one["urn"] for one in made.resources] == ["d", "c", "b", "p::id", "r"]
