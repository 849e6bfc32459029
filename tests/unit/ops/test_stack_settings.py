"""A stack's file in whatever form a person has left it: what looks into it before Pulumi does never stops there."""

from pathlib import Path
from typing import Any

import pytest

from ops import taken_ports
from ops.before_up import refuse_invented_keys
from ops.preflight import wanted
from ops.state import State
from rules.stack_settings import setting

GOOD = "config:\n  litellm-claude:port: 4100\n"
FORMS: dict[str, tuple[bytes, Any]] = {
    "a mark in front": (b"\xef\xbb\xbf" + GOOD.encode(), 4100),
    "of another editor": (GOOD.encode("utf-16"), 4100),
    "CRLF": (GOOD.replace("\n", "\r\n").encode(), 4100),
    "a bare name": (b"config:\n  port: 4100\n", 4100),
    "twice": (GOOD.encode() + b"  litellm-claude:port: 4200\n", 4000),
    "no such day": (GOOD.encode() + b"  litellm-claude:keyRotation: 2026-02-31\n", 4100),
    "not UTF-8": (b"# gr\xfc\xdfe\n" + GOOD.encode(), 4000),
    "tabs": (b"config:\n\tlitellm-claude:port: 4100\n", 4000),
    "a merge": (b"<<<<<<< HEAD\n" + GOOD.encode() + b"=======\n" + GOOD.encode() + b">>>>>>> main\n", 4000),
    "a list": (b"config:\n  - litellm-claude:port: 4100\n", 4000),
    "a word": (b"config: none\n", 4000),
    "another list": (b"- config\n", 4000),
    "nothing": (b"", 4000),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("config:\n  port: {type: integer, default: 4000}\n")
    return tmp_path


@pytest.mark.parametrize("form", FORMS)
def test_a_file_is_read_as_pulumi_reads_it_or_left_to_pulumis_words(folder: Path, form: str) -> None:
    content, port = FORMS[form]
    (folder / "Pulumi.dev.yaml").write_bytes(content)
    assert setting("port", "dev", folder) == port


@pytest.mark.parametrize(
    "config",
    [
        "bindAddresses: 127.0.0.1",
        "bindAddresses: {a: b}",
        "bindAddresses: 7",
        "port: [4000]",
        "port: {secure: v1}",
        "port: many",
        "port: .inf",
        "replicas: .inf",
        "litellmMemoryMib: .nan",
        "clients: [alice]",
        "clients: alice",
        "clients: {alice: many}",
        "clients: {alice: [1]}",
        "replicas: {a: b}",
        "litellmMemoryMib: [1]",
        "previousKeyExpires: [1]",
    ],
)
def test_a_value_of_another_kind_is_left_to_the_settings_own_rules(folder: Path, config: str) -> None:
    (folder / "Pulumi.dev.yaml").write_text(f"config:\n  litellm-claude:{config}\n")
    state = State("dev", {"deployment": {}})
    refuse_invented_keys(state, "dev", folder)
    wanted("dev", folder, 0)
    assert taken_ports.problems("dev", folder) == []


def test_a_stacks_setting_wins_over_the_projects_default(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("config:\n  port: {type: integer, default: 4000}\n")
    stack = tmp_path / "Pulumi.dev.yaml"
    stack.write_text("config: {}\n")
    assert setting("port", "dev", tmp_path) == 4000
    stack.write_text("config:\n  litellm-claude:port: 4100\n")
    assert setting("port", "dev", tmp_path) == setting("port", "organization/litellm-claude/dev", tmp_path) == 4100
