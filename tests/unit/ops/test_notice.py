"""What a preview says of clients, from what pulumi really prints."""

import io
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.notice import main, notice

PLAIN = """\
 ++ docker:index:Container litellm-claude-x-litellm create replacement [diff: ~envs,image]
 +- docker:index:Container litellm-claude-x-litellm replace [diff: ~envs,image]
"""
TERMINAL = " \x1b[38;5;13m+-\x1b[0m ├─ docker:index:Container  stack-gateway  \x1b[1mreplace\x1b[0m  [diff: ~envs]\n"
FRONT = " +- docker:index:Container litellm-claude-x-front replace [diff: ~ports]\n"
TAKEOVER = """\
 +  docker:index:Container litellm-claude-x-front create
 +- docker:index:Container litellm-claude-x-gateway replace [diff: -ports]
"""
FIRST = """\
 +  docker:index:Container litellm-claude-x-front create
 +  docker:index:Container litellm-claude-x-gateway create
"""


@pytest.mark.parametrize("preview", [PLAIN, TERMINAL])
def test_what_nobody_notices_says_how_long_it_may_take(preview: str) -> None:
    said = notice(preview, 600) or ""
    assert "No request fails" in said
    assert "600 s" in said


@pytest.mark.parametrize(("preview", "why"), [(FRONT + PLAIN, "front is replaced"), (TAKEOVER, "ports move")])
def test_a_gap_is_said(preview: str, why: str) -> None:
    said = notice(preview, 600) or ""
    assert why in said
    assert "refused for about 4 s" in said


@pytest.mark.parametrize("preview", [FIRST, "~ docker:index:Container stack-litellm update [diff: ~memory]\n", ""])
def test_where_nothing_is_replaced_nothing_is_said(preview: str) -> None:
    assert notice(preview, 600) is None


@pytest.mark.parametrize("seconds", [30, "30", {"secure": "v1:x"}])
def test_the_drain_is_told_as_pulumi_has_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], seconds: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("config: {}\n")
    (tmp_path / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": {"litellm-claude:drainSeconds": seconds}}))
    monkeypatch.setattr("ops.decrypted_setting.pulumi", lambda *_, **__: "30\n")
    monkeypatch.setattr("sys.argv", ["notice", "prod"])
    monkeypatch.setattr("sys.stdin", io.StringIO(" +- docker:index:Container litellm-claude-prod-litellm replace\n"))
    assert main() == 0
    assert "30 s at most (drainSeconds)" in capsys.readouterr().out
