"""The gateway application is not installed here: it is imported from the image's own folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "images" / "litellm" / "app"))

from claude_gateway.cli import process
from claude_gateway.start.entry import ENVIRONMENT

os.environ.update(ENVIRONMENT)  # as in the container: LiteLLM fetches nothing when it is imported


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No CLI process is given up because the machine of the tests is busy."""
    for name in ("INTERRUPT_SECONDS", "WIPE_SECONDS", "CONTROL_SECONDS"):
        monkeypatch.setattr(process, name, 120.0)
