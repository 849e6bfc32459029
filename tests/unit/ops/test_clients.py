"""The stack's clients as the operator sees them: no key in the list, and one key where it was asked for."""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops import clients
from ops.commands import OperationError
from ops.key_rotation import PREVIOUS, Change
from ops.stack_file import StackFile

KEY = "sk-" + "0123456789abcdef" * 4
DECLARED = {
    "alice": {"models": ["sonnet", "haiku"], "requestsPerMinute": 60, "keyRotation": "2026-11-01"},
    "ci": {"expires": "2026-11-25", "cidrs": ["10.20.0.0/16"], "maxParallel": 2, "tokensPerMinute": 2000},
    "new": None,
}
OUTPUTS: dict[str, Any] = {
    "url": "https://gateway.example.org",
    "clients": {
        "alice": {"generation": "2026-11-01", "created": "2026-11-01"},
        "ci": {"generation": "initial", "created": None},
    },
    "client_keys": {"alice": KEY},
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, ...]]:
    """What pulumi is asked; it answers with the clients above."""
    monkeypatch.chdir(tmp_path)
    Path("Pulumi.prod.yaml").write_text("")
    made: list[tuple[str, ...]] = []

    def pulumi(*arguments: str, stack: str) -> str:
        made.append(arguments)
        if arguments[0] == "config":
            return json.dumps({"litellm-claude:clients": {"objectValue": DECLARED}} if stack == "prod" else {})
        shown = OUTPUTS if "--show-secrets" in arguments else {**OUTPUTS, "client_keys": "[secret]"}
        return json.dumps(shown)

    monkeypatch.setattr("ops.stack_file.pulumi", pulumi)
    monkeypatch.setattr(clients, "pulumi", pulumi)
    return made


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["clients", *arguments])
    return clients.main()


def test_the_list_says_who_may_what_and_holds_no_key(
    asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = clients.listing("prod", date(2026, 11, 26))
    head, alice, ci, new = printed.splitlines()
    assert head.split() == ["client", "models", "a", "minute", "at", "once", "from", "key", "expires"]
    assert alice.split("  ")[0] == "alice"
    assert "sonnet, haiku" in alice
    assert "60 requests" in alice
    assert "2026-11-01, 25 days old" in alice
    assert ci.endswith("2026-11-25 (expired)")
    assert "10.20.0.0/16" in ci
    assert "not yet made: make up" in new
    assert "sk-" not in printed
    assert asked
    assert all("--show-secrets" not in arguments for arguments in asked)
    assert run(monkeypatch, "prod") == 0
    assert capsys.readouterr().out.startswith("client")


def test_one_client_is_shown_with_its_key_and_how_to_use_it(
    asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "prod", "--show", "alice") == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[0] == KEY
    for words in (
        f"ANTHROPIC_BASE_URL=https://gateway.example.org ANTHROPIC_AUTH_TOKEN={KEY}; claude",
        f"OPENAI_BASE_URL=https://gateway.example.org/v1 OPENAI_API_KEY={KEY}",
        "curl -H @- https://gateway.example.org/v1/models",
    ):
        assert words in printed
    assert "ca.pem" not in printed


def test_a_stack_with_its_own_ca_says_how_to_trust_it(
    asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OUTPUTS, "ca_certificate", "PEM")
    printed = clients.key_and_use("prod", "alice")
    assert "export NODE_EXTRA_CA_CERTS=$PWD/ca.pem" in printed
    assert "| curl -H @- --cacert ca.pem https://gateway.example.org/v1/models" in printed


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("bob", "has no client 'bob'; there are: alice, ci, new. Declare one with: pulumi config set --stack prod"),
        ("", "say whose: make client STACK=prod NAME=alice. make clients lists them"),
        ("b\x1b", r"has no client 'b\x1b'"),
        ("ci", "the client 'ci' has no key yet. Run: make up STACK=prod"),
    ],
)
def test_a_client_without_a_key_is_a_sentence(
    asked: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    sentence: str,
) -> None:
    assert run(monkeypatch, "prod", "--show", name) == 1
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("entry", "listed", "rotated"),
    [
        ({"objectValue": {"alice": {"maxParallel": 0}}}, "the client 'alice' would be refused", None),
        ({"objectValue": {"alice": {"modles": 1}}}, "the client 'alice' would be refused", None),
        ({"objectValue": {"alice": 5}}, "not as they can be declared", "not as they can be declared"),
        ({"objectValue": ["alice"]}, "not as they can be declared", "not as they can be declared"),
        ({"secret": True}, "none of it is a secret", "none of it is a secret"),
        (
            {"objectValue": {"alice": {"previousKeyExpires": "soon"}}},
            "would be refused",
            "pulumi config set --path 'clients.alice.previousKeyExpires' TIME --stack prod",
        ),
    ],
)
def test_a_wrong_declaration_is_a_sentence(
    asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, entry: Any, listed: str, rotated: str | None
) -> None:
    monkeypatch.setattr("ops.stack_file.pulumi", lambda *_, **__: json.dumps({"litellm-claude:clients": entry}))
    with pytest.raises(OperationError, match=listed):
        clients.listing("prod", date(2026, 11, 26))
    if rotated is None:
        StackFile("prod").keys("alice")
    else:
        with pytest.raises(OperationError, match=rotated):
            StackFile("prod").keys("alice")


def test_a_stack_without_clients_says_how_to_declare_one(
    asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("Pulumi.dev.yaml").write_text("")
    assert "declares no clients. Declare one with: pulumi config set --stack dev --path" in clients.listing(
        "dev", date(2026, 11, 26)
    )


def test_a_clients_keys_are_read_from_its_own_settings(asked: list[tuple[str, ...]]) -> None:
    keys = StackFile("prod").keys("alice")
    assert (keys.production, keys.configured, keys.generation) == (True, False, "2026-11-01")
    with pytest.raises(OperationError, match="has no client 'bob'"):
        StackFile("prod").keys("bob")
    with pytest.raises(OperationError, match="has no client ''"):  # CLIENT= of a shell: not the master key
        StackFile("prod").keys("")


def test_a_change_of_a_client_touches_that_client_alone() -> None:
    change = Change({"keyRotation": "2026-11-24"}).of_client("alice")
    assert change.values == {"clients.alice.keyRotation": "2026-11-24"}
    assert change.removed == ("clients.alice.previousKeyRotation", "clients.alice.previousKeyExpires")
    assert len(change.removed) == len(PREVIOUS) - 1


def test_what_a_client_does_not_have_is_not_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`pulumi config rm --path` makes an error of what is not there."""
    monkeypatch.chdir(tmp_path)
    Path("Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": {}}))
    rules = {"alice": {"previousKeyExpires": "2026-11-25T12:00:00Z"}}
    asked: list[tuple[str, ...]] = []

    def pulumi(*arguments: str, stack: str, stdin: str | None = None) -> str:
        asked.append(arguments)
        return json.dumps({"litellm-claude:clients": {"objectValue": rules}}) if "--json" in arguments else ""

    monkeypatch.setattr("ops.stack_file.pulumi", pulumi)
    StackFile("prod").apply(Change({"keyRotation": "2026-11-24"}).of_client("alice"))
    removed = [arguments[2:4] for arguments in asked if arguments[1] == "rm"]
    assert removed == [("clients.alice.previousKeyExpires", "--path")]
    (set_all,) = [arguments for arguments in asked if arguments[1] == "set-all"]
    assert "--path" in set_all
    assert set_all[-2:] == ("--plaintext", "clients.alice.keyRotation=2026-11-24")
