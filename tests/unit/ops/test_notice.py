"""What a preview says of clients, from what pulumi really prints."""

import pytest

from ops.notice import notice

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
