"""A container that reports ready has taken LiteLLM's ways before."""

from __future__ import annotations

import logging

import pytest

from claude_gateway.start.warm_up import warm_up

pytestmark = pytest.mark.filterwarnings("default")  # LiteLLM's own


async def test_the_warm_up_asks_nobody_and_says_how_long_it_took(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        await warm_up("claude-sonnet-5-5")
    assert "warmed up in" in caplog.text
